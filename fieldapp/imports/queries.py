"""Reading batches and their rows, and the enterprises that a sheet speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fieldapp.accounts.models import Region, Team, team_region
from fieldapp.db import db
from fieldapp.enterprises.models import Contact, Enterprise, EnterpriseTag, EnterpriseYear, Qualification
from fieldapp.formats import money
from fieldapp.imports.access import owns
from fieldapp.imports.changes import Known, KnownContact, KnownQualification, masked
from fieldapp.imports.columns import COUNTS, FIELDS, MONEY
from fieldapp.imports.models import BatchState, Effect, ImportBatch, ImportRow
from fieldapp.imports.readings import Kind
from fieldapp.imports.rules import Verdict
from fieldapp.languages import N_, _, speaking
from fieldapp.refusals import NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person

PAGE = 25
FIGURES = (*MONEY, *COUNTS, "above_scale")


# --- batches --------------------------------------------------------------------------------------------------------


def find_batch(person: Person, batch_id: int, *, for_update: bool = False) -> ImportBatch:
    """The door: this person's own batch, or NotFound."""
    query = sa.select(ImportBatch).where(ImportBatch.id == batch_id)
    batch = db.session.scalar(query.with_for_update() if for_update else query)
    if batch is None or not owns(person, batch):
        raise NotFound
    return batch


def recent_batches(person: Person, limit: int = 8) -> list[ImportBatch]:
    """This person's last uploads, newest first."""
    query = (
        sa.select(ImportBatch)
        .where(ImportBatch.person_id == person.id)
        .order_by(ImportBatch.created_at.desc(), ImportBatch.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))


def mapping_of_same_shape(person_id: int | None, shape: str) -> dict[str, Any] | None:
    """How this person read the same headings the last time they confirmed them."""
    query = (
        sa.select(ImportBatch.mapping)
        .where(
            ImportBatch.person_id == person_id,
            ImportBatch.shape == shape,
            ImportBatch.state == BatchState.CONFIRMED,
        )
        .order_by(ImportBatch.created_at.desc(), ImportBatch.id.desc())
        .limit(1)
    )
    return db.session.scalar(query)


# --- rows -----------------------------------------------------------------------------------------------------------

_SHOWN: dict[str, Any] = {
    "look": ImportRow.rank < 4,
    "all": sa.true(),
    "taken": ImportRow.verdict == Verdict.TAKEN,
    "repaired": ImportRow.verdict == Verdict.REPAIRED,
    "refused": ImportRow.verdict == Verdict.REFUSED,
    "asks": sa.and_(ImportRow.asks, ImportRow.verdict != Verdict.REFUSED),
    "new": ImportRow.effect == Effect.NEW,
    "changed": ImportRow.effect == Effect.CHANGED,
    "unchanged": ImportRow.effect == Effect.UNCHANGED,
    "skipped": ImportRow.verdict == Verdict.SKIPPED,
}
SHOWS = tuple(_SHOWN)


@dataclass(slots=True)
class Line:
    """One reason or change as it is read: what about, both texts where something changes, the sentence."""

    kind: str  # repair / question / refusal / skip / change
    about: str
    before: str = ""
    after: str = ""
    sentence: str = ""


@dataclass(slots=True)
class RowView:
    """A row of the preview's table. `tone` is ok / info / warn / bad / mute."""

    row: int
    name: str
    word: str
    tone: str
    icon: str
    lines: list[Line]


@dataclass(slots=True)
class Rows:
    """One page of rows and where it stands among those shown."""

    rows: list[RowView]
    first: int
    last: int
    total: int
    page: int
    pages: int


