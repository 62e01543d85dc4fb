"""Enterprises in from a spreadsheet: read, shown before anything is written, then all good rows at once."""

from __future__ import annotations

from flask import Flask

from fieldapp.imports import routes as _routes  # noqa: F401
from fieldapp.imports.blueprint import bp
from fieldapp.imports.commands import import_command, import_file
from fieldapp.languages import lazy
from fieldapp.pages import add_notice


def init(app: Flask) -> None:
    app.cli.add_command(import_command)
    add_notice("import_remapped", "ok", lazy("按新的对法重新看了一遍，还没有写入任何数据。"))
    add_notice("import_withdrawn", "ok", lazy("已取消，什么都没有写入。"))


__all__ = ["bp", "import_file", "init"]
