"""Taking a file in, reading it another way, and writing what it says: all of it or nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError

from fieldapp import audit, clock
from fieldapp.codes.actions import issue
from fieldapp.coordinates import GCJ02, SYSTEMS
from fieldapp.db import db
from fieldapp.enterprises import search
from fieldapp.enterprises.actions import add_tokens, index
from fieldapp.enterprises.industries import division
from fieldapp.enterprises.models import (
    Contact,
    Enterprise,
    EnterpriseTag,
    EnterpriseYear,
    Qualification,
    QualificationKind,
)
from fieldapp.imports.access import in_scope
from fieldapp.imports.changes import Change, Known, Plan, plan
from fieldapp.imports.columns import Mapping, bare_mapping, choose, other_ledgers
from fieldapp.imports.models import BatchState, Effect, ImportBatch, ImportRow
from fieldapp.imports.queries import Place, known_by_code, mapping_of_same_shape, places
from fieldapp.imports.readings import Kind, Note
from fieldapp.imports.regions import KnownRegion
from fieldapp.imports.rules import EnterpriseRow, RowResult, Terms, Verdict, check
from fieldapp.imports.sheets import Book, Limits, Unreadable, read_book
from fieldapp.languages import N_, _, lazy
from fieldapp.refusals import Conflict, Refusal

Report = Callable[[int, int], None]  # (rows done, rows in all)
CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Importer:
    """Who imports, and for which teams; None for team_ids is the command line, which may write everywhere."""

    id: int | None = None
    name: str = ""
    team_ids: Collection[int] | None = None


class NothingToImport(Refusal):
    title = lazy("没有可以入库的")
    message = lazy("这个文件里没有要写入的内容。")


class ChangedMeanwhile(Conflict):
    message = lazy("这批数据在别的页面上改过对法，或者已经处理过了。请看一下最新的结果再确认。")


# --- upload and mapping ---------------------------------------------------------------------------------------------


def upload(by: Importer, data: bytes, filename: str, report: Report | None = None) -> ImportBatch:
    """Keep a file and look at every row of it; no enterprise is touched. Raises Unreadable."""
    book = read_book(data, filename, limits())
    year = clock.today().year
    mapping = choose(book, year) or bare_mapping(book, year)
    if mapping is None:
        raise Unreadable(N_("没有找到表头。表里要有一行写着企业名称、统一社会信用代码这样的列名。"))
    shape = shape_of(mapping)
    if earlier := mapping_of_same_shape(by.id, shape):
        before = Mapping.from_json(earlier)
        mapping = mapping.changed(before.columns, before.units, last_year=year - 1)
    batch = ImportBatch(
        person_id=by.id,
        filename=_clean_filename(filename),
        sha256=hashlib.sha256(data).hexdigest(),
        content=data,
        form=book.form,
        encoding=book.encoding,
        sheet=mapping.sheet[:120],
        shape=shape,
        mapping=mapping.as_json(),
        state=BatchState.UPLOADED,
        counts={},
    )
    db.session.add(batch)
    db.session.flush()
    _examine(by, batch, book, mapping, report)
    audit.record(
        "import_uploaded", f"import:{batch.id}", rows=batch.counts.get("rows", 0), sha256=batch.sha256
    )
    return batch


def remap(
    by: Importer, batch: ImportBatch, columns: dict[int, str], units: dict[int, str], years: dict[int, int]
) -> None:
    """Read the same file the way the person says."""
    _require_open(batch)
    book = read_book(batch.content, batch.filename, limits())
    mapping = Mapping.from_json(batch.mapping).changed(
        columns, units, years, last_year=clock.today().year - 1
    )
    batch.mapping = mapping.as_json()
    batch.version += 1
    db.session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    _examine(by, batch, book, mapping, None)


def withdraw(batch: ImportBatch) -> None:
    """Give an upload up before it was written: its bytes and rows go."""
    _require_open(batch)
    db.session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    batch.state, batch.content, batch.counts = BatchState.WITHDRAWN, b"", {}
    audit.record("import_withdrawn", f"import:{batch.id}")


def _require_open(batch: ImportBatch) -> None:
    if batch.state not in (BatchState.UPLOADED, BatchState.CHECKED):
        raise ChangedMeanwhile


def limits() -> Limits:
    config = current_app.config
    return Limits(config["IMPORT_MAX_BYTES"], config["IMPORT_MAX_ROWS"], config["IMPORT_MAX_UNZIPPED"])


def default_crs() -> str:
    """The system of places that name none: a setting, 高德's and 腾讯's unless the deployment says otherwise."""
    wanted = current_app.config.get("IMPORT_DEFAULT_CRS", GCJ02)
    return wanted if wanted in SYSTEMS else GCJ02


def shape_of(mapping: Mapping) -> str:
    """The same for two files with the same headings in the same order."""
    return hashlib.sha256(
        "\n".join(f"{c}:{text}" for c, text in sorted(mapping.headers.items())).encode()
    ).hexdigest()


def _clean_filename(name: str) -> str:
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in bare if letter.isprintable())[-200:] or _("无名文件")


def _examine(by: Importer, batch: ImportBatch, book: Book, mapping: Mapping, report: Report | None) -> None:
    """Put the outcome of every row beside the batch."""
    grid = next(grid for grid in book.grids if grid.name == mapping.sheet)
    about: dict[str, Any] = {"last_row": len(grid.rows)}
    if others := other_ledgers(book, mapping, clock.today().year):
        about["others"] = others
    if mapping.missing() or mapping.doubled():
        batch.state, batch.counts = BatchState.UPLOADED, about
        return
    where = places()
    terms = Terms([KnownRegion(place.code, place.name) for place in where.values()], default_crs(), limits())
    results = check(grid, mapping, terms, report)
    known = known_by_code([result.uscc for result in results if result.enterprise])
    today = clock.today()
    rows = []
    tally: Counter[str] = Counter()
    for result in results:
        changes: list[Change] = []
        effect = Effect.NONE
        if result.enterprise is not None:
            there = known.get(result.enterprise.uscc)
            refusal = _out_of_reach(by, result.enterprise, there, where)
            if refusal is not None:
                result.notes = [note for note in result.notes if note.kind is not Kind.REPAIR] + [refusal]
                result.verdict, result.enterprise = Verdict.REFUSED, None
            else:
                planned = plan(result.enterprise, there, today)
                changes = planned.changes
                result.notes += planned.notes + _other_hands(planned, there, where)
                effect = _effect(there, planned)
        rows.append(_row(batch.id, result, effect, changes))
        _count(tally, result, effect)
    for at in range(0, len(rows), 2_000):
        db.session.execute(sa.insert(ImportRow.__table__), rows[at : at + 2_000])
    batch.state = BatchState.CHECKED
    batch.counts = dict(tally) | about


def _effect(there: Known | None, planned: Plan) -> Effect:
    if there is None:
        return Effect.NEW
    return Effect.CHANGED if planned.changes else Effect.UNCHANGED


def _out_of_reach(
    by: Importer, row: EnterpriseRow, known: Known | None, where: dict[str, Place]
) -> Note | None:
    """Why this person may not write this row, or None."""
    place = where.get(row.region or "")
    if place is not None and not in_scope(by.team_ids, place.team_id):
        text = N_("%(region)s不归你负责的服务团，请由那边的负责人导入")
        return Note(Kind.REFUSAL, text, {"region": place.name}, row.region or "", field="region")
    if known is not None and not in_scope(by.team_ids, known.team_id):
        return Note(Kind.REFUSAL, N_("这个信用代码已经登记在别的服务团名下，请联系管理员"), field="uscc")
    if known is None and place is None:
        return Note(Kind.REFUSAL, N_("没有旗县区，不知道归哪个服务团"), field="region")
    return None


def _other_hands(planned: Plan, known: Known | None, where: dict[str, Place]) -> list[Note]:
    """A new region may be another team's: the officer who serves the enterprise now cannot, from then on."""
    place = where.get(planned.values.get("region", ""))
    if known is None or place is None or place.team_id == known.team_id:
        return []
    if not place.team:
        text = N_("换到%(region)s以后，暂时没有服务团负责")
    else:
        text = N_("换到%(region)s以后归%(team)s，现在的干部要把它交接过去")
    return [Note(Kind.QUESTION, text, {"region": place.name, "team": place.team}, field="region")]


