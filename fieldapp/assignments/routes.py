"""Choosing enterprises, choosing who serves them, seeing what would happen, doing it; and who served when.

Planned visits go along: the new officer makes them on the day agreed, and the visit's history says so. Where an
enterprise goes back to the pool nobody is there to make them, so they are cancelled. A visit already begun stays under
the name of whoever began it, and the preview says how many there are; where that officer cannot open the enterprise any
more, the new one completes it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, Response, current_app, request, url_for
from flask_login import current_user
from markupsafe import Markup

from fieldapp import clock
from fieldapp.assignments import actions
from fieldapp.assignments.actions import BadDate, CannotServe, ChangedMeanwhile, NothingToDo, Order
from fieldapp.assignments.blueprint import bp
from fieldapp.assignments.forms import REASONS, OrderForm, act_named, ids_in, lines_in, number
from fieldapp.assignments.plans import Plan, plan_for, proposal_for, proposed
from fieldapp.assignments.queries import (
    MOST_AT_ONCE,
    Listed,
    Officer,
    Row,
    choices_of,
    history,
    listed,
    officers_of,
    recent_changes,
    rows_of,
)
from fieldapp.assignments.rules import Act, bar_of, earliest
from fieldapp.enterprises.industries import DIVISIONS, industry_name
from fieldapp.enterprises.models import QualificationKind
from fieldapp.enterprises.queries import Filters, Found, find_enterprise, list_enterprises
from fieldapp.forms import typed
from fieldapp.guards import needs
from fieldapp.languages import N_, _, lazy, speaking, translated
from fieldapp.pages import add_notice, done, page, same_site_path

add_notice("assigned", "ok", lazy("已保存，相关干部都收到了提醒。"))
add_notice("choose_some", "warn", lazy("请先勾选企业。"))

PAGE = 30
SHOWN_CHANGES = 6
STATES = {
    "pool": N_("未分配"),
    "taken": N_("已分配"),
    "loose": N_("需要交接"),
    "all": N_("全部"),
}
# The short words of 高企 and 科小 that a table has room for, and the colours of their tags.
SHORT = {QualificationKind.HNTE: N_("高企"), QualificationKind.TECH_SME: N_("科小")}
COLOURS = {QualificationKind.HNTE: "tag tag-brand", QualificationKind.TECH_SME: "tag tag-info"}


def init(app: Flask) -> None:
    app.jinja_env.globals["load_bar"] = _bar


def _bar(load: int, more: int, mark: int, top: float) -> Markup:
    """Enterprises now, how many come (or, negative, go), the mark, and the number that fills the bar."""
    return Markup(_BAR % bar_of(load, more, mark, top))  # noqa: S704  (numbers and words of our own)


_BAR = (
    '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
    '<rect class="%s" data-now width="%s" height="8"/><rect class="%s" data-more x="%s" width="%s" height="8"/>'
    '<rect class="f-target" x="%s" width=".9" height="8"/></svg>'
)


def _options(words: dict[str, str], language: str, chosen: str) -> Markup:
    return Markup("").join(
        Markup('<option value="{}"{}>{}</option>').format(
            value, Markup(" selected") if value == chosen else "", translated(text, language)
        )
        for value, text in words.items()
    )


# Three dozen options that are the same for everybody: made once for each that can be chosen.


@lru_cache(maxsize=100)
def _industries(language: str, chosen: str) -> Markup:
    return _options(DIVISIONS, language, chosen if chosen in DIVISIONS else "")


@lru_cache(maxsize=100)
def _kinds(language: str, chosen: str) -> Markup:
    return _options({kind.name.lower(): kind.value for kind in QualificationKind}, language, chosen)


def _person() -> Any:
    """Who is signed in, themselves: behind the proxy they would be looked for at every question."""
    return current_user._get_current_object()


def _state() -> str:
    state = request.values.get("state", "")
    return state if state in STATES or number(state) else "pool"


def _filters() -> Filters:
    values, state = request.values, _state()
    return Filters(
        q=values.get("q", "")[:100],
        region=number(values.get("region")),
        industry=values.get("industry", "")[:2],
        tag=values.get("tag", "")[:30],
        scope=state if state in {"pool", "taken", "loose"} else "team",
        page=values.get("page", "")[:80],
        officer=number(state),
    )


def _address(filters: Filters, endpoint: str = "assignments.index", **changes: Any) -> str:
    """The page with these filters, some of them changed."""
    state = _state()
    wanted = {
        "q": filters.q,
        "region": filters.region,
        "industry": filters.industry,
        "tag": filters.tag,
        "state": "" if state == "pool" else state,
    } | changes
    return url_for(endpoint, **{name: value for name, value in wanted.items() if value})


@bp.get("/lead/assignments")
@needs("LEAD")
def index() -> Response:
    person, filters, state, today = _person(), _filters(), _state(), clock.today()
    found = list_enterprises(person, filters, PAGE)
    officers = officers_of(person)
    choices = choices_of(person)
    known = listed([row.id for row in found.rows], today) if found.rows else {}
    # What nobody serves, or somebody who no longer can, is worth a proposal. It stands beside the list where the list
    # is all there is; of several pages it is made when it is asked for.
    proposing = bool(found.rows) and (
        state in {"pool", "loose"} or number(state) in {one.id for one in choices.loose}
    )
    whole = not (found.next_page or filters.page)
    plan = _summary(found, known, officers) if proposing and whole else None
    mark = current_app.config["OFFICER_LOAD"]
    return page(
        "assignments/index.html",
        filters=filters,
        state=state,
        state_id=number(state),
        states=STATES,
        found=found,
        lines=_lines(found, known, plan),
        officers=officers,
        several_teams=len({officer.team_id for officer in officers}) > 1,
        top=_top(officers, mark),
        loose=choices.loose,
        plan=plan,
        plan_top=_top(officers, mark, *plan.after.values()) if plan else 0,
        proposing=proposing,
        mark=mark,
        most=MOST_AT_ONCE,
        regions=choices.regions,
        industries=_industries(speaking(), filters.industry),
        kinds=_kinds(speaking(), filters.tag),
        tags=choices.tags,
        changes=recent_changes(person, today, SHOWN_CHANGES),
        acts=Act,
        address=lambda **changes: _address(filters, **changes),
        proposal_address=lambda **changes: _address(filters, "assignments.proposal", **changes),
    )


def _top(officers: list[Officer], mark: int, *more: int) -> float:
    """What fills a bar: a little more than the longest of them."""
    return max([mark, *more, *(officer.load for officer in officers)]) * 8 / 7


def _summary(found: Found, known: dict[int, Listed], officers: list[Officer]) -> Plan:
    """The proposal for what the list shows, for the bars beside it."""
    rows = []
    for r in found.rows:
        at = known[r.id]
        rows.append(
            Row(
                r.id,
                r.name,
                at.team_id,
                "",
                at.region_id,
                r.region,
                at.place,
                r.officer_id,
                r.officer or "",
                False,
                None,
            )
        )
    return proposed(rows, officers, weighed=False)


class Line(NamedTuple):
    """A line of the list, in words."""

    id: int
    name: str
    officer_id: int | None
    region: str
    industry: str
    marks: list[tuple[str, str]]  # the first two, as (colour, words)
    suggested: str  # whom it is proposed for
    officer: str
    helpers: str


def _lines(found: Found, known: dict[int, Listed], plan: Plan | None) -> list[Line]:
    suggested = {line.row.id: line.to.name for line in plan.lines if line.to} if plan else {}
    colours: dict[Any, tuple[str, str]] = {}
    industries: dict[str, str] = {}
    lines = []
    for row in found.rows:
        id, code, at = row.id, row.industry, known[row.id]
        if code not in industries:
            industries[code] = (_(industry_name(code)) if code else "") or _("无")
        marks = []
        for mark in at.marks[:2]:
            if mark not in colours:
                kind = isinstance(mark, QualificationKind)
                colours[mark] = (COLOURS.get(mark, "tag"), _(SHORT.get(mark, mark.value)) if kind else mark)
            marks.append(colours[mark])
        lines.append(
            Line(
                id,
                row.name,
                row.officer_id,
                row.region,
                industries[code],
                marks,
                suggested.get(id, "—"),
                row.officer or _("还没有"),
                _("、").join(at.helpers) if at.helpers else "",
            )
        )
    return lines


def _everything(filters: Filters) -> list[int]:
    """All that the filters find, at most so many as go at once."""
    filters.page = ""
    return [row.id for row in list_enterprises(_person(), filters, MOST_AT_ONCE, counted=False).rows]


def _asked() -> list[int]:
    """The enterprises that the address names: ticked ones, or everything its filters find."""
    if request.args.get("all") == "yes":
        return _everything(_filters())
    return (ids_in(request.args.getlist("e")) or [])[:MOST_AT_ONCE]


def _back() -> str:
    """Where the list was left."""
    here = url_for("assignments.index")
    asked = same_site_path(request.values.get("back")) or here
    return asked if asked.partition("?")[0] == here else here


@bp.get("/lead/assignments/preview")
@needs("LEAD")
def preview() -> Response:
    """Step two: to whom, where the page before did not say; else what would happen."""
    ids, back = _asked(), _back()
    if not ids:
        return done(to=back, notice="choose_some")
    act, to = act_named(request.args.get("act")), number(request.args.get("to"))
    plan = plan_for(_person(), act, to, ids) if act else None
    if act is None or plan is None:
        rows = rows_of(_person(), ids)
        officers, mark = (
            officers_of(_person(), {row.team_id for row in rows}),
            current_app.config["OFFICER_LOAD"],
        )
        return page(
            "assignments/who.html",
            rows=rows,
            act=act or Act.GIVE,
            acts=Act,
            officers=officers,
            several_teams=len({row.team_id for row in rows}) > 1,
            top=_top(officers, mark),
            mark=mark,
            back=back,
        )
    form = OrderForm(act=act.name.lower(), to=to, on=clock.today())
    return _plan_page(plan, form, back)


@bp.get("/lead/assignments/proposal")
@needs("LEAD")
def proposal() -> Response:
    """Who could serve what nobody serves; or the ticked ones anew."""
    filters = _filters()
    if _state() in {"taken", "all"} and not request.args.getlist("e"):
        filters.scope = "pool"  # nobody wants the whole city dealt out again by one tap
    # With everything ticked, the page's own boxes say no more than that.
    chosen = [] if request.args.get("all") == "yes" else request.args.getlist("e")
    ids = (ids_in(chosen) or [])[:MOST_AT_ONCE] or _everything(filters)
    back = _address(filters)
    if not ids:
        return done(to=back, notice="choose_some")
    beyond = request.args.get("beyond") == "yes"
    plan = proposal_for(_person(), ids, beyond=beyond)
    form = OrderForm(act="give", on=clock.today(), reason=_("按均衡建议分配"))
    further = url_for("assignments.proposal", e=chosen, beyond="yes") if chosen else ""
    return _plan_page(
        plan, form, back,
        beyond=beyond,
        further=further or _address(filters, "assignments.proposal", beyond="yes"),
        cut=len(ids) >= MOST_AT_ONCE,
    )  # fmt: skip


def _plan_page(plan: Plan, form: OrderForm, back: str, status: int | None = None, **more: Any) -> Response:
    today = clock.today()
    mark = current_app.config["OFFICER_LOAD"]
    context: dict[str, Any] = {"beyond": False, "further": "", "cut": False, "changed": [], "refusal": ""}
    return page(
        "assignments/preview.html",
        status=status,
        form=form,
        plan=plan,
        back=back,
        reasons=REASONS,
        top=_top(plan.officers, mark, *plan.after.values()),
        mark=mark,
        most=MOST_AT_ONCE,
        first_day=earliest(today),
        last_day=today,
        **(context | more),
    )


@bp.post("/lead/assignments")
@needs("LEAD")
def apply() -> Response:
    """Do what was shown. All of it or nothing; a stale selection is shown again with what changed."""
    form, back = OrderForm(request.form), _back()
    act, to = act_named(form.act.data), number(form.to.data)
    lines = lines_in(request.form, act, to) if act else None
    if act is None or not lines or (act.needs_officer and not to and not _own_officers()):
        return page("assignments/nothing.html", status=422, back=back)
    valid = form.validate()
    if form.on.data is None and not form.on.errors:
        form.on.data = clock.today()
    if act.takes_away(line.seen for line in lines) and not form.require_reason():
        valid = False
    if act.needs_officer and any(line.to is None for line in lines):
        form.e.errors = [_("有的企业还没有选给谁，请选一位干部，或者不勾选它。")]
        valid = False
    if not valid:
        return _again(act, to, lines, form, back, 422)
    order = Order(act, lines, form.on.data, typed(form.reason), bool(form.stay.data))
    try:
        actions.apply(current_user, order, clock.now())
    except ChangedMeanwhile as conflict:
        return _again(act, to, lines, form, back, 409, changed=conflict.changed)
    except BadDate as error:
        form.on.errors = [str(error.message)]
        return _again(act, to, lines, form, back, 422)
    except (CannotServe, NothingToDo) as error:
        return _again(act, to, lines, form, back, 422, refusal=error.message)
    return done(to=back, notice="assigned")


def _own_officers() -> bool:
    """Every line names its officer itself: the form of a proposal."""
    return any(name.startswith("to-") for name in request.form)


def _again(
    act: Act, to: int | None, lines: list[actions.Line], form: OrderForm, back: str, status: int, **more: Any
) -> Response:
    """The page again with everything chosen and typed; what somebody else changed is shown as it is now, unticked."""
    changed = {row.id for row, _by in more.get("changed", [])}
    ids = [line.enterprise_id for line in lines]
    if to is None and act.needs_officer:
        chosen = {line.enterprise_id: line.to for line in lines if line.enterprise_id not in changed}
        return _plan_page(proposal_for(_person(), ids, chosen=chosen), form, back, status, **more)
    plan = plan_for(_person(), act, to, ids)
    if plan is None:  # the officer cannot be chosen any more
        return page(
            "assignments/nothing.html",
            status=status,
            back=back,
            refusal=more.get("refusal") or CannotServe(_("这位干部")).message,
        )
    for line in plan.lines:
        line.ticked = line.row.id not in changed
    return _plan_page(plan, form, back, status, **more)


@bp.get("/enterprises/<int:enterprise_id>/assignments")
@needs("OFFICER", "LEAD")
def log(enterprise_id: int) -> Response:
    """Who served this enterprise from when to when."""
    enterprise = find_enterprise(current_user, enterprise_id)
    return page("assignments/log.html", enterprise=enterprise, served=history(enterprise.id))
