"""我的 → 提醒方式, and a team's robots: the same pages for two kinds of owner."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.guards import needs
from fieldapp.notices import ways
from fieldapp.notices.blueprint import bp
from fieldapp.notices.channels import offered
from fieldapp.notices.forms import FORMS, QuietForm
from fieldapp.notices.models import ChannelKind
from fieldapp.notices.queries import led_teams, quiet_of, ways_of
from fieldapp.notices.ways import ROBOTS, Owner, find_team
from fieldapp.pages import done, page, part
from fieldapp.refusals import NotFound


def _mine() -> Owner:
    return Owner(user_id=current_user.id, name=current_user.name)


def _kind(owner: Owner, way: str) -> ChannelKind:
    kind = ChannelKind.__members__.get(way.upper())
    if kind not in offered(current_app.config) or (owner.team_id and kind not in ROBOTS):
        raise NotFound
    return kind


def _at(owner: Owner, endpoint: str, **values: Any) -> str:
    """The address of that page of this owner's."""
    if owner.team_id:
        return url_for(f"notices.team_{endpoint}", team_id=owner.team_id, **values)
    return url_for(f"notices.{endpoint}", **values)


def _overview(owner: Owner, form: QuietForm | None = None) -> Response:
    mine = owner.user_id is not None
    if form is None and mine:
        form = QuietForm(obj=quiet_of(current_user.id))
    return page(
        "notices/ways.html",
        owner=owner,
        at=_at,
        form=form,
        ways=ways_of(owner),
        teams=led_teams(current_user) if mine else [],
        usual=quiet_of(current_user.id) if mine else None,
    )


def _list(owner: Owner) -> Response:
    return part("notices/ways.html", "way_list", owner=owner, at=_at, ways=ways_of(owner))


def _edit(owner: Owner, way: str) -> Response:
    kind = _kind(owner, way)
    form = FORMS[kind](request.form)
    if request.method == "POST" and form.validate():
        target, secret = form.address
        ways.open_channel(current_user, owner, kind, target, secret, clock.now())
        return done(to=_at(owner, "ways"), notice="way_saved")
    used = ways.find_channel(owner, kind) is not None
    return page("notices/way.html", owner=owner, at=_at, kind=kind, way=way, form=form, used=used)


def _close(owner: Owner, way: str) -> Response:
    ways.close_channel(current_user, owner, _kind(owner, way), clock.now())
    return done(to=_at(owner, "ways"), notice="way_closed")


def _test(owner: Owner, way: str) -> Response:
    ways.send_test(current_user, owner, _kind(owner, way), clock.now())
    return done(to=_at(owner, "ways"))


@bp.get("/me/notices", endpoint="ways")
def ways_page() -> Response:
    return _overview(_mine())


@bp.get("/me/notices/list")
def way_list() -> Response:
    return _list(_mine())


@bp.post("/me/notices/quiet")
def quiet() -> Response:
    form = QuietForm(request.form)
    if not form.validate():
        return _overview(_mine(), form)
    ways.set_quiet(
        current_user,
        form.starts.data,
        form.ends.data,
        clock.now(),
        days_off=form.days_off.data,
        digest=form.digest.data,
    )
    return done(to=url_for("notices.ways"), notice="settings_saved")


@bp.route("/me/notices/<way>", methods=["GET", "POST"])
def way(way: str) -> Response:
    return _edit(_mine(), way)


@bp.post("/me/notices/<way>/close")
def close_way(way: str) -> Response:
    return _close(_mine(), way)


@bp.post("/me/notices/<way>/test")
def test_way(way: str) -> Response:
    return _test(_mine(), way)


@bp.get("/teams/<int:team_id>/notices")
@needs("LEAD", "ADMIN")
def team_ways(team_id: int) -> Response:
    return _overview(find_team(current_user, team_id))


@bp.get("/teams/<int:team_id>/notices/list")
@needs("LEAD", "ADMIN")
def team_way_list(team_id: int) -> Response:
    return _list(find_team(current_user, team_id))


@bp.route("/teams/<int:team_id>/notices/<way>", methods=["GET", "POST"])
@needs("LEAD", "ADMIN")
def team_way(team_id: int, way: str) -> Response:
    return _edit(find_team(current_user, team_id), way)


@bp.post("/teams/<int:team_id>/notices/<way>/close")
@needs("LEAD", "ADMIN")
def team_close_way(team_id: int, way: str) -> Response:
    return _close(find_team(current_user, team_id), way)


@bp.post("/teams/<int:team_id>/notices/<way>/test")
@needs("LEAD", "ADMIN")
def team_test_way(team_id: int, way: str) -> Response:
    return _test(find_team(current_user, team_id), way)