def _rank(result: RowResult, effect: Effect) -> int:
    """What needs an eye first: refused, odd, repaired, changed; then new, unchanged, skipped. Below 4 is looked at."""
    if result.verdict is Verdict.REFUSED:
        return 0
    if result.verdict is Verdict.SKIPPED:
        return 6
    if result.asks:
        return 1
    if result.verdict is Verdict.REPAIRED:
        return 2
    return {Effect.CHANGED: 3, Effect.UNCHANGED: 5}.get(effect, 4)


def _count(tally: Counter[str], result: RowResult, effect: Effect) -> None:
    tally["all"] += 1
    tally[result.verdict.name.lower()] += 1
    if result.verdict is not Verdict.SKIPPED:
        tally["rows"] += 1
    if effect is not Effect.NONE:
        tally[effect.name.lower()] += 1
        if result.asks:
            tally["asks"] += 1
    if _rank(result, effect) < 4:
        tally["look"] += 1


def _row(batch_id: int, result: RowResult, effect: Effect, changes: list[Change]) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "row": result.row,
        "rank": _rank(result, effect),
        "verdict": result.verdict,
        "effect": effect,
        "asks": result.asks,
        "name": result.name[:200],
        "notes": [_note(note) for note in result.notes],
        "changes": [change.as_json() for change in changes],
        "fields": result.enterprise.as_json() if result.enterprise else {},
    }


