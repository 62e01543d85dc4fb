"""The list of visits and its Excel export, and the page of one visit with everything that can be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, current_app, request, url_for
from flask_login import current_user

from fieldapp import audit, clock
from fieldapp.coordinates import wgs84_to_gcj02
from fieldapp.db import db
from fieldapp.enterprises.queries import regions_of
from fieldapp.guards import kept, needs, repeatable
from fieldapp.languages import N_, _
from fieldapp.pages import number_in, packing, page
from fieldapp.periods import Period, period_named
from fieldapp.visits import export
from fieldapp.visits.access import (
    can_amend,
    can_ask,
    can_cancel,
    can_join,
    can_leave,
    can_replan,
    can_review,
    takes_part,
)
from fieldapp.visits.blueprint import bp
from fieldapp.visits.burden import Concerns, concerns_of, window
from fieldapp.visits.confirming import may_still_answer
from fieldapp.visits.history import changed_since_answer
from fieldapp.visits.lifecycle import possible
from fieldapp.visits.models import HAPPENED, Visit, VisitStatus, VisitStep
from fieldapp.visits.photos import photos_of
from fieldapp.visits.queries import CONFIRMED, STATES, VisitFile, list_visits, officers_of, visits_nearby
from fieldapp.visits.step_forms import CancelForm, ReviewForm
from fieldapp.workbook import excel_answer

if TYPE_CHECKING:
    from fieldapp.accounts import Person

STATE_WORDS = {
    "": N_("去过的"),
    "planned": N_("计划中"),
    "review": N_("待审阅"),
    "returned": N_("待补充"),
    "accepted": N_("已审阅"),
    "cancelled": N_("已取消"),
}
CONFIRMED_WORDS = {
    "": N_("不限"),
    "yes": N_("企业已确认"),
    "no": N_("企业未确认"),
    "disputed": N_("企业说有出入"),
}
PERIOD_WORDS = {"week": N_("本周"), "month": N_("本月"), "quarter": N_("本季度")}


def _period(name: str, today: date) -> Period | None:
    """Weeks, quarters and years as the boards count them, and this month."""
    if name == "month":
        first = today.replace(day=1)
        return Period(name, first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))
    return period_named(name, today)


@dataclass(frozen=True)
class Filters:
    """What the list is asked for; every field comes from the address."""

    state: str = ""
    officer: int | None = None
    region: int | None = None
    period: str = ""
    confirmed: str = ""

    def url(self, endpoint: str = "visits.index", **changes: Any) -> str:
        """The list (or its export) with these filters changed; empty ones are left out of the address."""
        wanted = replace(self, **changes)
        values = {name: value for name, value in vars(wanted).items() if value not in ("", None)}
        query = urlencode(values)
        return url_for(endpoint) + (f"?{query}" if query else "")

    def asked(self) -> dict[str, Any]:
        """Keyword arguments of list_visits and of the export."""
        stretch = _period(self.period, clock.today())
        return {
            "state": self.state,
            "officer_id": self.officer,
            "region_id": self.region,
            "since": stretch.since if stretch else None,
            "until": stretch.until if stretch else None,
            "confirmed": self.confirmed,
        }


def _filters() -> Filters:
    args = request.args
    state, period, confirmed = args.get("state", ""), args.get("period", ""), args.get("confirmed", "")
    state = state if state in STATES else ""
    return Filters(
        state=state,
        officer=number_in(args.get("officer", "")) if current_user.is_lead else None,
        region=number_in(args.get("region", "")),
        period=period if _period(period, clock.today()) else "",
        confirmed=confirmed if confirmed in CONFIRMED and state not in {"planned", "cancelled"} else "",
    )


def _period_words(name: str) -> str:
    if name in PERIOD_WORDS:
        return _(PERIOD_WORDS[name])
    stretch = _period(name, clock.today())
    return stretch.words if stretch else ""


def _chosen(filters: Filters, officers: Sequence[Any], regions: Sequence[Any]) -> list[tuple[str, str]]:
    """(word, address without it) of every filter that is on and has no chip of its own."""
    chosen = []
    if filters.officer is not None:
        name = next((row.name for row in officers if row.id == filters.officer), _("一位干部"))
        chosen.append((name, filters.url(officer=None)))
    if filters.region is not None:
        name = next((row.name for row in regions if row.id == filters.region), _("一个旗县区"))
        chosen.append((name, filters.url(region=None)))
    if filters.confirmed:
        chosen.append((_(CONFIRMED_WORDS[filters.confirmed]), filters.url(confirmed="")))
    if filters.period and filters.period not in PERIOD_WORDS:
        chosen.append((_period_words(filters.period), filters.url(period="")))
    return chosen


@bp.get("/visits")
@needs("OFFICER", "LEAD")
@kept
def index() -> Response:
    filters = _filters()
    cursor = request.args.get("page", "")
    rows, next_page = list_visits(current_user, cursor, **filters.asked())
    regions = regions_of(current_user)
    officers = officers_of(current_user, filters.officer) if current_user.is_lead else []
    return page(
        "visits/index.html",
        visits=rows,
        filters=filters,
        states=[(key, _state_word(key)) for key in STATES],
        periods=[(key, _(word)) for key, word in PERIOD_WORDS.items()],
        confirmations=[(key, _(word)) for key, word in CONFIRMED_WORDS.items()],
        regions=regions,
        officers=officers,
        chosen=_chosen(filters, officers, regions),
        first_url=filters.url() if cursor else "",
        next_url=f"{filters.url()}{'&' if '?' in filters.url() else '?'}{urlencode({'page': next_page})}"
        if next_page
        else "",
    )


def _state_word(key: str) -> str:
    """What waits for a lead's review is, to the officer, simply written down."""
    return _("已记录") if key == "review" and not current_user.is_lead else _(STATE_WORDS[key])


