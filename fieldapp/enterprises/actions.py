"""Writing enterprises: one verb per function. The caller has asked the door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app

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


def index_contact(enterprise: Enterprise, name: str) -> None:
    """Add a new contact's tokens without touching the others."""
    tokens = search.tokens_of("", "", [], "", [name]) - {""}
    there = set(
        db.session.scalars(
            sa.select(SearchToken.token).where(
                SearchToken.enterprise_id == enterprise.id, SearchToken.token.in_(tokens)
            )
        )
    )
    add_tokens((token, enterprise.id) for token in tokens - there)


def add_contact(enterprise: Enterprise, name: str, title: str = "", phone: str = "") -> Contact:
    contact = Contact(enterprise_id=enterprise.id, name=name, title=title, phone=phone)
    db.session.add(contact)
    db.session.flush()
    index_contact(enterprise, name)
    audit.record("contact_added", f"contact:{contact.id}", enterprise=enterprise.id)
    return contact


_NOTE_VISIT = (
    sa.update(Enterprise.__table__)
    .where(
        Enterprise.__table__.c.id == sa.bindparam("enterprise"),
        sa.or_(
            Enterprise.__table__.c.last_visited_on.is_(None),
            Enterprise.__table__.c.last_visited_on <= sa.bindparam("visited", type_=sa.Date),
        ),
    )
    .values(
        last_visited_on=sa.bindparam("visited", type_=sa.Date),
        visit_due_on=sa.bindparam("due", type_=sa.Date),
    )
)


def note_visit(enterprise_id: int, visited_on: date, next_contact_on: date | None) -> None:
    """A visit moves the enterprise in every list: due again when agreed, else after the usual interval.

    A visit added later than a newer one moves nothing.
    """
    due = next_contact_on or visited_on + timedelta(days=current_app.config["VISIT_INTERVAL_DAYS"])
    run(_NOTE_VISIT, {"enterprise": enterprise_id, "visited": visited_on, "due": due})


def assign(
    by: Person | None, enterprise: Enterprise, officer_id: int | None, on: date, reason: str = ""
) -> None:
    """Make this officer the main one from `on`; None returns the enterprise to the team's pool."""
    if enterprise.officer_id == officer_id:
        return
    by_id = by.id if by else None
    db.session.execute(
        sa.update(Assignment)
        .where(Assignment.enterprise_id == enterprise.id, Assignment.is_main, Assignment.ended_on.is_(None))
        .values(ended_on=on)
    )
    if officer_id is not None:
        db.session.add(
            Assignment(
                enterprise_id=enterprise.id, officer_id=officer_id, started_on=on, by_id=by_id, reason=reason
            )
        )
    audit.record("assigned", f"enterprise:{enterprise.id}", officer=officer_id, before=enterprise.officer_id)
    enterprise.officer_id = officer_id


def add_helper(
    by: Person | None, enterprise: Enterprise, officer_id: int, on: date, reason: str = ""
) -> None:
    """A second pair of hands: sees and visits the enterprise until it is ended."""
    db.session.add(
        Assignment(
            enterprise_id=enterprise.id,
            officer_id=officer_id,
            is_main=False,
            started_on=on,
            by_id=by.id if by else None,
            reason=reason,
        )
    )
    audit.record("helper_added", f"enterprise:{enterprise.id}", officer=officer_id)


def follow_regions(team_id: int, regions: frozenset[int], dropped: frozenset[int]) -> None:
    """A region changed hands: its enterprises go with it. Who is assigned stays until a lead hands over."""
    for wanted, ids in ((team_id, regions), (None, dropped)):
        if ids:
            away = sa.and_(Enterprise.region_id.in_(ids), Enterprise.team_id.is_distinct_from(wanted))
            db.session.execute(sa.update(Enterprise).where(away).values(team_id=wanted))


def show_phone(contact: Contact, why: str) -> str:
    """The number, and a line in the trail that it was shown. `why` is show or dial."""
    audit.record("phone_shown", f"contact:{contact.id}", enterprise=contact.enterprise_id, how=why)
    return contact.phone
