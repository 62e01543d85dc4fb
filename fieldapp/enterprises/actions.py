"""Writing enterprises: one verb per function. The caller has asked the door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm.attributes import set_committed_value

from fieldapp import audit
from fieldapp.db import db, run
from fieldapp.enterprises import search
from fieldapp.enterprises.models import Assignment, Contact, Enterprise, SearchToken

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def index(enterprises: Sequence[Enterprise], contacts: Iterable[tuple[int, str]] | None = None) -> None:
    """Make the search tokens of these enterprises anew; they must have ids.

    `contacts` are (enterprise id, name) pairs; left out, they are read from the database.
    """
    ids = [enterprise.id for enterprise in enterprises]
    for at in range(0, len(ids), 500):
        db.session.execute(sa.delete(SearchToken).where(SearchToken.enterprise_id.in_(ids[at : at + 500])))
    if contacts is None:
        pairs: list[Any] = []
        for at in range(0, len(ids), 500):
            query = sa.select(Contact.enterprise_id, Contact.name).where(
                Contact.enterprise_id.in_(ids[at : at + 500]), Contact.active
            )
            pairs += db.session.execute(query).all()
        contacts = pairs
    names: dict[int, list[str]] = {}
    for enterprise_id, name in contacts:
        names.setdefault(enterprise_id, []).append(name)
    add_tokens(
        (token, e.id)
        for e in enterprises
        for token in search.tokens_of(
            e.name, e.short_name or "", e.former_names or [], e.uscc, names.get(e.id, ())
        )
    )


def add_tokens(rows: Iterable[tuple[str, int]]) -> None:
    """Add (token, enterprise id) pairs the fast way: hundreds of thousands at a large import."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection  # psycopg's own, for COPY
        with (
            driver.cursor() as cursor,
            cursor.copy("COPY search_token (token, enterprise_id) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
    elif ordered := sorted(rows):  # in the index's own order
        connection.exec_driver_sql("INSERT INTO search_token (token, enterprise_id) VALUES (?, ?)", ordered)


_TOKENS = {
    name: insert(SearchToken.__table__).on_conflict_do_nothing()
    for name, insert in (("sqlite", sqlite_insert), ("postgresql", pg_insert))
}


def index_contact(enterprise: Enterprise, name: str) -> None:
    """Add a new contact's tokens without touching the others."""
    tokens = search.tokens_of("", "", [], "", [name]) - {""}
    rows = [{"token": token, "enterprise_id": enterprise.id} for token in sorted(tokens)]
    if rows:  # of two visits at once each may bring a 张
        run(_TOKENS[db.engine.dialect.name], rows)


def add_contact(enterprise: Enterprise, name: str, title: str = "", phone: str = "") -> Contact:
    contact = Contact(enterprise_id=enterprise.id, name=name, title=title, phone=phone)
    db.session.add(contact)
    db.session.flush()
    index_contact(enterprise, name)
    audit.record("contact_added", f"contact:{contact.id}", enterprise=enterprise.id)
    return contact


_CORRECT_VISIT = (
    sa.update(Enterprise.__table__)
    .where(Enterprise.__table__.c.id == sa.bindparam("enterprise"))
    .values(
        last_visited_on=sa.bindparam("visited", type_=sa.Date),
        visit_due_on=sa.bindparam("due", type_=sa.Date),
    )
)
_NOTE_VISIT = _CORRECT_VISIT.where(
    sa.or_(
        Enterprise.__table__.c.last_visited_on.is_(None),
        Enterprise.__table__.c.last_visited_on <= sa.bindparam("visited", type_=sa.Date),
    )
)


def note_visit(
    enterprise_id: int, visited_on: date, next_contact_on: date | None, *, corrected: bool = False
) -> None:
    """A visit moves the enterprise in every list: due again when agreed, else after the usual interval.

    A visit added later than a newer one moves nothing. `corrected`: the caller has looked which one is the latest now.
    """
    due = next_contact_on or visited_on + timedelta(days=current_app.config["VISIT_INTERVAL_DAYS"])
    statement = _CORRECT_VISIT if corrected else _NOTE_VISIT
    run(statement, {"enterprise": enterprise_id, "visited": visited_on, "due": due})


def forget_visit(enterprise_id: int, today: date) -> None:
    """Its only visit was called off after all: never visited, and due now."""
    run(_CORRECT_VISIT, {"enterprise": enterprise_id, "visited": None, "due": today})


LONGEST_REASON = 200  # of an assignment


class Move(NamedTuple):
    """One enterprise goes from one main officer to another; None is the team's pool."""

    enterprise_id: int
    before: int | None
    after: int | None

    @property
    def action(self) -> str:
        """What the trail calls it."""
        if self.after is None:
            return "returned_to_pool"
        return "handed_over" if self.before else "assigned"


def assign(
    by: Person | None, enterprise: Enterprise, officer_id: int | None, on: date, reason: str = ""
) -> None:
    """Make this officer the main one from `on`; None returns the enterprise to the team's pool."""
    if enterprise.officer_id != officer_id:
        assign_many(by, [Move(enterprise.id, enterprise.officer_id, officer_id)], on, reason)
        if isinstance(enterprise, Enterprise):
            set_committed_value(enterprise, "officer_id", officer_id)


def assign_many(by: Person | None, moves: Sequence[Move], on: date, reason: str = "") -> None:
    """Several at once, in as many statements as there are officers: each old assignment ends, each new one begins.

    The caller holds the enterprises: whoever else assigns them waits. An officer who helped and now takes over is a
    helper no more.
    """
    run, by_id = db.session.execute, by.id if by else None
    ending = {"ended_on": on, "ended_by_id": by_id, "end_reason": reason}
    present = [Assignment.ended_on.is_(None), Assignment.enterprise_id.in_([m.enterprise_id for m in moves])]
    run(sa.update(Assignment).where(*present, Assignment.is_main).values(ending))
    by_officer: dict[int | None, list[int]] = {}
    for move in moves:
        by_officer.setdefault(move.after, []).append(move.enterprise_id)
    for officer_id, ids in by_officer.items():
        run(sa.update(Enterprise.__table__).where(Enterprise.id.in_(ids)).values(officer_id=officer_id))
        if officer_id is not None:
            helped = [Assignment.officer_id == officer_id, Assignment.is_main.is_(False)]
            run(
                sa.update(Assignment)
                .where(*helped, Assignment.ended_on.is_(None), Assignment.enterprise_id.in_(ids))
                .values(ending)
            )
    begun = [
        {"enterprise_id": m.enterprise_id, "officer_id": m.after, "is_main": True, "started_on": on,
         "by_id": by_id, "reason": reason, "end_reason": ""}
        for m in moves if m.after is not None
    ]  # fmt: skip
    if begun:
        run(sa.insert(Assignment.__table__), begun)
    for move in moves:
        audit.record(move.action, f"enterprise:{move.enterprise_id}", officer=move.after, before=move.before)


def add_helper(
    by: Person | None, enterprise: Enterprise, officer_id: int, on: date, reason: str = ""
) -> None:
    """A second pair of hands: sees and visits the enterprise until it is ended."""
    add_helpers(by, [(enterprise.id, officer_id)], on, reason)


def add_helpers(by: Person | None, pairs: Sequence[tuple[int, int]], on: date, reason: str = "") -> None:
    """The same for several (enterprise id, officer id). Of a longer reason the beginning is kept here."""
    by_id, reason = by.id if by else None, reason[:LONGEST_REASON]
    rows = [
        {"enterprise_id": enterprise_id, "officer_id": officer_id, "is_main": False, "started_on": on,
         "by_id": by_id, "reason": reason, "end_reason": ""}
        for enterprise_id, officer_id in pairs
    ]  # fmt: skip
    if rows:
        db.session.execute(sa.insert(Assignment.__table__), rows)
    for enterprise_id, officer_id in pairs:
        audit.record("helper_added", f"enterprise:{enterprise_id}", officer=officer_id)


def end_helpers(
    by: Person | None, enterprise_ids: Sequence[int], officer_id: int, on: date, reason: str = ""
) -> None:
    """This officer helps at these enterprises no more."""
    db.session.execute(
        sa.update(Assignment)
        .where(
            Assignment.enterprise_id.in_(enterprise_ids),
            Assignment.officer_id == officer_id,
            Assignment.is_main.is_(False),
            Assignment.ended_on.is_(None),
        )
        .values(ended_on=on, ended_by_id=by.id if by else None, end_reason=reason)
    )
    for enterprise_id in enterprise_ids:
        audit.record("helper_removed", f"enterprise:{enterprise_id}", officer=officer_id)


def follow_regions(team_id: int, regions: frozenset[int], dropped: frozenset[int]) -> None:
    """A region changed hands: its enterprises go with it.

    Who is assigned stays, and keeps seeing the enterprise, until the new team's lead hands over: nobody loses what
    was promised overnight. Until then the assignment page lists them under 需要交接.
    """
    for wanted, ids in ((team_id, regions), (None, dropped)):
        if ids:
            away = sa.and_(Enterprise.region_id.in_(ids), Enterprise.team_id.is_distinct_from(wanted))
            db.session.execute(sa.update(Enterprise).where(away).values(team_id=wanted))


def show_phone(contact: Contact, why: str) -> str:
    """The number, and a line in the trail that it was shown. `why` is show or dial."""
    audit.record("phone_shown", f"contact:{contact.id}", enterprise=contact.enterprise_id, how=why)
    return contact.phone
