"""The demo city, and serving it: what `make run` starts."""

from __future__ import annotations

import errno
from contextlib import nullcontext
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from fieldapp.db import db
from fieldapp.demo.city import ACCOUNTS, PASSWORD, build, is_empty
from fieldapp.work import ends_on_sigterm, working


@click.command("demo")
@with_appcontext
def demo_command() -> None:
    """Fill an empty database with the demo city (示例)."""
    if not is_empty():
        raise click.ClickException("the database already has people in it; the demo city needs an empty one")
    build(click.echo)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--demo/--no-demo", default=True, help="Fill an empty database with the demo city first.")
@with_appcontext
def serve_command(host: str, port: int, demo: bool) -> None:
    """Migrate, fill an empty database with the demo city, serve, and do the jobs that come round (see work.py).

    Waitress takes a request's whole body before a thread works on it, so slow phones hold no thread.
    """
    from flask_migrate import upgrade

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    server = _bound(app, host, port)
    upgrade()
    if demo and current_app.config["ENV"] != "production":
        if is_empty():
            click.echo("Filling the demo city (示例)…")
            build(click.echo)
        click.echo(f"\n  http://{host}:{port}\n")
        click.echo(f"  示例账号，密码都是 {PASSWORD}：")
        for username, words in ACCOUNTS.items():
            click.echo(f"    {username:<8} {words}")
        click.echo("")
    # What was read so far is done with. A transaction left open here would be as old as the server: SQLite could never
    # empty its journal (-wal) again, PostgreSQL clear nothing away.
    db.session.remove()
    ends_on_sigterm()
    with working(app) if app.config["WORK"] else nullcontext():
        server.run()


def _bound(app: Flask, host: str, port: int) -> Any:
    """The server on its port. First of all, so that nothing is migrated under another one that still runs there."""
    from waitress import create_server

    try:
        return create_server(
            app,
            host=host,
            port=port,
            threads=app.config["SERVER_THREADS"],
            connection_limit=1000,
            channel_timeout=120,
            max_request_body_size=app.config["PHOTO_BODY"] + 1024 * 1024,
            ident=None,
        )
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise click.ClickException(
            f"port {port} is in use: is 青助企 running already? Stop it, or take another: make run PORT={port + 1}"
        ) from None


def init(app: Flask) -> None:
    app.cli.add_command(demo_command)
    app.cli.add_command(serve_command)
