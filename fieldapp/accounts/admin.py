"""What admins do: accounts, teams, regions. No business content is shown here."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp.accounts import actions, queries
from fieldapp.accounts.blueprint import bp
from fieldapp.accounts.forms import NewPersonForm, PersonForm, RegionForm, TeamForm
from fieldapp.accounts.models import Role, Team, User
from fieldapp.accounts.rules import LastAdmin
from fieldapp.entries import keep_instead
from fieldapp.guards import needs
from fieldapp.languages import _
from fieldapp.pages import done, number_in, page

NEW_TEAM = {"regions": [], "leads": [], "version": 0}


def _filters() -> queries.PeopleFilters:
    args = request.args
    return queries.PeopleFilters(
        q=args.get("q", "")[:60],
        role=Role.__members__.get(args.get("role", "").upper()),
        team=number_in(args.get("team", "")),
        active=args.get("active", "") if args.get("active") in {"yes", "no"} else "",
        page=args.get("page", "")[:40],
    )


@bp.get("/admin/users")
@needs("ADMIN")
def users() -> Response:
    filters = _filters()
    people, next_page = queries.list_people(filters)
    kept: dict[str, Any] = {
        "q": filters.q or None,
        "role": filters.role.name.lower() if filters.role else None,
        "team": filters.team,
        "active": filters.active or None,
    }
    return page(
        "accounts/users.html",
        filters=filters,
        people=people,
        first_page=url_for("accounts.users", **kept) if filters.page else "",
        next_page=url_for("accounts.users", **kept, page=next_page) if next_page else "",
        roles=Role,
        teams=queries.team_choices(),
    )


def _shown_once(user: User, secret: str) -> Response:
    """The one answer that shows a one-time password.

    It is the answer to the POST itself: nothing has to be kept until some later page asks for it. What entries keep
    for a replay is the same page without the password, so the same entry again makes no second account, and shows
    nothing that the database does not hold.
    """
    shown = page("accounts/one_time.html", person=user, secret=secret)
    return keep_instead(
        shown, page("accounts/one_time.html", person=user, secret=None).get_data(as_text=True)
    )


@bp.route("/admin/users/new", methods=["GET", "POST"])
@needs("ADMIN")
def new_user() -> Response:
    form = NewPersonForm(request.form, teams=queries.team_choices(), role=Role.OFFICER.name, version=0)
    if request.method == "POST" and form.validate():
        try:
            user, secret = actions.create_user(form.username.data, **form.words())
        except actions.Taken as refusal:
            form[refusal.field].errors = [refusal.message]
        else:
            return _shown_once(user, secret)
    return page("accounts/new_user.html", form=form)


@bp.route("/admin/users/<int:user_id>", methods=["GET", "POST"])
@needs("ADMIN")
def user(user_id: int) -> Response:
    if request.method == "GET":
        return _user_page(queries.find_user(user_id))
    person, admins = queries.lock_user_for_admin(user_id)
    form = PersonForm(request.form, teams=queries.team_choices())
    if not form.validate():
        return _user_page(person, form)
    try:
        actions.edit_user(person, admins, form.version.data or 0, **form.words())
    except actions.Stale:
        theirs = _texts(_words_of(person))
        mine = _texts(form.words())
        changed = [(label, theirs[label], mine[label]) for label in theirs if theirs[label] != mine[label]]
        form.version.data = form.version.raw_data = None
        form.version.process(None, person.version)
        return _user_page(person, form, changed=changed, status=409)
    except LastAdmin as refusal:
        form.role.errors = [refusal.message]
        return _user_page(person, form)
    return done(to=url_for("accounts.user", user_id=user_id), notice="user_saved")


def _words_of(person: User) -> dict[str, Any]:
    return {
        "name": person.name,
        "phone": person.phone,
        "role": person.role,
        "team_id": person.team_id,
        "led": queries.led_teams(person.id),
    }


def _texts(words: dict[str, Any]) -> dict[str, str]:
    """What an account says, label by label, so that two versions can be read side by side."""
    names = {team.id: team.name for team in queries.team_choices()}
    role = words["role"]
    return {
        _("姓名"): words["name"],
        _("电话"): words["phone"] or "—",
        _("角色"): _(role.value),
        _("服务团"): names.get(words["team_id"], "—"),
        _("负责哪些服务团"): _("、").join(names[i] for i in sorted(words["led"]) if i in names) or "—",
    }


def _user_page(
    person: User,
    form: PersonForm | None = None,
    *,
    changed: list[tuple[str, str, str]] | None = None,
    status: int | None = None,
) -> Response:
    if form is None:
        words = _words_of(person)
        data = {**words, "role": person.role.name, "team": person.team_id, "leads": sorted(words["led"])}
        form = PersonForm(teams=queries.team_choices(), data={**data, "version": person.version})
    return page(
        "accounts/user.html",
        form=form,
        person=person,
        changed=changed,
        status=status,
        oneself=person.id == current_user.id,
    )


@bp.post("/admin/users/<int:user_id>/disable")
@needs("ADMIN")
def disable_user(user_id: int) -> Response:
    person, admins = queries.lock_user_for_admin(user_id)
    actions.set_active(current_user, person, admins, False)
    return done(to=url_for("accounts.user", user_id=user_id), notice="user_disabled")


@bp.post("/admin/users/<int:user_id>/enable")
@needs("ADMIN")
def enable_user(user_id: int) -> Response:
    person, admins = queries.lock_user_for_admin(user_id)
    actions.set_active(current_user, person, admins, True)
    return done(to=url_for("accounts.user", user_id=user_id), notice="user_enabled")


@bp.post("/admin/users/<int:user_id>/reset-password")
@needs("ADMIN")
def reset_password(user_id: int) -> Response:
    person, _admins = queries.lock_user_for_admin(user_id)
    return _shown_once(person, actions.reset_password(current_user, person))


@bp.get("/admin/teams")
@needs("ADMIN")
def teams() -> Response:
    return _teams_page(RegionForm())


def _teams_page(form: RegionForm) -> Response:
    return page(
        "accounts/teams.html",
        teams=queries.list_teams(),
        officers=queries.officers_per_team(),
        free_regions=[region for region in queries.list_regions() if region.team_id is None],
        form=form,
    )


@bp.post("/admin/regions")
@needs("ADMIN")
def new_region() -> Response:
    form = RegionForm(request.form)
    if form.validate():
        try:
            actions.add_region(form.region_code.data, form.region_name.data)
        except actions.Taken as refusal:
            form[refusal.field].errors = [refusal.message]
        else:
            return done(to=url_for("accounts.teams"), notice="region_added")
    return _teams_page(form)


def _team_form(team: Team | None, sent: Any = None) -> TeamForm:
    choices = {"regions": queries.list_regions(), "leads": queries.lead_choices(team)}
    if sent is not None:
        return TeamForm(sent, **choices)
    data: dict[str, Any] = NEW_TEAM
    if team is not None:
        data = {
            "name": team.name,
            "office_phone": team.office_phone,
            "version": team.version,
            "regions": [region.id for region in team.regions],
            "leads": [lead.id for lead in team.leads],
        }
    # `regions` and `leads` are also the names of the choices, so the values go in through `data`.
    return TeamForm(data=data, **choices)


@bp.route("/admin/teams/new", methods=["GET", "POST"])
@needs("ADMIN")
def new_team() -> Response:
    return _save_team(None)


@bp.route("/admin/teams/<int:team_id>", methods=["GET", "POST"])
@needs("ADMIN")
def team(team_id: int) -> Response:
    return _save_team(queries.lock_team(team_id) if request.method == "POST" else queries.find_team(team_id))


def _save_team(team: Team | None) -> Response:
    form = _team_form(team, request.form if request.method == "POST" else None)
    changed, status = None, None
    if request.method == "POST" and form.validate():
        try:
            actions.save_team(team, form.version.data or 0, **form.words())
        except actions.Taken as refusal:
            form[refusal.field].errors = [refusal.message]
        except actions.Stale:
            assert team is not None
            theirs, mine = _team_texts(_team_form(team)), _team_texts(form)
            changed = [
                (label, theirs[label], mine[label]) for label in theirs if theirs[label] != mine[label]
            ]
            form.version.data = form.version.raw_data = None
            form.version.process(None, team.version)
            status = 409
        else:
            return done(to=url_for("accounts.teams"), notice="team_saved")
    served = {
        region.id: region.team
        for region in queries.list_regions()
        if team is None or region.team_id != team.id
    }
    return page("accounts/team.html", form=form, team=team, changed=changed, status=status, served=served)


def _team_texts(form: TeamForm) -> dict[str, str]:
    def chosen(field: Any) -> str:
        return _("、").join(str(one.label) for one in field.choices if one.value in (field.data or ())) or "—"

    return {
        _("名称"): form.name.data or "—",
        _("办公电话"): form.office_phone.data or "—",
        _("服务的旗县区"): chosen(form.regions),
        _("负责人"): chosen(form.leads),
    }
