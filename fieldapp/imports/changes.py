"""What a good row would change in what is already known: old beside new, for the eye and for the database.

A row only adds and replaces; what the sheet leaves empty stays as it is, and nothing is ever deleted by an import.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fieldapp.coordinates import metres_between
from fieldapp.imports.columns import MONEY
from fieldapp.imports.readings import Kind, Note
from fieldapp.imports.rules import EnterpriseRow
from fieldapp.languages import N_

NAMELESS = N_("联系人")  # a telephone without a name still belongs to somebody


@dataclass(slots=True)
class KnownContact:
    id: int
    name: str
    title: str
    phone: str
    second_phone: str


@dataclass(slots=True)
class KnownQualification:
    id: int
    kind: str  # name of QualificationKind
    number: str
    valid_from: date | None
    valid_to: date | None


@dataclass(slots=True)
class Known:
    """An enterprise as the database has it, without its history."""

    id: int
    name: str
    short_name: str
    former_names: list[str]
    region: str
    team_id: int | None
    address: str
    industry: str
    staff: int | None
    lng: float | None
    lat: float | None
    contacts: list[KnownContact] = field(default_factory=list)
    years: dict[int, dict[str, Any]] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    qualifications: list[KnownQualification] = field(default_factory=list)


@dataclass(slots=True)
class Change:
    """One fact: its field (a name of columns.FIELDS), its year if it has one, and both texts."""

    field: str
    old: str
    new: str
    year: int | None = None

    def as_json(self) -> dict[str, Any]:
        stored = {"f": self.field, "o": self.old, "n": self.new}
        return stored | {"y": self.year} if self.year else stored


@dataclass(slots=True)
class Plan:
    """What is to be written for one row. `values` are columns of Enterprise; ids are None for what is new."""

    values: dict[str, Any] = field(default_factory=dict)
    contact: tuple[int | None, dict[str, str]] | None = None
    years: dict[int, dict[str, Any]] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    qualifications: list[tuple[int | None, str, dict[str, Any]]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def reindexes(self) -> bool:
        """Whether the enterprise is to be found under other words from now on."""
        return bool({"name", "short_name", "former_names"} & self.values.keys()) or (
            self.contact is not None and "name" in self.contact[1]
        )


def plan(row: EnterpriseRow, known: Known | None, today: date) -> Plan:
    """The difference between a row and what is known; everything is new when nothing is."""
    result = Plan()
    _plain_values(result, row, known)
    _place(result, row, known)
    _contact(result, row, known)
    _years(result, row, known)
    result.tags = [tag for tag in row.tags if known is None or tag not in known.tags]
    if result.tags and known is not None:
        result.changes.append(Change("tags", "", "、".join(result.tags)))
    _qualifications(result, row, known, today)
    return result


def _plain_values(result: Plan, row: EnterpriseRow, known: Known | None) -> None:
    for name in ("name", "short_name", "region", "address", "industry", "staff"):
        new = getattr(row, name)
        old = getattr(known, name) if known else None
        if new in (None, "") or new == old:
            continue
        if name == "industry" and old and str(old).startswith(str(new)):
            continue  # the same one, told more coarsely: our own export names the division alone
        result.values[name] = new
        if known:
            result.changes.append(Change(name, _text(old), _text(new)))
    formers = list(known.former_names) if known else []
    added = [name for name in row.former_names if name not in formers]
    if known and "name" in result.values and known.name not in [*formers, *added]:
        added.append(known.name)  # so that it is still found under the name everybody knows
    # Nobody is called by their own former name: one that comes back is none any more.
    today = row.name or (known.name if known else "")
    after = [name for name in formers + added if name != today]
    if after != formers:
        result.values["former_names"] = after
        if known:
            result.changes.append(Change("former_names", "、".join(formers), "、".join(after)))


def _place(result: Plan, row: EnterpriseRow, known: Known | None) -> None:
    if row.lng is None or row.lat is None:
        return
    if known and known.lng is not None and known.lat is not None:
        moved = metres_between(known.lng, known.lat, row.lng, row.lat)
        if moved < 1:
            return
    result.values |= {
        "lng": row.lng,
        "lat": row.lat,
        "given_lng": row.given_lng,
        "given_lat": row.given_lat,
        "given_crs": row.given_crs or "",
    }
    if known:
        old = "" if known.lng is None else f"{known.lng:.6f}, {known.lat:.6f}"
        result.changes.append(Change("lnglat", old, f"{row.lng:.6f}, {row.lat:.6f}"))


def _contact(result: Plan, row: EnterpriseRow, known: Known | None) -> None:
    if not row.contact_name and not row.phones:
        return
    wanted = {"name": row.contact_name or NAMELESS, "title": row.contact_title or ""}
    if row.phones:
        wanted |= {"phone": row.phones[0], "second_phone": "、".join(row.phones[1:])}
    there = None
    if known:
        there = next((contact for contact in known.contacts if contact.name == wanted["name"]), None)
        if there is None and not row.contact_name:
            there = next((contact for contact in known.contacts if contact.phone in row.phones), None)
    if there is None:
        result.contact = (None, wanted)
        if known:
            said = " ".join(filter(None, (wanted["name"], wanted["title"], masked(wanted.get("phone", "")))))
            result.changes.append(Change("contact_name", "", said))
        return
    if not row.contact_name:
        wanted.pop("name")
    changed = {name: new for name, new in wanted.items() if new and new != getattr(there, name)}
    if changed:
        result.contact = (there.id, changed)
    for name, field_name in (
        ("title", "contact_title"),
        ("phone", "contact_phone"),
        ("second_phone", "second_phone"),
    ):
        if name in changed:
            old, new = getattr(there, name), changed[name]
            if name != "title":
                old, new = masked(old), masked(new)
            result.changes.append(Change(field_name, old, new))


def _years(result: Plan, row: EnterpriseRow, known: Known | None) -> None:
    for year, figures in sorted(row.years.items()):
        before = known.years.get(year, {}) if known else {}
        new = {name: value for name, value in figures.items() if before.get(name) != value}
        if new:
            result.years[year] = new
        if known:
            for name, value in new.items():
                result.changes.append(Change(name, _text(before.get(name), name), _text(value, name), year))


def _qualifications(result: Plan, row: EnterpriseRow, known: Known | None, today: date) -> None:
    given = {"number": row.hnte_number, "valid_from": row.hnte_from, "valid_to": row.hnte_to}
    details = {name: value for name, value in given.items() if value}
    for kind, says, values in (("HNTE", row.hnte, details), ("TECH_SME", row.tech_sme, {})):
        field_name = kind.lower() if kind == "TECH_SME" else "hnte"
        mine = [held for held in known.qualifications if held.kind == kind] if known else []
        current = [held for held in mine if held.valid_to is None or held.valid_to >= today]
        if says is False:
            if current:
                text = N_("系统里登记着有效资质，表里写的是否；没有改动")
                result.notes.append(Note(Kind.QUESTION, text, field=field_name))
            continue
        if not says and not values:
            continue
        there = next(
            (held for held in mine if values.get("number") and held.number == values["number"]), None
        )
        there = there or next((held for held in current if not held.number or not values.get("number")), None)
        if there is None:
            result.qualifications.append((None, kind, dict(values)))
            if known:
                result.changes.append(Change(field_name, "", str(values.get("number") or "是")))
            continue
        changed = {name: value for name, value in values.items() if getattr(there, name) != value}
        if changed:
            result.qualifications.append((there.id, kind, changed))
            for name, value in changed.items():
                shown = {"number": "hnte_number", "valid_from": "hnte_from", "valid_to": "hnte_to"}[name]
                result.changes.append(Change(shown, _text(getattr(there, name)), _text(value)))


def _text(value: Any, name: str = "") -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return N_("是") if value else N_("否")
    if name in MONEY:
        return f"{value:,} 万元"
    return value.isoformat() if isinstance(value, date) else str(value)


def masked(text: str) -> str:
    """A text in which every number long enough to be dialled shows its first three and last four digits only."""

    def hide(found: re.Match[str]) -> str:
        digits = sum(letter.isdigit() for letter in found.group())
        seen, shown = 0, []
        for letter in found.group():
            if letter.isdigit():
                seen += 1
                letter = letter if seen <= 3 or seen > digits - 4 else "*"
            shown.append(letter)
        return "".join(shown)

    return re.sub(r"\d(?:[- ]?\d){6,}", hide, text)
