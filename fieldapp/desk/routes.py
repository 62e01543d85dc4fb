"""今日, the lead's board with the list behind its coverage, and choosing an enterprise to do something for."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.casefile.routes import map_link
from fieldapp.desk import board as boards
from fieldapp.desk.blueprint import bp
from fieldapp.desk.queries import due_visits, open_visits, own_promises, recent_enterprises, visited_by
from fieldapp.desk.rules import NONE, OfficerLine, next_stop, plans_of
from fieldapp.enterprises.queries import Filters, list_enterprises
from fieldapp.followups.queries import MOST_WAITING
from fieldapp.guards import kept, kept_in_pack, needs
from fieldapp.needs.clock import lit
from fieldapp.needs.listing import pressing
from fieldapp.needs.models import Light, NeedStatus
from fieldapp.notices.badges import badges
from fieldapp.notices.queries import NEWEST, unread
from fieldapp.pages import MOST_PACKED, number_in, packing, page, redirect
from fieldapp.periods import Period, period_named
from fieldapp.refusals import NotFound
from fieldapp.visits.ratings import of_teams

SHOWN = 5
SHOWN_NEWS = 3  # of each kind that came in this week
LIGHTS = [(light, light.name, light.name.lower()) for light in Light]
PERIODS = ("quarter", "last-quarter", "year", "last-year")


def _period(today: date) -> Period:
    """The board's: this quarter when nothing else is asked for."""
    return _named(request.args.get("period", ""), today)


def _named(key: str, today: date) -> Period:
    period = period_named(key if key in PERIODS else "quarter", today)
    assert period is not None
    return period


def _person() -> Any:
    """Who is signed in, themselves: behind the proxy they would be looked for at every question."""
    return current_user._get_current_object()


def _week(today: date) -> Period:
    week = period_named("week", today)
    assert week is not None
    return week


@bp.get("/")
@kept
def today() -> Response:
    person = _person()
    if person.is_admin:
        return redirect(url_for("accounts.users"))
    if person.is_auditor:
        return redirect(url_for("audit.index"))
    now = clock.now()
    day = clock.local(now).date()
    period, week = _named("", day), _week(day)
    plans = plans_of(open_visits(person), day)
    planned_at = {visit.enterprise_id for visit in (*plans.unfinished, *plans.missed, *plans.planned)}
    due = due_visits(person, day, planned_at, SHOWN + 1) if person.is_officer else []
    kind, stop = next_stop(plans, due)
    # Also what the tab's badge says, see followups.queries.waiting.
    promised = own_promises(person, MOST_WAITING)
    pressed = pressing(person, now, SHOWN)
    news = unread(person)
    board = boards.summary(person, period, now) if person.is_lead else None
    told = {url_for("visits.show", visit_id=visit.id) for visit in plans.returned}
    rows = {"unfinished": plans.unfinished, "planned": plans.planned, "due": due}
    if kind:
        rows[kind] = rows[kind][1:]
    ahead = [*plans.missed, *rows["planned"]]
    return page(
        "desk/today.html",
        now=now,
        # A page that is taken along is read at any hour, and is not another one when the morning is over.
        hour=None if packing() else clock.local(now).hour,
        # This week's, and as many of the later ones as there is room for.
        planned=[visit for at, visit in enumerate(ahead) if at < SHOWN or visit.planned_on <= week.last],
        planned_count=len(ahead),
        visited=visited_by(person, week.since),
        waiting=len(promised),
        unread=len(news) if len(news) < NEWEST else badges(person)["notices"],
        to_accept=board.standing_at(NeedStatus.SUBMITTED) if board else 0,
        # A visit that was sent back stands among what is to be done, with the lead's words: not once more as news.
        news=[one for one in news if not (one.kind == "visit_returned" and one.path in told)],
        kind=kind,
        stop=stop,
        map_link=map_link(stop) if stop else None,
        plans=plans,
        rows=rows,
        promises=promised[:SHOWN],
        pressing=pressed,
        lights={need.id: lit(need, now) for need in pressed},
        period=period,
        board=board,
        shown=SHOWN,
    )


# What the quick actions of 今日 are for: (the page they lead to, its words in desk/choose.html).
CHOICES = {"need": "needs.new", "visit": "visits.new", "plan": "visits.plan"}


@bp.get("/choose/<what>")
@needs("OFFICER", "LEAD")
@kept_in_pack
def choose(what: str) -> Response:
    """Which enterprise: those met last first, or any that is searched for."""
    if what not in CHOICES:
        raise NotFound
    words = request.args.get("q", "").strip()[:100]
    if words:
        rows = list_enterprises(_person(), Filters(q=words, scope="team")).rows
    else:
        rows = list(recent_enterprises(_person(), MOST_PACKED if packing() else 20))
    return page("desk/choose.html", what=what, endpoint=CHOICES[what], q=words, rows=rows)


@bp.get("/lead")
@needs("LEAD")
@kept
def lead() -> Response:
    now = clock.now()
    day = clock.local(now).date()
    period, week = _period(day), _week(day)
    person = _person()
    shown = boards.board(person, period, week, now)
    lines = boards.officer_lines(shown)
    return page(
        "desk/lead.html",
        now=now,
        period=period,
        periods=[_named(key, day) for key in PERIODS],
        passed=period.passed(day),
        board=shown,
        officers=[line for line in lines if line.id is not None],
        pool=next((line for line in lines if line.id is None), OfficerLine(None)),
        overdue=boards.overdue_promises(person, day, SHOWN),
        week=week,
        news=boards.came_in(person, week, SHOWN_NEWS),
        lights=LIGHTS,
        shown=SHOWN,
        told=of_teams(person.led_team_ids, period.first, period.last),
    )


@bp.get("/lead/coverage")
@needs("LEAD")
def coverage() -> Response:
    """The enterprises behind a coverage figure of the board, counted by the same condition."""
    args, person = request.args, _person()
    period = _period(clock.today())
    which = args.get("covered", "") if args.get("covered", "") in {"yes", "no"} else ""
    region = number_in(args.get("region", ""))
    officer = args.get("officer", "")
    if officer != "pool" and number_in(officer) is None:
        officer = ""
    rows, next_page = boards.covered_enterprises(
        person, period, which=which, region_id=region, officer=officer, page=args.get("page", "")[:80]
    )
    share = NONE
    regions, officers = {}, {}
    for line in boards.coverage(person, period):
        regions[line.region_id] = line.region
        officers["pool" if line.officer_id is None else str(line.officer_id)] = line.officer or ""
        if region in (None, line.region_id) and officer in ("", str(line.officer_id or "pool")):
            share = share.plus(line.covered, line.enterprises)
    asked: dict[str, Any] = {
        "period": period.key,
        "region": region,
        "officer": officer or None,
        "covered": which or None,
    }
    return page(
        "desk/coverage.html",
        period=period,
        rows=rows,
        share=share,
        which=which,
        asked=asked,
        region=regions.get(region, "") if region else "",
        officer=officer,
        officer_name=officers.get(officer, ""),
        first_url=url_for("desk.coverage", **asked) if args.get("page") else None,
        next_url=url_for("desk.coverage", **asked, page=next_page) if next_page else None,
    )


@bp.get("/lead/promises")
@needs("LEAD")
def promises() -> Response:
    """The promises behind the week's number: whatever became of them since."""
    rows, next_page = boards.promises_made(_person(), _week(clock.today()), request.args.get("page", "")[:80])
    return page(
        "desk/promises.html",
        rows=rows,
        first_url=url_for("desk.promises") if request.args.get("page") else None,
        next_url=url_for("desk.promises", page=next_page) if next_page else None,
    )