def _note(note: Note) -> dict[str, Any]:
    stored = {
        "k": note.kind.name,
        "t": note.text,
        "p": note.params,
        "b": note.before,
        "a": note.after,
        "h": note.hint,
    }
    stored |= {"c": note.column, "f": note.field}
    return {name: value for name, value in stored.items() if value or name in ("k", "t")}


# --- writing --------------------------------------------------------------------------------------------------------


def confirm(by: Importer, batch: ImportBatch, version: int, report: Report | None = None) -> Counter[str]:
    """Write every taken row in the present transaction; how many were new, changed, unchanged, left.

    The rows are compared with the database once more: what somebody else changed since the preview is seen, and what
    went out of reach is left out. Raises ChangedMeanwhile when the preview the person saw is not the last one.
    """
    if batch.state is not BatchState.CHECKED or batch.version != version:
        raise ChangedMeanwhile
    taken = db.session.execute(
        sa.select(ImportRow.row, ImportRow.fields)
        .where(ImportRow.batch_id == batch.id, ImportRow.effect != Effect.NONE)
        .order_by(ImportRow.row)
    ).all()
    if not taken:
        raise NothingToImport
    where = places()
    today = clock.today()
    source = f"导入：{batch.filename}"[:120]
    done: Counter[str] = Counter()
    left: list[int] = []
    try:
        for at in range(0, len(taken), CHUNK):
            rows = [EnterpriseRow.from_json(fields) for _number, fields in taken[at : at + CHUNK]]
            known = known_by_code([row.uscc for row in rows])
            fresh: list[tuple[EnterpriseRow, Plan]] = []
            changed: list[tuple[Known, Plan]] = []
            for (number, _fields), row in zip(taken[at : at + CHUNK], rows, strict=True):
                there = known.get(row.uscc)
                if _out_of_reach(by, row, there, where) is not None:
                    left.append(number)
                    continue
                planned = plan(row, there, today)
                effect = _effect(there, planned)
                done[effect.name.lower()] += 1
                if there is None:
                    fresh.append((row, planned))
                elif effect is Effect.CHANGED:
                    changed.append((there, planned))
            _create(by, fresh, where, source, today)
            _amend(changed, where, source)
            if report:
                report(min(at + CHUNK, len(taken)), len(taken))
    except IntegrityError as error:  # somebody imported one of these codes a moment ago
        raise ChangedMeanwhile from error
    if left:
        done["left"] = len(left)
    batch.state, batch.confirmed_at = BatchState.CONFIRMED, clock.now()
    batch.counts = batch.counts | {"done": dict(done)}
    # What was written stands in the enterprises now; telephone numbers need not be kept twice.
    db.session.execute(sa.update(ImportRow).where(ImportRow.batch_id == batch.id).values(fields={}))
    audit.record("enterprises_imported", f"import:{batch.id}", sha256=batch.sha256, rows=dict(done))
    return done


def _create(
    by: Importer, fresh: list[tuple[EnterpriseRow, Plan]], where: dict[str, Place], source: str, today: date
) -> None:
    if not fresh:
        return
    rows = []
    for row, planned in fresh:
        values = dict(planned.values)
        place = where[values.pop("region")]
        industry = values.get("industry", "")
        rows.append(
            {"short_name": "", "former_names": [], "address": "", "industry": "", "staff": None, "lng": None,
             "lat": None, "given_lng": None, "given_lat": None, "given_crs": ""}
            | values
            | {"uscc": row.uscc, "region_id": place.id, "team_id": place.team_id, "division": division(industry),
               "visit_due_on": today}
        )  # fmt: skip
    # Two plain statements instead of one with RETURNING, which SQLite would run row by row to keep the order.
    db.session.execute(sa.insert(Enterprise.__table__), rows)
    query = sa.select(Enterprise.uscc, Enterprise.id).where(
        Enterprise.uscc.in_([row["uscc"] for row in rows])
    )
    ids = {row.uscc: row.id for row in db.session.execute(query)}
    _write_details([(ids[row.uscc], planned) for row, planned in fresh], source)
    _index_fresh([(ids[row.uscc], row, planned) for row, planned in fresh])
    issue(by if by.id is not None else None, list(ids.values()))  # type: ignore[arg-type]
    audit.record("enterprises_created", "", enterprises=list(ids.values()))


