"""岗位练兵成效档案: an officer's outcomes as a page to read or print, and as a workbook of the records behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, request, url_for
from flask_login import current_user

from fieldapp import audit, clock
from fieldapp.desk.blueprint import bp
from fieldapp.desk.outcomes import Whose, evidence, outcomes_of, whose
from fieldapp.formats import full_moment
from fieldapp.guards import needs
from fieldapp.languages import N_, _
from fieldapp.needs import Ending
from fieldapp.pages import page
from fieldapp.periods import Period, period_named
from fieldapp.visits import VisitPurpose
from fieldapp.visits.history import confirmed_word
from fieldapp.visits.queries import CONFIRMED
from fieldapp.visits.ratings import of_officer
from fieldapp.visits.records import CONFIRMED_WORDS
from fieldapp.workbook import Column, excel_answer, workbook

PERIODS = ("quarter", "year", "last-year", "all")


def _person() -> Any:
    return current_user._get_current_object()


def _period() -> tuple[str, Period | None]:
    """What is asked for, this quarter by itself; None is all time."""
    key = request.args.get("period", "")
    key = key if key in PERIODS else "quarter"
    return key, period_named(key, clock.today())


def _address(endpoint: str, of: Whose, **values: Any) -> str:
    if of.own:
        return url_for(f"desk.my_{endpoint}", **values)
    return url_for(f"desk.officer_{endpoint}", user_id=of.id, **values)


ALL_VISITS = N_("全部")


def _visits_at(of: Whose, key: str, confirmed: str) -> str:
    return _address("outcomes", of, period=key, confirmed=confirmed or None, _anchor="visits")


def _shown(of: Whose) -> Response:
    key, period = _period()
    words = {"quarter": _("本季度"), "year": _("今年"), "last-year": _("去年"), "all": _("全部")}
    asked = request.args.get("confirmed", "")
    confirmed = asked if asked in CONFIRMED else ""
    found = outcomes_of(_person(), of, period, confirmed, current_app.config["NEED_RATINGS_SHOWN_FROM"])
    kinds = ("", found.visits), *found.answers.items()
    return page(
        "desk/outcomes.html",
        of=of,
        key=key,
        period=period.words if period else _("全部时间"),
        periods=[(name, words[name], _address("outcomes", of, period=name)) for name in PERIODS],
        file_url=_address("outcomes_file", of, period=key),
        found=found,
        confirmed=confirmed,
        confirmations=[
            (name, _(CONFIRMED_WORDS[name] if name else ALL_VISITS), number, _visits_at(of, key, name))
            for name, number in kinds
        ],
        told=of_officer(of.id, *((period.first, period.last) if period else ())),
        endings=list(Ending),
        now=clock.now(),
    )


def _line(kind: str, row: Any) -> tuple[Any, ...]:
    """One record as a row of the workbook."""
    base = current_app.config["PUBLIC_URL"]
    if kind == "need":
        ending = _(row.ending.value) if row.ending else ""
        where = url_for("needs.show", need_id=row.id)
        return (_("办结需求"), row.ended_at, row.enterprise, row.title, ending, base + where)
    if kind == "promise":
        where = url_for("followups.show", follow_up_id=row.id)
        return (_("兑现承诺"), row.closed_at, row.enterprise, row.title, row.result, base + where)
    purposes = _("、").join(_(VisitPurpose[name].value) for name in row.purposes)
    where = url_for("visits.show", visit_id=row.id)
    result = _("%(way)s，企业：%(said)s", way=_(row.way.value), said=confirmed_word(row.answer))
    return (_("走访"), row.arrived_at, row.enterprise, purposes, result, base + where)


def _file(of: Whose) -> Response:
    key, period = _period()
    words = period.words if period else _("全部时间")
    title = _("%(name)s 岗位练兵成效档案 %(period)s", name=of.name, period=words)
    note = _("%(when)s 由记录自动生成，不用另填；不打分，不排名。", when=full_moment(clock.now()))
    columns = (
        Column(_("类别"), 12),
        Column(_("时间"), 18, "moment"),
        Column(_("企业"), 32),
        Column(_("事项"), 36),
        Column(_("结果"), 36),
        Column(_("依据"), 60),
    )

    def rows() -> Iterator[tuple[Any, ...]]:
        for kind, row in evidence(_person(), of, period):
            yield _line(kind, row)

    body = workbook(title, note, columns, rows())
    audit.record("exported", f"outcomes:{of.id}", later=True, period=key)
    return excel_answer(title, body)


@bp.get("/me/outcomes")
@needs("OFFICER", "LEAD")
def my_outcomes() -> Response:
    return _shown(whose(_person()))


@bp.get("/me/outcomes.xlsx")
@needs("OFFICER", "LEAD")
def my_outcomes_file() -> Response:
    return _file(whose(_person()))


@bp.get("/officers/<int:user_id>/outcomes")
@needs("OFFICER", "LEAD")
def officer_outcomes(user_id: int) -> Response:
    """An officer's, for a lead of their team; one's own leads to the same page under its own address."""
    return _shown(whose(_person(), user_id))


@bp.get("/officers/<int:user_id>/outcomes.xlsx")
@needs("OFFICER", "LEAD")
def officer_outcomes_file(user_id: int) -> Response:
    return _file(whose(_person(), user_id))
