"""`flask --app wsgi import-enterprises FILE`: the same import, from the command line."""

from __future__ import annotations

from pathlib import Path

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from fieldapp.accounts.models import Role, User, team_lead
from fieldapp.db import db, writing
from fieldapp.imports import actions
from fieldapp.imports.actions import Importer
from fieldapp.imports.models import BatchState, ImportBatch, ImportRow
from fieldapp.imports.rules import Verdict
from fieldapp.refusals import Refusal


def import_file(
    by: Importer, data: bytes, filename: str, report: actions.Report | None = None
) -> ImportBatch:
    """Upload and confirm in one go, in the present transaction. Raises Unreadable, NothingToImport."""
    batch = actions.upload(by, data, filename)
    if batch.state is BatchState.CHECKED and any(
        batch.counts.get(name) for name in ("new", "changed", "unchanged")
    ):
        actions.confirm(by, batch, batch.version, report)
    return batch


def _importer(username: str | None) -> Importer:
    if username is None:
        return Importer()
    user = db.session.scalar(sa.select(User).where(User.username == username.lower(), User.active))
    if user is None:
        raise click.ClickException(f"no active user {username}")
    if user.role is not Role.LEAD:
        raise click.ClickException(f"{username} is not a lead; only leads import")
    teams = db.session.scalars(sa.select(team_lead.c.team_id).where(team_lead.c.user_id == user.id))
    return Importer(user.id, user.name, tuple(teams))


@click.command("import-enterprises")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "username", help="A lead's username: only the regions of their teams are written.")
@with_appcontext
def import_command(file: Path, username: str | None) -> None:
    """Import enterprises from an .xlsx or .csv ledger; refused rows are listed with their reasons."""
    with writing():
        db.session.rollback()
        by = _importer(username)
        try:
            with click.progressbar(length=100, label=file.name, show_pos=False) as bar:

                def report(done: int, total: int) -> None:
                    bar.update(round(100 * done / max(total, 1)) - bar.pos)

                batch = import_file(by, file.read_bytes(), file.name, report)
                bar.update(100 - bar.pos)
        except Refusal as refusal:
            db.session.rollback()
            raise click.ClickException(str(refusal.message)) from refusal
        _print(batch)
        db.session.commit()


def _print(batch: ImportBatch) -> None:
    counts = batch.counts
    if batch.state is BatchState.UPLOADED:
        raise click.ClickException("没有找到企业名称和统一社会信用代码两列，没有导入")
    for row, name, notes in db.session.execute(
        sa.select(ImportRow.row, ImportRow.name, ImportRow.notes)
        .where(ImportRow.batch_id == batch.id, ImportRow.verdict.in_([Verdict.REFUSED, Verdict.REPAIRED]))
        .order_by(ImportRow.row)
    ):
        for note in notes:
            said = note["t"] % note["p"] if note.get("p") else note["t"]
            hint = note.get("h", "")
            said += hint % note["p"] if note.get("p") else hint
            change = f"{note.get('b', '')} → {note.get('a', '')}，" if note["k"] == "REPAIR" else ""
            click.echo(f"  第 {row} 行 {name} {note.get('c', '')}：{change}{said}")
    if others := counts.get("others"):
        click.echo(f"只读了工作表“{batch.sheet}”；{'、'.join(others)}也像企业台账，没有读")
    done = counts.get("done", {})
    click.echo(
        f"{counts.get('rows', 0)} 行：新增 {done.get('new', 0)}，更新 {done.get('changed', 0)}，"
        f"不变 {done.get('unchanged', counts.get('unchanged', 0))}；自动改好 {counts.get('repaired', 0)}，"
        f"不能入库 {counts.get('refused', 0)}，跳过 {counts.get('skipped', 0)}"
    )