def _index_fresh(made: list[tuple[int, EnterpriseRow, Plan]]) -> None:
    """Search tokens of enterprises that have none yet, with their contact's name; so there is nothing to delete."""
    add_tokens(
        (token, enterprise_id)
        for enterprise_id, row, planned in made
        for token in search.tokens_of(
            row.name,
            row.short_name or "",
            planned.values.get("former_names", []),
            row.uscc,
            [planned.contact[1]["name"]] if planned.contact else [],
        )
    )


def _amend(changed: list[tuple[Known, Plan]], where: dict[str, Place], source: str) -> None:
    if not changed:
        return
    _write_details([(known.id, planned) for known, planned in changed], source)
    again: list[int] = []
    for known, planned in changed:
        values = dict(planned.values)
        if "region" in values:
            place = where[values.pop("region")]
            values |= {"region_id": place.id, "team_id": place.team_id}
        if "industry" in values:
            values["division"] = division(values["industry"])
        db.session.execute(
            sa.update(Enterprise)
            .where(Enterprise.id == known.id)
            .values(version=Enterprise.version + 1, updated_at=clock.now(), **values)
            .execution_options(synchronize_session=False)
        )
        if planned.reindexes:
            again.append(known.id)
    for at in range(0, len(again), CHUNK):
        query = sa.select(Enterprise).where(Enterprise.id.in_(again[at : at + CHUNK]))
        index(list(db.session.scalars(query.execution_options(populate_existing=True))))
    audit.record(
        "enterprises_changed",
        "",
        enterprises={str(known.id): sorted({c.field for c in p.changes}) for known, p in changed},
    )


def _write_details(plans: list[tuple[int, Plan]], source: str) -> None:
    """Contacts, yearly figures, tags and qualifications of enterprises that have ids."""
    contacts: list[dict[str, Any]] = []
    figures: list[dict[str, Any]] = []
    tags: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    known_years = _years_of([enterprise_id for enterprise_id, planned in plans if planned.years])
    for enterprise_id, planned in plans:
        if planned.contact is not None:
            contact_id, values = planned.contact
            if contact_id is None:
                contacts.append(
                    {"title": "", "phone": "", "second_phone": ""} | values | {"enterprise_id": enterprise_id}
                )
            else:
                db.session.execute(sa.update(Contact).where(Contact.id == contact_id).values(**values))
        for year, values in planned.years.items():
            if (enterprise_id, year) in known_years:
                db.session.execute(
                    sa.update(EnterpriseYear)
                    .where(EnterpriseYear.enterprise_id == enterprise_id, EnterpriseYear.year == year)
                    .values(source=source, **values)
                )
            else:
                blank = dict.fromkeys(("above_scale", "revenue", "rd_spend", "cost", "high_tech_revenue", "net_assets",
                                       "assets", "liabilities", "staff", "rd_staff", "graduates"))  # fmt: skip
                figures.append(
                    blank | values | {"enterprise_id": enterprise_id, "year": year, "source": source}
                )
        tags += [{"enterprise_id": enterprise_id, "tag": tag} for tag in planned.tags]
        for held_id, kind, values in planned.qualifications:
            if held_id is None:
                blank = {"number": "", "valid_from": None, "valid_to": None}
                held.append(
                    blank
                    | values
                    | {"enterprise_id": enterprise_id, "kind": QualificationKind[kind], "source": source}
                )
            else:
                db.session.execute(
                    sa.update(Qualification).where(Qualification.id == held_id).values(**values)
                )
    for model, rows in (
        (Contact, contacts),
        (EnterpriseYear, figures),
        (EnterpriseTag, tags),
        (Qualification, held),
    ):
        if rows:
            db.session.execute(
                sa.insert(model.__table__), rows
            )  # the table: twice as fast as through the mapper


def _years_of(ids: list[int]) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for at in range(0, len(ids), CHUNK):
        query = sa.select(EnterpriseYear.enterprise_id, EnterpriseYear.year).where(
            EnterpriseYear.enterprise_id.in_(ids[at : at + CHUNK])
        )
        found |= {(row[0], row[1]) for row in db.session.execute(query)}
    return found
