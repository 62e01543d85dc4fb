"""Files that are read, and files that are refused, each with its sentence and within a second."""

from __future__ import annotations

import csv
import io
import time

import pytest
import xlsxwriter

from fieldapp.imports.columns import choose
from fieldapp.imports.sheets import CellError, Limits, Unreadable, read_book
from tests.ledgers import nasty

ROW = ["雁归机械有限公司", "91150223X01HB0YG5E", "东河区"]
TEXT = "企业名称,信用代码,旗县区\r\n" + ",".join(ROW) + "\r\n"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nasty.bomb_declared, "解开后超过"),
        (nasty.bomb_lying, "解开后超过"),
        (nasty.entity_bomb, "DTD"),
        (nasty.outside_entity, "DTD"),
        (nasty.far_cell, "最多 300 列"),
        (nasty.far_row, "第 1048576 行"),
        (nasty.many_cells, "格子太多"),
        (nasty.many_elements, "格子太多"),
        (nasty.long_text_everywhere, "解开后超过"),
        (nasty.too_many_rows, "超过 20,000 行"),
        (nasty.many_entries, "解开后超过"),
        (nasty.truncated, "坏了"),
        (nasty.broken_inside, "坏了"),
        (nasty.wrong_checksum, "坏了"),
        (nasty.old_excel, "另存为"),
        (nasty.encrypted, "密码"),
        (lambda: b"", "空的"),
        (lambda: b"\xef\xbb\xbf \r\n", "空的"),
        (lambda: nasty.workbook([], headings=[]), "空的"),
        (lambda: bytes(5 * 1024 * 1024 + 1), "最多 5 MB"),
        (lambda: b"%PDF-1.7 ...", "PDF"),
        (lambda: b"\x89PNG\r\n\x1a\n", "图片"),
        (lambda: nasty.zip_of({"word/document.xml": b"<x/>"}), "不是 Excel"),
        (lambda: nasty.zip_of({"xl/workbook.bin": b""}), ".xlsb"),
        (lambda: nasty.zip_of({"a.xlsx": nasty.workbook([])}), "不是 Excel"),
        (lambda: "<html><table><tr><td>企业名称</td></tr></table>".encode("gbk"), "网页"),
        (lambda: bytes(range(256)), "不是 Excel"),
        (lambda: b"PK\x03\x04" + b"junk" * 50, "坏了"),
        (lambda: ("企业名称,信用代码\n" * 21_000).encode(), "超过 20,000 行"),
        (lambda: ('企业名称,信用代码\n"甲,1\n' + "乙,2\n" * 20_000).encode(), "引号"),
        (lambda: (",".join(["列"] * 400)).encode(), "最多 300 列"),
        (lambda: nasty.with_part("xl/workbook.xml", b"<workbook/>"), "坏了"),
        (lambda: nasty.with_part(nasty.SHEET, b"<worksheet><sheetData><row"), "坏了"),
        (
            lambda: nasty.with_part(
                nasty.SHEET, '<?xml version="1.0" encoding="UTF-16"?><x/>'.encode("utf-16")
            ),
            "坏了",
        ),
    ],
)
def test_a_harmful_or_useless_file_is_refused_at_once_with_a_plain_sentence(make, words):
    data = make()
    start = time.thread_time()  # of this thread alone: the machine may be busy with other tests
    with pytest.raises(Unreadable) as refusal:
        read_book(data, "名单.xlsx")
    assert words in refusal.value.plain()
    # What unpacks, nests or repeats without end would take minutes; a slow machine takes a second for the honest look.
    assert time.thread_time() - start < 5


def test_limits_are_the_ones_handed_in():
    with pytest.raises(Unreadable, match=r"最多 0\.001 MB|最多"):
        read_book(nasty.workbook([nasty.enterprise(1)]), "", Limits(size=1024))
    with pytest.raises(Unreadable, match="超过 10 行"):
        read_book(nasty.workbook([nasty.enterprise(n) for n in range(1, 100)]), "", Limits(rows=10))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "UTF-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "UTF-8"),
        (TEXT.encode("gbk"), "GBK"),
        (TEXT.replace(",", "\t").encode("gb18030"), "GBK"),
        (TEXT.replace(",", ";").encode(), "UTF-8"),
        (TEXT.replace(",", "，").encode(), "UTF-8"),
        (TEXT.replace(",", "\t").encode("utf-16"), "UTF-16"),
        (TEXT.replace("\r\n", "\n").encode(), "UTF-8"),
    ],
)
def test_text_files_are_read_in_every_encoding_and_with_every_delimiter(data, encoding):
    book = read_book(data, "名单.csv")
    assert (book.form, book.encoding) == ("csv", encoding)
    assert book.grids[0].rows == [["企业名称", "信用代码", "旗县区"], ROW]