@bp.route("/visits.xlsx", methods=["GET", "POST"], endpoint="export")
@needs("OFFICER", "LEAD")
@repeatable
def excel() -> Response:
    """The same list as a file; with telephone numbers only when asked for by a form, and told to the trail."""
    filters = _filters()
    with_phones = request.method == "POST" and request.form.get("phones") == "1"
    regions = regions_of(current_user)
    officers = officers_of(current_user, filters.officer) if current_user.is_lead else []
    words = [_state_word(filters.state)]
    words += [word for word, _url in _chosen(filters, officers, regions)]
    if filters.period in PERIOD_WORDS:
        words.append(_period_words(filters.period))
    db.session.rollback()  # nothing was written; making the file must not hold SQLite's write lock
    body, count = export.workbook_of(
        current_user, scope=_("、").join(words), with_phones=with_phones, **filters.asked()
    )
    action = "exported_with_phones" if with_phones else "exported"
    audit.record(action, "visits", later=request.method == "GET", count=count)
    return excel_answer(f"{_('走访记录')}-{clock.today().isoformat()}", body)


# One visit.


def place_link(visit: Visit, name: str) -> str | None:
    """Amap's URI for "show this place" (lbs.amap.com/api/uri-api, 2024). Amap draws in GCJ-02, so it gets that."""
    if visit.lat is None or visit.lng is None:
        return None
    lng, lat = wgs84_to_gcj02(visit.lng, visit.lat)
    query = {
        "position": f"{lng:.6f},{lat:.6f}",
        "name": name,
        "src": "fieldapp",
        "coordinate": "gaode",
        "callnative": "1",
    }
    return "https://uri.amap.com/marker?" + urlencode(query)


def _concerns(file: VisitFile) -> Concerns:
    """What has turned up around a plan since it was made."""
    visit = file.visit
    if visit.status is not VisitStatus.PLANNED or visit.planned_on is None:
        return Concerns()
    days = current_app.config["RECENT_VISIT_DAYS"]
    nearby = visits_nearby(visit.officer_id, visit.enterprise_id, *window(visit.planned_on, days), visit.id)
    return concerns_of(visit.planned_on, visit.planned_at, file.quiet_times, nearby, days)


def record_page(
    person: Person,
    file: VisitFile,
    *,
    reviewing: ReviewForm | None = None,
    cancelling: CancelForm | None = None,
    refusal: Any = None,
    overtaken: Sequence[Any] = (),
    status: int = 200,
) -> Response:
    """The record; with what was typed when an act on it did not go through (`refusal` says why, `overtaken` are the
    steps somebody else took meanwhile)."""
    visit = file.visit

    def may(step: VisitStep, who: bool) -> bool:
        return who and possible(step, visit.status)

    return page(
        "visits/show.html",
        status=status,
        file=file,
        reviewing=reviewing or ReviewForm(version=visit.version),
        cancelling=cancelling or CancelForm(),
        refusal=refusal,
        overtaken=overtaken,
        place_link=place_link(visit, file.enterprise),
        photos=photos_of(person, file),
        concerns=_concerns(file),
        goes=takes_part(person, file),
        happened=visit.status in HAPPENED,
        may_ask=can_ask(person, file)
        and visit.status in HAPPENED
        and may_still_answer(visit.answered_at, visit.answer_version, clock.now()),
        # A pack does not tell what runs out by itself.
        asked_until=None if packing() else file.asked_until,
        changed_since=changed_since_answer(file.events),
        may_amend=may(VisitStep.AMENDED, can_amend(person, file)),
        may_replan=may(VisitStep.REPLANNED, can_replan(person, file)),
        may_join=may(VisitStep.JOINED, can_join(person, file)),
        may_leave=may(VisitStep.LEFT, can_leave(person, file)),
        may_cancel=may(VisitStep.CANCELLED, can_cancel(person, file)),
        may_accept=may(VisitStep.ACCEPTED, can_review(person, file)),
        may_return=may(VisitStep.RETURNED, can_review(person, file)),
    )


__all__ = ["Filters", "place_link", "record_page"]
