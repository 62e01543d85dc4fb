"""Which row is the header, and what its columns mean."""

from __future__ import annotations

import json

import pytest

from fieldapp.imports.columns import FIELDS, Mapping, choose, find_mapping, read_heading
from fieldapp.imports.regions import KnownRegion
from fieldapp.imports.rules import Terms, Verdict, check
from fieldapp.imports.sheets import Grid, read_book
from tests.ledgers import nasty


@pytest.mark.parametrize(
    ("heading", "field", "unit", "year"),
    [
        ("企业名称", "name", None, None),
        ("单位详细名称", "name", None, None),
        ("企业名称（盖章）", "name", None, None),
        ("* 统一社会信用代码", "uscc", None, None),
        ("社会信用代码", "uscc", None, None),
        ("所属旗县（区）", "region", None, None),
        ("所在地", "region", None, None),
        ("营业收入（千元）", "revenue", "千元", None),
        ("营业收入(万元)", "revenue", "万元", None),
        ("2025年营业收入", "revenue", None, 2025),
        ("2025 年度 主营业务收入（亿元）", "revenue", "亿元", 2025),
        ("营业收入,万元", "revenue", "万元", None),
        ("Ｒ＆Ｄ经费支出（千元）", "rd_spend", "千元", None),
        ("研发费用\n（万元）", "rd_spend", "万元", None),
        ("从业人员期末数（人）", "staff", None, None),
        ("是否为高新技术企业（是/否）", "hnte", None, None),
        ("联系人手机", "contact_phone", None, None),
        ("座机", "second_phone", None, None),
        ("营业收入同比增长（%）", "", None, None),
        ("研发费用占比", "", None, None),
        ("营业收入预计", "", None, None),
        ("序号", "", None, None),
        ("备注", "", None, None),
        ("单位：千元", "", None, None),
    ],
)
def test_headings(heading, field, unit, year):
    header = read_heading(heading)
    assert (header.field, header.unit, header.year) == (field, unit, year)


def mapped(rows):
    found = find_mapping(Grid("", rows), 2026)
    return found[1] if found else None


GOOD = ["甲有限公司", "91150223X01HB0YG5E", "东河区"]


def test_titles_and_the_reporting_office_stand_above_the_header():
    mapping = mapped(
        [
            ["某市企业台账（2025年度）"],
            ["填报单位：某市科技局", None, "单位：千元"],
            [],
            ["企业名称", "信用代码", "营业收入"],
            [*GOOD[:2], 1.0],
        ]
    )
    assert mapping.header_rows == (3,)
    assert (mapping.units, mapping.years) == ({2: "千元"}, {2: 2025})
    assert mapping.unit_stated
    assert mapping.year_stated


def test_the_reporting_office_is_no_unit():
    mapping = mapped([["填报单位：万元科技公司"], ["企业名称", "信用代码", "营业收入"], [*GOOD[:2], 1.0]])
    assert mapping.units == {2: "万元"}
    assert not mapping.unit_stated
    assert not mapping.year_stated


def test_units_in_a_row_of_their_own_under_the_header():
    mapping = mapped(
        [["企业名称", "信用代码", "营业收入", "从业人数"], [None, None, "千元", "人"], [*GOOD[:2], 10.0, 3.0]]
    )
    assert mapping.header_rows == (0, 1)
    assert mapping.units == {2: "千元"}


def test_two_years_side_by_side():
    mapping = mapped([["企业名称", "信用代码", "2024年营业收入", "2025年营业收入"], [*GOOD[:2], 1.0, 2.0]])
    assert mapping.years == {2: 2024, 3: 2025}
    assert mapping.columns[2] == mapping.columns[3] == "revenue"


def test_a_second_phone_column_keeps_its_numbers():
    mapping = mapped([["企业名称", "信用代码", "联系电话", "手机"], [*GOOD[:2], "1", "2"]])
    assert (mapping.columns[2], mapping.columns[3]) == ("contact_phone", "second_phone")


def test_a_sheet_without_a_header_is_no_ledger():
    assert mapped([GOOD, GOOD]) is None
    assert mapped([["通知"], ["请各单位抓紧填报企业名称和信用代码，谢谢。"]]) is None
    assert choose(read_book("姓名,年龄\n张三,3\n".encode()), 2026) is None


def test_a_mapping_is_plain_json():
    mapping = choose(read_book(nasty.office_xlsx()), 2026)
    assert Mapping.from_json(json.loads(json.dumps(mapping.as_json()))) == mapping
    assert set(mapping.columns.values()) - {""} <= set(FIELDS)


def test_a_person_may_map_otherwise():
    mapping = mapped([["企业名称", "信用代码", "旗县区", "产值"], [*GOOD, 5.0]])
    assert mapping.columns[3] == ""
    changed = mapping.changed({3: "revenue"}, {3: "亿元"}, {3: 2024})
    assert (changed.columns[3], changed.units[3], changed.years[3]) == ("revenue", "亿元", 2024)
    assert changed.changed({3: ""}).columns[3] == ""
    assert changed.changed({3: "password"}).missing() == []
    assert changed.changed({0: ""}).missing() == ["name"]
    assert mapping.changed({0: "uscc"}).doubled() == ["uscc"]


def test_the_mapping_decides_what_is_read():
    grid = Grid("", [["企业名称", "信用代码", "旗县区", "产值"], [*GOOD, 5.0]])
    mapping = find_mapping(grid, 2026)[1].changed({3: "revenue"}, {3: "亿元"}, {3: 2024})
    result = check(grid, mapping, Terms([KnownRegion("150202", "东河区")]))[0]
    assert result.verdict is Verdict.TAKEN
    assert str(result.enterprise.years[2024]["revenue"]) == "50000.00"


def test_a_yearly_column_matched_by_hand_is_last_years_when_nothing_names_a_year():
    """A heading nobody knows, taken for revenue by the lead: the figures must not be lost for want of a year."""
    book = read_book(
        "单位名称,信用代码,所在旗县,神秘列\n甲公司,91150203QJ9FMT4E85,昆都仑区,120\n".encode(), "a.csv"
    )
    mapping = choose(book, 2026)
    assert mapping.columns[3] is None or mapping.columns[3] == ""
    by_hand = mapping.changed({3: "revenue"}, last_year=2025)
    assert by_hand.years == {3: 2025} and by_hand.columns[3] == "revenue"