def rows_of(batch: ImportBatch, show: str, page: int) -> Rows:
    """A page of the batch's rows, what needs an eye first. `show` is one of SHOWS; the count comes from the batch."""
    total = int(batch.counts.get(show, 0))
    pages = max(1, -(-total // PAGE))
    page = min(max(1, page), pages)
    order = (ImportRow.row,) if show == "all" else (ImportRow.rank, ImportRow.row)
    query = (
        sa.select(ImportRow)
        .where(ImportRow.batch_id == batch.id, _SHOWN[show])
        .order_by(*order)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    rows = [_view(row) for row in db.session.scalars(query)]
    first = (page - 1) * PAGE + 1 if rows else 0
    return Rows(rows, first, first + len(rows) - 1 if rows else 0, total, page, pages)


def refused_rows(batch: ImportBatch) -> list[tuple[int, str]]:
    """(row number, reasons) of every refused row."""
    query = (
        sa.select(ImportRow.row, ImportRow.notes)
        .where(ImportRow.batch_id == batch.id, ImportRow.verdict == Verdict.REFUSED)
        .order_by(ImportRow.row)
    )
    found = []
    for row, notes in db.session.execute(query):
        reasons = [note for note in notes if note["k"] == Kind.REFUSAL.name]
        found.append((row, _("；").join(_reason(note) for note in reasons)))
    return found


def _reason(note: dict[str, Any]) -> str:
    line = _line(note, hide=False)
    return f"{line.about}{_('：')}{line.sentence}" if line.about else line.sentence


_WORDS = {
    Verdict.REFUSED: ("bad", "circle-x"),
    Verdict.REPAIRED: ("info", "wand-sparkles"),
    Verdict.SKIPPED: ("mute", "minus"),
}


def _view(row: ImportRow) -> RowView:
    lines = [_line(note) for note in row.notes] + [_change(change) for change in row.changes]
    word, (tone, icon) = row.verdict.value, _WORDS.get(row.verdict, ("ok", "circle-check"))
    if row.verdict is Verdict.TAKEN:
        if row.asks:
            word, tone, icon = Kind.QUESTION.value, "warn", "circle-help"
        elif row.effect in (Effect.CHANGED, Effect.UNCHANGED):
            word, icon = row.effect.value, "refresh-cw" if row.effect is Effect.CHANGED else "check"
            tone = "brand" if row.effect is Effect.CHANGED else "mute"
    return RowView(row.row, row.name, word, tone, icon, lines)


def _line(note: dict[str, Any], hide: bool = True) -> Line:
    """A stored note in the language spoken now; telephone numbers show their ends only."""
    params = note.get("p") or {}
    text, hint = note["t"], note.get("h", "")  # msgids, marked where they were written
    params = {name: _written(value) if isinstance(value, str) else value for name, value in params.items()}
    sentence = _(text, **params) + (_(hint, **params) if hint else "")
    before, after = note.get("b", ""), _written(note.get("a", ""))  # what stood in the cell stays as it was
    line = Line(note["k"].lower(), note.get("c") or "", before, after, sentence)
    if hide and note.get("f") in ("contact_phone", "second_phone"):
        line.before, line.after, line.sentence = (
            masked(line.before),
            masked(line.after),
            masked(line.sentence),
        )
    return line


def _change(change: dict[str, Any]) -> Line:
    label = FIELDS[change["f"]]
    about = _(label)
    if change.get("y"):
        about = _("%(year)s 年", year=change["y"]) + about
    return Line("change", about, _written(change["o"]), _written(change["n"]))


def _written(text: str) -> str:
    """A stored value in the language spoken now: 是 and 否, money, lists with their commas, 等 for "and more"."""
    if speaking() == "zh":
        return text
    if text in ("是", "否"):
        return _(text)
    if sum_ := re.fullmatch(r"(-?[\d,.]+) 万元", text):
        return money(Decimal(sum_[1].replace(",", "")))
    more = N_("等")
    shown = text.removesuffix(more).replace("、", _("、"))
    return shown + _(more) if text.endswith(more) else shown


# --- what is known --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A region and the team that serves it, None and no name where nobody does yet."""

    id: int
    code: str
    name: str
    team_id: int | None
    team: str = ""


def places() -> dict[str, Place]:
    """Every region by its name."""
    query = (
        sa.select(Region.id, Region.code, Region.name, team_region.c.team_id, Team.name.label("team"))
        .outerjoin(team_region, team_region.c.region_id == Region.id)
        .outerjoin(Team, Team.id == team_region.c.team_id)
    )
    return {
        row.name: Place(row.id, row.code, row.name, row.team_id, row.team or "")
        for row in db.session.execute(query)
    }


def regions_led_by(person: Person) -> list[str]:
    """Names of the regions that this person may import into."""
    query = (
        sa.select(Region.name)
        .join(Team.regions)
        .where(Team.id.in_(person.led_team_ids))
        .order_by(Region.code)
    )
    return list(db.session.scalars(query))


def _pieces(values: Sequence[Any], size: int = 800) -> Iterable[Sequence[Any]]:
    return (values[at : at + size] for at in range(0, len(values), size))


def known_by_code(codes: Sequence[str]) -> dict[str, Known]:
    """The enterprises with these credit codes, whoever serves them, with what an import may change."""
    found: dict[str, Known] = {}
    by_id: dict[int, Known] = {}
    columns = (
        Enterprise.id, Enterprise.uscc, Enterprise.name, Enterprise.short_name, Enterprise.former_names,
        Enterprise.team_id, Enterprise.address, Enterprise.industry, Enterprise.staff, Enterprise.lng, Enterprise.lat,
        Region.name.label("region"),
    )  # fmt: skip
    for some in _pieces(codes):
        query = (
            sa.select(*columns)
            .join(Region, Region.id == Enterprise.region_id)
            .where(Enterprise.uscc.in_(some))
        )
        for enterprise in db.session.execute(query).mappings():
            values = dict(enterprise)
            code = values.pop("uscc")
            found[code] = by_id[enterprise["id"]] = Known(**values)
    for some in _pieces(list(by_id)):
        contacts = sa.select(
            Contact.enterprise_id,
            Contact.id,
            Contact.name,
            Contact.title,
            Contact.phone,
            Contact.second_phone,
        ).where(Contact.enterprise_id.in_(some), Contact.active)
        for row in db.session.execute(contacts.order_by(Contact.id)):
            by_id[row[0]].contacts.append(KnownContact(*row[1:]))
        figures = sa.select(
            EnterpriseYear.enterprise_id,
            EnterpriseYear.year,
            *(getattr(EnterpriseYear, name) for name in FIGURES),
        ).where(EnterpriseYear.enterprise_id.in_(some))
        for enterprise_id, year, *rest in db.session.execute(figures):
            by_id[enterprise_id].years[year] = dict(zip(FIGURES, rest, strict=True))
        tags = sa.select(EnterpriseTag.enterprise_id, EnterpriseTag.tag).where(
            EnterpriseTag.enterprise_id.in_(some)
        )
        for enterprise_id, tag in db.session.execute(tags):
            by_id[enterprise_id].tags.add(tag)
        held = sa.select(
            Qualification.enterprise_id,
            Qualification.id,
            Qualification.kind,
            Qualification.number,
            Qualification.valid_from,
            Qualification.valid_to,
        ).where(Qualification.enterprise_id.in_(some))
        for one in db.session.execute(held):
            by_id[one[0]].qualifications.append(KnownQualification(one[1], one[2].name, *one[3:]))
    return found
