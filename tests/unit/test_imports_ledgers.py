"""Whole ledgers, row by row: what is taken, repaired (how), refused (why) and skipped.

The expected outcomes stand in tests/ledgers/outcome-*.tsv, one line for every row under the header, read by a person
before they were kept. After an intended change: `UPDATE_LEDGERS=1 pytest tests/unit/test_imports_ledgers.py`, then
read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fieldapp.imports.columns import choose
from fieldapp.imports.regions import KnownRegion
from fieldapp.imports.rules import EnterpriseRow, RowResult, Terms, Verdict, check, count
from fieldapp.imports.sheets import read_book
from tests.ledgers import nasty

LEDGERS = Path(__file__).resolve().parent.parent / "ledgers"
REGIONS = [
    KnownRegion(code, name)
    for code, name in (
        ("150202", "东河区"),
        ("150203", "昆都仑区"),
        ("150204", "青山区"),
        ("150205", "石拐区"),
        ("150206", "白云鄂博矿区"),
        ("150207", "九原区"),
        ("150221", "土默特右旗"),
        ("150222", "固阳县"),
        ("150223", "达尔罕茂明安联合旗"),
    )
]


def outcome(data: bytes, filename: str) -> list[RowResult]:
    book = read_book(data, filename)
    mapping = choose(book, 2026)
    assert mapping is not None
    grid = next(grid for grid in book.grids if grid.name == mapping.sheet)
    return check(grid, mapping, Terms(REGIONS))


FILES = {
    "sample-ledger": lambda: (LEDGERS / "sample-ledger.xlsx").read_bytes(),
    "sample-ledger-gbk": lambda: (LEDGERS / "sample-ledger-gbk.csv").read_bytes(),
    "office": nasty.office_xlsx,
}


@pytest.mark.parametrize("name", FILES)
def test_every_row_of_a_ledger_ends_as_written_down(name):
    results = outcome(FILES[name](), name)
    lines = [
        "\t".join(
            (str(r.row), r.verdict.value, r.name, r.uscc, " | ".join(line.strip() for line in r.lines()))
        )
        for r in results
    ]
    expected = LEDGERS / f"outcome-{name}.tsv"
    if os.environ.get("UPDATE_LEDGERS"):
        expected.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == expected.read_text(encoding="utf-8").splitlines()


def test_the_sample_ledger_holds_489_enterprises():
    results = outcome(FILES["sample-ledger"](), "sample-ledger.xlsx")
    assert count(results) == {"taken": 481, "repaired": 7, "refused": 1, "skipped": 3}
    by_row = {result.row: result for result in results}
    assert by_row[8].verdict is Verdict.REFUSED  # its last check character is wrong
    assert by_row[124].verdict is Verdict.SKIPPED  # row 24 again
    assert by_row[18].enterprise.phones == ["13844103533"]
    assert by_row[23].enterprise.phones == ["18180036782", "0472-5550123"]
    assert str(by_row[33].enterprise.years[2025]["revenue"]) == "12500.00"
    assert by_row[38].enterprise.staff == 120
    swapped = by_row[43].enterprise
    assert (swapped.given_lng, swapped.given_lat) == (109.997828, 41.748764)


def test_the_csv_has_the_right_code_where_the_sheet_has_a_wrong_one():
    sheet = {r.name: r for r in outcome(FILES["sample-ledger"](), "")}
    table = {r.name: r for r in outcome(FILES["sample-ledger-gbk"](), "")}
    name = "银杉轨道装备科技有限公司"
    assert sheet[name].verdict is Verdict.REFUSED
    assert table[name].verdict is Verdict.TAKEN
    assert len(table) == 40


def test_an_outcome_survives_being_stored():
    for result in outcome(nasty.office_xlsx(), ""):
        if result.enterprise:
            assert EnterpriseRow.from_json(result.enterprise.as_json()) == result.enterprise


def test_certificates_former_names_and_tags():
    results = outcome(nasty.dated(), "")
    first = results[0].enterprise
    assert first.former_names == ["甲乙机械厂", "甲乙精工（集团）"]
    assert first.tags == ["稀土", "专精特新"]
    assert (first.hnte_from.isoformat(), first.hnte_to.isoformat()) == ("2023-11-09", "2026-11-08")
    assert first.phones == ["13844100901", "0472-5550901"]
    second = results[1].enterprise
    assert (second.hnte_from.isoformat(), second.hnte_to.isoformat()) == ("2023-11-09", "2026-11-08")
    assert [result.verdict for result in results[2:]] == [Verdict.REFUSED, Verdict.REFUSED]
