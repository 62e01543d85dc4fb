"""Uploading a ledger, looking at what it would do, and letting it."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.guards import needs
from fieldapp.imports import actions, progress, workbooks
from fieldapp.imports.actions import Importer
from fieldapp.imports.blueprint import bp
from fieldapp.imports.columns import FIELDS, UNITS, Mapping
from fieldapp.imports.forms import ConfirmForm, UploadForm, chosen_columns, mapping_rows
from fieldapp.imports.models import BatchState, ImportBatch
from fieldapp.imports.queries import SHOWS, find_batch, recent_batches, refused_rows, regions_led_by, rows_of
from fieldapp.imports.sheets import Unreadable, read_book
from fieldapp.languages import _
from fieldapp.pages import done, named, number_in, page, part
from fieldapp.refusals import NotFound


def _importer() -> Importer:
    return Importer(current_user.id, current_user.name, current_user.led_team_ids)


def _sheet(content: bytes, filename: str) -> Response:
    response = Response(content, mimetype=workbooks.KIND)
    return named(response, filename, "sheet.xlsx")


def _index(form: UploadForm) -> Response:
    return page(
        "imports/index.html",
        form=form,
        batches=recent_batches(current_user),
        regions=regions_led_by(current_user),
        limits=actions.limits(),
        states=BatchState,
    )


@bp.get("/imports/enterprises")
@needs("LEAD")
def index() -> Response:
    return _index(UploadForm())


@bp.post("/imports/enterprises")
@needs("LEAD")
def upload() -> Response:
    form = UploadForm(request.files)
    if not form.validate():
        return _index(form)
    file = form.file.data
    try:
        batch = actions.upload(_importer(), file.read(), file.filename)
    except Unreadable as refusal:
        form.file.errors = [refusal.message]
        return _index(form)
    return done(to=url_for("imports.show", batch_id=batch.id))


@bp.get("/imports/enterprises/template.xlsx")
@needs("LEAD")
def template() -> Response:
    content = workbooks.template_workbook(clock.today().year - 1, regions_led_by(current_user))
    return _sheet(content, "企业名单模板.xlsx")


def _show(batch: ImportBatch) -> Response:
    mapping = Mapping.from_json(batch.mapping)
    show = request.args.get("show", "look")
    if show not in SHOWS:
        raise NotFound
    return page(
        "imports/show.html",
        batch=batch,
        mapping=mapping,
        columns=mapping_rows(mapping, clock.today().year),
        found=rows_of(batch, show, number_in(request.args.get("page", "")) or 1),
        show=show,
        fields=FIELDS,
        units=list(UNITS),
        counts=batch.counts,
        states=BatchState,
        default_crs=actions.default_crs(),
        running=progress.read(batch.id),
    )


@bp.get("/imports/enterprises/<int:batch_id>")
@needs("LEAD")
def show(batch_id: int) -> Response:
    return _show(find_batch(current_user, batch_id))


@bp.post("/imports/enterprises/<int:batch_id>")
@needs("LEAD")
def remap(batch_id: int) -> Response:
    batch = find_batch(current_user, batch_id, for_update=True)
    columns, units, years = chosen_columns(request.form, Mapping.from_json(batch.mapping))
    actions.remap(_importer(), batch, columns, units, years)
    return done(to=url_for("imports.show", batch_id=batch.id), notice="import_remapped")


@bp.post("/imports/enterprises/<int:batch_id>/confirm")
@needs("LEAD")
def confirm(batch_id: int) -> Response:
    batch = find_batch(current_user, batch_id, for_update=True)
    form = ConfirmForm(request.form)
    version = form.version.data if form.validate() else 0
    publish = progress.Publisher(batch.id)
    try:
        actions.confirm(_importer(), batch, version or 0, publish)
    finally:
        publish.close()
    return done(to=url_for("imports.show", batch_id=batch.id))


@bp.post("/imports/enterprises/<int:batch_id>/withdraw")
@needs("LEAD")
def withdraw(batch_id: int) -> Response:
    actions.withdraw(find_batch(current_user, batch_id, for_update=True))
    return done(to=url_for("imports.index"), notice="import_withdrawn")


@bp.get("/imports/enterprises/<int:batch_id>/progress")
@needs("LEAD")
def watch(batch_id: int) -> Response:
    """How far the confirmation is; the page asks while its own post is under way."""
    batch = find_batch(current_user, batch_id)
    return part("imports/show.html", "import_progress", batch=batch, running=progress.read(batch.id))


@bp.get("/imports/enterprises/<int:batch_id>/refused.xlsx")
@needs("LEAD")
def refused(batch_id: int) -> Response:
    batch = find_batch(current_user, batch_id)
    rows = refused_rows(batch)
    if not rows:
        raise NotFound
    if not batch.content:
        raise NotFound(_("上传的文件已按期清理，不能再下载。请把原来的表格改好后重新上传。"))
    mapping = Mapping.from_json(batch.mapping)
    book = read_book(batch.content, batch.filename, actions.limits())
    grid = next(grid for grid in book.grids if grid.name == mapping.sheet)
    stem = batch.filename.rsplit(".", 1)[0][:80]
    return _sheet(workbooks.refused_workbook(grid, mapping, rows), f"{stem}-不能入库.xlsx")
