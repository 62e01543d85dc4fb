"""Sheets out: the blank template, and the refused rows with their reasons.

Every text is written as a string cell, so that nothing a stranger typed (`=HYPERLINK(…)`) ever becomes a formula.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from fieldapp.imports.columns import MONEY, YEARLY, Mapping
from fieldapp.imports.sheets import CellError, Grid, Value
from fieldapp.languages import _

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# heading, width, what to write, example
TEMPLATE = (
    ("序号", 8, "可不填", "示例"),
    ("企业名称", 34, "必填，写营业执照上的全称", "青岭示例装备有限公司"),
    ("统一社会信用代码", 24, "必填，18 位，这一列已设成文本", "91150203QJ9FMT4E85"),
    ("所属旗县区", 20, "必填，写全称", "昆都仑区"),
    ("地址", 30, "", "示例路 1 号"),
    ("行业代码", 12, "国标 GB/T 4754-2017，如 C3511", "C3511"),
    ("经度", 13, "度数，如 110.532145", 109.840412),
    ("纬度", 13, "", 40.657403),
    ("坐标系", 12, "GCJ-02（高德、腾讯）、BD-09（百度）或 WGS-84（GPS）", "GCJ-02"),
    ("联系人", 12, "", "卫示例"),
    ("职务", 14, "", "总经理"),
    ("联系电话", 20, "手机写在前面，几个号码用顿号隔开", "13800000000、0472-5550123"),
    ("{year}年营业收入（万元）", 22, "", 12800.5),
    ("{year}年研发费用（万元）", 22, "", 320),
    ("从业人数", 12, "", 120),
    ("是否高企", 12, "是或否", "否"),
    ("曾用名", 24, "几个名字用顿号隔开", None),
    ("标签", 16, "几个标签用顿号隔开", None),
)
TEXT_COLUMNS = {"统一社会信用代码", "行业代码", "联系电话"}


def template_workbook(year: int, regions: Sequence[str]) -> bytes:
    """A blank ledger: headings, an example row that the import passes over, a sheet that explains."""
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, _options())
    sheet = book.add_worksheet("企业名单")
    head = book.add_format(
        {"bold": True, "bg_color": "#DDF1EF", "border": 1, "border_color": "#B9CDCB", "text_wrap": True}
    )
    grey = book.add_format({"font_color": "#6B7C7D", "italic": False})
    text = book.add_format({"num_format": "@"})
    for column, (heading, width, note, example) in enumerate(TEMPLATE):
        heading = heading.format(year=year)
        sheet.set_column(column, column, width, text if heading in TEXT_COLUMNS else None)
        sheet.write_string(0, column, heading, head)
        if note:
            sheet.write_comment(0, column, note, {"x_scale": 1.6})
        if isinstance(example, str):
            sheet.write_string(1, column, example, grey)
        elif example is not None:
            sheet.write_number(1, column, example, grey)
    sheet.freeze_panes(1, 2)
    if regions:
        listed = list(regions)
        if (
            sum(len(name) + 1 for name in listed) < 255
        ):  # Excel's limit for a list written into the rule itself
            sheet.data_validation(
                1,
                3,
                20_000,
                3,
                {"validate": "list", "source": listed, "ignore_blank": True, "error_type": "warning"},
            )
    sheet.data_validation(
        1, 15, 20_000, 15, {"validate": "list", "source": ["是", "否"], "ignore_blank": True}
    )
    notes = book.add_worksheet("填写说明")
    notes.set_column(0, 0, 28)
    notes.set_column(1, 1, 70)
    notes.write_string(0, 0, "列", head)
    notes.write_string(0, 1, "怎么填", head)
    for row, (heading, _width, note, _example) in enumerate(TEMPLATE, start=1):
        notes.write_string(row, 0, heading.format(year=year))
        notes.write_string(row, 1, note or "可不填")
    for offset, line in enumerate(
        (
            "第 2 行灰字是示例，导入时自动跳过，不用删。",
            "可以加自己的列，导入前能看到每一列怎么对，也能改。",
            "没有的内容空着就行，不用写“无”或“-”。",
            f"可以填的旗县区：{'、'.join(regions)}" if regions else "",
        )
    ):
        notes.write_string(len(TEMPLATE) + 2 + offset, 0, line)
    book.close()
    return stream.getvalue()


def refused_workbook(grid: Grid, mapping: Mapping, refused: Sequence[tuple[int, str]]) -> bytes:
    """The refused rows as they stood, and a column that says why; can be put right and uploaded as it is."""
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, _options())
    sheet = book.add_worksheet(_("不能入库的行")[:31])
    head = book.add_format({"bold": True, "bg_color": "#DDF1EF", "text_wrap": True, "valign": "top"})
    why = book.add_format({"font_color": "#B3261E", "text_wrap": True})
    days = book.add_format({"num_format": "yyyy-mm-dd"})
    columns = sorted(mapping.headers)
    for position, column in enumerate(columns):
        sheet.write_string(0, position, _heading(mapping, column), head)
        sheet.set_column(position, position, 20)
    sheet.write_string(0, len(columns), _("原因"), head)
    sheet.write_string(0, len(columns) + 1, _("原来的行号"), head)
    sheet.set_column(len(columns), len(columns), 60)
    for line, (number, reasons) in enumerate(refused, start=1):
        for position, column in enumerate(columns):
            value = grid.at(number - 1, column)
            if value is None and (origin := grid.merged.get((number - 1, column))) and origin[1] == column:
                value = grid.at(*origin)
            _write(sheet, line, position, value, days)
        sheet.write_string(line, len(columns), reasons[:32_000], why)
        sheet.write_number(line, len(columns) + 1, number)
    sheet.freeze_panes(1, 0)
    book.close()
    return stream.getvalue()


def _options() -> dict[str, Any]:
    return {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }


def _heading(mapping: Mapping, column: int) -> str:
    """The column's heading with the unit and year that stood elsewhere on the sheet, so that it can be read again."""
    heading = mapping.headers[column]
    name = mapping.columns[column]
    if name in YEARLY and (year := mapping.years.get(column)) and str(year) not in heading:
        heading = f"{year}年{heading}"
    if name in MONEY and (unit := mapping.units.get(column, "万元")) not in heading:
        heading = f"{heading}（{unit}）"
    return heading


def _write(sheet: Any, row: int, column: int, value: Value, days: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif isinstance(value, datetime | date):
        sheet.write_datetime(row, column, value, days)
    else:
        sheet.write_string(
            row, column, (value.code or _("公式没有结果")) if isinstance(value, CellError) else str(value)
        )
