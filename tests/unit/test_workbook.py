"""Tables as Excel files, read back with another library: what is text stays text."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest

from fieldapp.workbook import Column, excel_answer, legible, looks_like_formula, workbook

COLUMNS = [
    Column("企业", 20), Column("需求（件）", 8, "whole"), Column("预算（万元）", 12, "money"), Column("日期", 12, "date"),
    Column("时间", 16, "moment"),
]  # fmt: skip


def read(content):
    return openpyxl.load_workbook(BytesIO(content)).active


def test_title_note_frozen_header_filter_and_typed_cells():
    moment = datetime(2026, 11, 23, 6, 5, 59, tzinfo=UTC)
    sheet = read(
        workbook(
            "企业名单", "单位：万元", COLUMNS, [("华星", 3, Decimal("120.50"), date(2026, 1, 5), moment)]
        )
    )
    assert sheet.title == "企业名单"
    assert sheet["A1"].value == "企业名单" and sheet["A2"].value == "单位：万元"
    assert [cell.value for cell in sheet[3]] == [column.heading for column in COLUMNS]
    assert sheet.freeze_panes == "B4" and sheet.auto_filter.ref == "A3:E4"
    assert [cell.value for cell in sheet[4]] == [
        "华星",
        3,
        120.5,
        datetime(2026, 1, 5),
        datetime(2026, 11, 23, 14, 5, 59),
    ]
    assert [cell.data_type for cell in sheet[4]] == ["s", "n", "n", "d", "d"]
    assert sheet["C4"].number_format == "#,##0.00"


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://evil.example","点我")', "=1+1", "+86 472 5550101", "-5℃低温涂层", "@SUM(A1)", "\t=1", " =1", "|calc",
     "＝1+1", "=cmd|'/c calc'!A0", "'=1"],
)  # fmt: skip
def test_what_begins_like_a_formula_stays_the_text_it_is(text):
    content = workbook("表", "", COLUMNS[:1], [(text,)])
    cell = read(content)["A4"]
    assert cell.value == text and cell.data_type == "s"
    assert cell.number_format == "@", "typing in it again keeps it text"
    if looks_like_formula(text):
        assert cell.quotePrefix
    with zipfile.ZipFile(BytesIO(content)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_text_in_a_column_of_numbers_is_text_as_well():
    cell = read(workbook("表", "=1", [Column("数", 8, "whole")], [("=1+1",)]))["A4"]
    assert (cell.value, cell.data_type, cell.number_format) == ("=1+1", "s", "@")


def test_addresses_are_not_links_and_numbers_in_text_stay_text():
    sheet = read(workbook("表", "", COLUMNS[:1], [("http://a.example",), ("0012",), ("mailto:x@y.z",)]))
    assert sheet["A4"].hyperlink is None and sheet["A5"].value == "0012" and sheet["A6"].hyperlink is None


def test_what_no_cell_can_hold_is_left_out():
    assert legible("a\x00b\x0bc\ufffe\ud800d\n") == "abcd\n"
    assert len(legible("长" * 40_000)) == 32_767
    assert len(read(workbook("表", "", COLUMNS[:1], [("=" + "长" * 40_000,)]))["A4"].value) == 32_767


def test_empty_cells_empty_tables_and_odd_titles():
    sheet = read(workbook("[a]/b:*?'", "", COLUMNS, [("", None, None, None, None), ("乙", 0, 0, None, None)]))
    assert sheet["A4"].value is None and sheet["B5"].value == 0
    assert read(workbook("表", "", COLUMNS, [])).max_row == 3


def test_a_row_of_another_length_is_a_mistake():
    with pytest.raises(ValueError, match="zip"):
        workbook("表", "", COLUMNS, [("华星",)])


def test_the_download_has_a_name_for_every_browser():
    from flask import Flask

    with Flask(__name__).app_context():
        answer = excel_answer("企业名单", b"x")
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"export.xlsx\"; filename*=UTF-8''%E4%BC%81%E4%B8%9A%E5%90%8D%E5%8D%95.xlsx"
    )
    assert answer.headers["Cache-Control"] == "no-store"