@pytest.mark.parametrize(("codec", "label"), [("gbk", "GBK"), ("utf-8", "UTF-8")])
def test_one_damaged_character_costs_its_cell_and_not_the_file(codec, label):
    names = [f"第{n}家机械制造有限公司" for n in range(40)]
    data = "企业名称,信用代码,旗县区\r\n".encode(codec)
    data += b"".join(f"{name},{n},青山区\r\n".encode(codec) for n, name in enumerate(names))
    whole = names[7].encode(codec)
    book = read_book(
        data.replace(whole, whole.replace("械".encode(codec), "械".encode(codec)[:1])), "名单.csv"
    )
    rows = book.grids[0].rows
    assert book.encoding == label and len(rows) == 41
    assert [row for row in rows[1:] if isinstance(row[0], CellError)] == [rows[8]]
    assert rows[8][0].damaged and rows[8][0].code.startswith("第7家机") and rows[8][1:] == ["7", "青山区"]
    assert [row[0] for n, row in enumerate(rows[1:]) if n != 7] == [n for n in names if n != names[7]]


def test_a_file_in_which_much_is_damaged_is_no_table():
    text = ("企业名称,信用代码\r\n" + "机械制造有限公司,1\r\n" * 20).encode("gbk")
    with pytest.raises(Unreadable, match="UTF-8、GBK"):
        read_book(text.replace("械".encode("gbk"), b"\xff"), "名单.csv")


def test_rare_characters_of_gb18030_are_read():
    assert (
        read_book("企业名称,信用代码\n㐂𠮷有限公司,1\n".encode("gb18030")).grids[0].rows[1][0]
        == "㐂𠮷有限公司"
    )


def test_quoted_commas_and_line_breaks_stay_inside_their_cell():
    stream = io.StringIO()
    csv.writer(stream).writerows([["企业名称", "地址"], ["甲有限公司", "东河区,1 号\n东门"]])
    assert read_book(stream.getvalue().encode()).grids[0].rows[1][1] == "东河区,1 号\n东门"


def test_errors_and_uncalculated_formulas_are_seen():
    grid = next(grid for grid in read_book(nasty.office_xlsx()).grids if grid.name == "汇总")
    errors = {value.code for row in grid.rows for value in row if isinstance(value, CellError)}
    assert errors == {"#REF!", ""}


def test_calculated_formulas_are_read_by_their_result():
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["企业名称", "信用代码", "营业收入"])
    sheet.write_formula(1, 0, '="甲"&"有限公司"', None, "甲有限公司")
    sheet.write_formula(1, 2, "=1+1", None, 2)
    sheet.write_formula(2, 2, "=1/0", None, "#DIV/0!")
    book.close()
    rows = read_book(stream.getvalue()).grids[0].rows
    assert rows[1][0] == "甲有限公司"
    assert rows[1][2] == 2
    assert rows[2][2] == CellError("#DIV/0!")


def test_hidden_sheets_are_passed_over_and_the_best_header_wins():
    book = read_book(nasty.office_xlsx())
    assert [grid.name for grid in book.grids] == ["填表说明", "汇总"]
    mapping = choose(book, 2026)
    assert mapping.sheet == "汇总"
    assert mapping.header_rows == (2, 3)


def test_a_full_sheet_is_read_in_a_few_seconds():
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, nasty.HEADINGS)
    for number in range(1, 20_001):
        sheet.write_row(number, 0, list(nasty.enterprise(number).values()))
    book.close()
    start = time.thread_time()
    assert len(read_book(stream.getvalue()).grids[0].rows) == 20_001
    assert time.thread_time() - start < 10
