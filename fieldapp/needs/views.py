"""Views: filters of the pool that somebody has given a name, to open them again. Everybody's own."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from flask import Response, request, url_for
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from wtforms import HiddenField, StringField
from wtforms.validators import Length, ValidationError

from fieldapp import clock
from fieldapp.db import fetch, run
from fieldapp.forms import Form, no_control_characters, typed
from fieldapp.guards import needs
from fieldapp.languages import _, lazy
from fieldapp.needs.blueprint import bp
from fieldapp.needs.links import asked_of, filters_in
from fieldapp.needs.listing import Filters
from fieldapp.needs.models import NeedView
from fieldapp.pages import add_notice, done, page
from fieldapp.refusals import Conflict, NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person

MOST = 20


class NameTaken(Conflict):
    message = lazy("你已经有一个叫这个名字的了。请换一个名字。")


add_notice("view_saved", "ok", lazy("已存为常用筛选。"))
add_notice("view_renamed", "ok", lazy("名字已改。"))
add_notice("view_dropped", "ok", lazy("已删除。"))

_view = NeedView.__table__


def query_of(filters: Filters) -> str:
    """The filters as the part of an address behind its question mark."""
    return urlencode({name: str(value) for name, value in asked_of(filters).items() if value})


def own_views(person: Person) -> list[Any]:
    """Rows of id, name, query, in the order in which they were saved."""
    return list(
        fetch(
            sa.select(_view.c.id, _view.c.name, _view.c.query)
            .where(_view.c.user_id == person.id)
            .order_by(_view.c.id)
        )
    )


def _find(person: Person, view_id: int) -> Any:
    found = [view for view in own_views(person) if view.id == view_id]
    if not found:
        raise NotFound
    return found[0]


class ViewForm(Form):
    name = StringField(
        lazy("叫什么名字"), [Length(max=20, message=lazy("最多 20 个字。")), no_control_characters]
    )
    query = HiddenField()

    def __init__(self, *args: Any, taken: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.taken = taken

    def validate_name(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请给它起个名字。"))
        if typed(field) in self.taken:
            raise ValidationError(lazy("你已经有一个叫这个名字的了。"))


def _person() -> Any:
    return current_user._get_current_object()


def _page(form: ViewForm, changed: int = 0) -> Response:
    views = own_views(_person())
    kept = filters_in(dict(parse_qsl(form.query.data or "")))
    return page(
        "needs/views.html",
        form=form,
        views=views,
        changed=changed,
        here=query_of(kept),
        most=MOST,
        address=url_for("needs.index"),
    )


@bp.get("/needs/views")
@needs("OFFICER", "LEAD")
def views() -> Response:
    return _page(ViewForm(query=request.query_string.decode("ascii", "ignore")[:1000]))


@bp.post("/needs/views")
@needs("OFFICER", "LEAD")
def save_view() -> Response:
    person = _person()
    own = own_views(person)
    form = ViewForm(request.form, taken={view.name for view in own})
    query = query_of(filters_in(dict(parse_qsl(form.query.data or ""))))
    if form.validate() and len(own) >= MOST:
        form.name.errors = [_("最多存 %(most)s 个，先删掉不用的。", most=MOST)]
    if form.errors:
        return _page(form)
    row = {"user_id": person.id, "name": typed(form.name), "query": query, "created_at": clock.now()}
    try:
        run(sa.insert(_view), row)
    except IntegrityError as error:  # the same name twice at once
        raise NameTaken from error
    return done(to=f"{url_for('needs.index')}?{query}", notice="view_saved")


@bp.post("/needs/views/<int:view_id>/rename")
@needs("OFFICER", "LEAD")
def rename_view(view_id: int) -> Response:
    person = _person()
    view = _find(person, view_id)
    taken = {one.name for one in own_views(person) if one.id != view_id}
    form = ViewForm(request.form, taken=taken)
    if not form.validate():
        return _page(form, view_id)
    try:
        run(sa.update(_view).where(_view.c.id == view.id).values(name=typed(form.name)))
    except IntegrityError as error:
        raise NameTaken from error
    return done(to=url_for("needs.views"), notice="view_renamed")


@bp.post("/needs/views/<int:view_id>/delete")
@needs("OFFICER", "LEAD")
def drop_view(view_id: int) -> Response:
    view = _find(_person(), view_id)
    run(sa.delete(_view).where(_view.c.id == view.id))
    return done(to=url_for("needs.views"), notice="view_dropped")
