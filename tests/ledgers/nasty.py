"""Ledgers as offices really send them, and files that nobody should be able to hurt us with.

Every function gives the bytes of a file. The enterprises are invented; their codes carry right check characters unless
the case is about wrong ones.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date
from typing import Any

import openpyxl
from stdnum.cn import uscc

HEADINGS = ["序号", "企业名称", "统一社会信用代码", "所属旗县区", "行业代码", "经度", "纬度", "坐标系", "联系人",
            "职务", "联系电话", "2025年营业收入", "2025年研发费用", "从业人数", "是否高企"]  # fmt: skip


def code(number: int, region: str = "150203") -> str:
    """A valid credit code: authority 9, kind 1, region, an organisation number with its check, the last check."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    body = f"MA{number:06d}"
    total = sum(
        letters.index(letter) * weight for letter, weight in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    first = f"91{region}{body}" + "0123456789X0"[11 - total % 11]
    return first + str(uscc.calc_check_digit(first))


def enterprise(number: int, **changes: Any) -> dict[str, Any]:
    """A clean row by heading; `changes` are by heading too."""
    row: dict[str, Any] = {
        "序号": number,
        "企业名称": f"青岭{number:04d}号装备有限公司",
        "统一社会信用代码": code(number),
        "所属旗县区": "昆都仑区",
        "行业代码": "C3511",
        "经度": 109.8 + number / 100_000,
        "纬度": 40.65,
        "坐标系": "GCJ-02",
        "联系人": "卫沐",
        "职务": "总经理",
        "联系电话": f"138{number:08d}",
        "2025年营业收入": 12_000.5,
        "2025年研发费用": 320.25,
        "从业人数": 120,
        "是否高企": "否",
    }
    return row | changes


def workbook(
    rows: Sequence[dict[str, Any]], headings: Sequence[str] = HEADINGS, above: Sequence[Sequence[Any]] = ()
) -> bytes:
    """A plain .xlsx with these rows under the headings."""
    book = openpyxl.Workbook()
    sheet = book.active
    for line in above:
        sheet.append(list(line))
    sheet.append(list(headings))
    for row in rows:
        sheet.append([row.get(heading) for heading in headings])
    return _saved(book)


def _saved(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def office_xlsx() -> bytes:
    """One sheet with nearly everything that offices do; outcome-office.tsv says what becomes of each row."""
    book = openpyxl.Workbook()
    cover = book.active
    cover.title = "填表说明"
    cover.append(["本表由各旗县区填报，每家企业一行。"])
    sheet = book.create_sheet("汇总")
    sheet.append(["××市规模以上工业企业台账（2025年度）"])
    sheet.merge_cells("A1:P1")
    sheet.append(["填报单位：××市科学技术局（盖章）", *[None] * 13, "金额单位：万元"])
    groups = [
        "序号",
        "基本情况",
        None,
        None,
        None,
        "位置",
        None,
        None,
        "联系方式",
        None,
        None,
        "2025年",
        None,
        "从业人员",
        "是否高企",
        "备注2",
    ]
    below = [None, "单位详细名称", "统一社会\n信用代码", "所在旗县（区）", "行业代码", "经度", "纬度", "坐标系",
             "联系人", "职务", "联系电话", "营业收入（千元）", "研发费用", "期末数", None, None]  # fmt: skip
    sheet.append(groups)
    sheet.append(below)
    for cells in ("A3:A4", "B3:E3", "F3:H3", "I3:K3", "L3:M3", "O3:O4", "P3:P4"):
        sheet.merge_cells(cells)
    sheet.append(["甲", "乙", "丙", "丁", "戊", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])

    def add(number: int, **changes: Any) -> int:
        row = enterprise(number)
        keys = {"name": "企业名称", "code": "统一社会信用代码", "region": "所属旗县区", "industry": "行业代码",
                "lng": "经度", "lat": "纬度", "crs": "坐标系", "person": "联系人", "title": "职务",
                "phone": "联系电话", "revenue": "2025年营业收入",
                "spend": "2025年研发费用", "staff": "从业人数", "hnte": "是否高企"}  # fmt: skip
        row |= {keys[key]: value for key, value in changes.items()}
        sheet.append([row[heading] for heading in HEADINGS])
        return int(sheet.max_row)

    add(1)  # clean: 12,000.5 千元 are 1,200.05 万元
    add(2, name="　青岭 机械(集团)有限公司 ")
    add(3, code=code(3).lower())
    add(4, code="".join(chr(ord(c) + 0xFEE0) for c in code(4)))
    add(5, code=code(5)[:17])
    add(6, code=code(6)[:17] + ("1" if code(6)[17] != "1" else "2"))
    add(7, code=code(7).replace("0", "O", 1))
    add(8, code=911502000000000019)
    add(9, region="昆区")
    add(10, region="达茂旗")
    add(11, region="包头市东河区")
    add(12, region="高薪区")
    add(13, region=None)
    add(14, phone="13844100014、0472-5550123")
    add(15, phone=13844100015)
    add(16, phone="138-4410-0016")
    add(17, phone="1384410001")
    add(18, phone="138****5621")
    add(19, phone="0472-5550123转801")
    add(20, phone=4725550123)
    add(21, phone="李四 13844100021")
    add(22, revenue="1.25亿元")
    add(23, revenue="128,400 千元")
    add(24, revenue="约3千万")
    add(25, revenue="－")
    add(26, revenue=-500)
    add(27, revenue="12%")
    add(28, revenue=99_000_000_000)
    add(29, staff="约120人")
    add(30, staff="1,200")
    add(31, staff="100-200")
    add(32, staff=120.5)
    add(33, staff=-3)
    add(34, lng=40.65, lat=109.8)
    add(35, lng="109°48′36″", lat="北纬40.65°")
    add(36, lng=None)
    add(37, lng=0.5, lat=0.5)
    add(38, lng=0, lat=0)
    add(39, crs="高德")
    add(40, crs="西安80")
    add(41, crs=None)
    add(42, hnte="√")
    add(43, hnte="正在申报")
    add(44, industry="3511")
    add(45, industry="专用设备制造业")
    add(46, industry="稀土永磁材料")
    add(47, name=None)
    sheet.append([])
    row = add(48)
    sheet.cell(row, 12).value = "=L6*2"
    row = add(49)
    sheet.cell(row, 14).value = "#REF!"
    sheet.cell(row, 14).data_type = "e"
    add(50)
    add(50)  # the same again
    add(51)
    add(51, staff=300)  # the same code, other content
    add(52, name="青岭同名有限公司")
    add(53, name="青岭同名有限公司")
    first = add(54, region="石拐区")
    add(55, region=None)
    sheet.merge_cells(start_row=first, end_row=first + 1, start_column=4, end_column=4)
    sheet.append([None, "小  计", None, None, None, None, None, None, None, None, None, 99])
    sheet.append(below)
    add(56, spend=9_000_000)
    add(57, person="暂无", title="/", phone="无")
    sheet.append(["合计", *[None] * 10, 999_999])
    sheet.append(["填表人：卫沐　　审核人：施望　　填报日期：2026年3月1日"])
    hidden = book.create_sheet("旧表")
    hidden.append(HEADINGS)
    hidden.sheet_state = "hidden"
    return _saved(book)


# --- files that must be refused -------------------------------------------------------------------------------------


def zip_of(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_part(name: str, content: bytes) -> bytes:
    """A one-row ledger with one part exchanged."""
    return zip_of(parts_of(workbook([enterprise(1)])) | {name: content})


SHEET = "xl/worksheets/sheet1.xml"
_OPEN = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_CLOSE = b"</sheetData></worksheet>"


def bomb_declared() -> bytes:
    """120 MB of spaces in a sheet, and the directory says so."""
    return with_part(SHEET, _OPEN + b" " * 120_000_000 + _CLOSE)


def bomb_lying() -> bytes:
    """The same, but the directory claims that it is small: only inflating tells."""
    data = bytearray(bomb_declared())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        length = struct.unpack("<H", data[at + 28 : at + 30])[0]
        if data[at + 46 : at + 46 + length] == SHEET.encode():
            data[at + 24 : at + 28] = struct.pack("<I", 1000)
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def entity_bomb() -> bytes:
    lines = ['<!ENTITY a "aaaaaaaaaaaaaaaaaaaa">']
    for one, two in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f'<!ENTITY {two} "{f"&{one};" * 20}">')
    body = '<row r="1"><c r="A1" t="inlineStr"><is><t>&i;</t></is></c></row>'
    return with_part(
        SHEET,
        f"<?xml version='1.0'?><!DOCTYPE x [{''.join(lines)}]>".encode()
        + _OPEN[21:]
        + body.encode()
        + _CLOSE,
    )


def outside_entity() -> bytes:
    return with_part(
        "xl/sharedStrings.xml",
        b'<!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]><sst><si><t>&x;</t></si></sst>',
    )


def far_cell() -> bytes:
    """One value in the very last cell: a reader that lays out the area needs 17 billion cells."""
    return with_part(
        SHEET,
        _OPEN
        + b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        + _CLOSE,
    )


def far_row() -> bytes:
    rows = (
        b'<row r="1">'
        + b"".join(b'<c r="%s1"><v>1</v></c>' % letter.encode() for letter in "ABCDEFGHIJ")
        + b"</row>"
    )
    return with_part(SHEET, _OPEN + rows + b'<row r="1048576"><c r="A1048576"><v>1</v></c></row>' + _CLOSE)


def many_cells() -> bytes:
    """Four million cells that hold nothing but a format."""
    return with_part(SHEET, _OPEN + b'<row r="1">' + b"<c/>" * 4_000_000 + b"</row>" + _CLOSE)


def many_elements() -> bytes:
    """Twenty million elements in one cell."""
    return with_part(SHEET, _OPEN + b'<row r="1"><c r="A1">' + b"<v/>" * 20_000_000 + b"</c></row>" + _CLOSE)


def long_text_everywhere() -> bytes:
    """One long shared text, used in 60,000 cells: two gigabytes once laid out."""
    rows = b"".join(
        b'<row r="%d">%s</row>' % (row, b"".join(b'<c t="s"><v>0</v></c>' for _ in range(60)))
        for row in range(1, 1001)
    )
    parts = parts_of(workbook([enterprise(1)]))
    parts[SHEET] = _OPEN + rows + _CLOSE
    parts["xl/sharedStrings.xml"] = b"<sst><si><t>" + b"x" * 32_000 + b"</t></si></sst>"
    relations = parts["xl/_rels/workbook.xml.rels"].decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    if kind not in relations:
        extra = f'<Relationship Id="rIdS" Type="{kind}" Target="sharedStrings.xml"/></Relationships>'
        parts["xl/_rels/workbook.xml.rels"] = relations.replace("</Relationships>", extra).encode()
    return zip_of(parts)


def too_many_rows(rows: int = 20_200) -> bytes:
    body = b"".join(
        b'<row r="%d"><c r="A%d"><v>%d</v></c></row>' % (row, row, row) for row in range(1, rows + 1)
    )
    return with_part(SHEET, _OPEN + body + _CLOSE)


def many_entries() -> bytes:
    return zip_of(
        parts_of(workbook([enterprise(1)])) | {f"xl/media/{number}.png": b"" for number in range(5_000)}
    )


def truncated() -> bytes:
    data = workbook([enterprise(number) for number in range(1, 50)])
    return data[: len(data) // 2]


def broken_inside() -> bytes:
    data = bytearray(workbook([enterprise(number) for number in range(1, 50)]))
    middle = data.find(b"PK\x01\x02") // 2
    data[middle : middle + 40] = bytes(40)
    return bytes(data)


def wrong_checksum() -> bytes:
    parts = parts_of(workbook([enterprise(1)]))
    data = bytearray(zip_of(parts))
    crc = struct.pack("<I", zlib.crc32(parts[SHEET]))
    at = data.rfind(crc)
    data[at : at + 4] = b"\0\0\0\0"
    return bytes(data)


def old_excel() -> bytes:
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2_000)


def encrypted() -> bytes:
    return (
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(2_000)
    )


def dated() -> bytes:
    """The columns about certificates and former names, with days in every spelling."""
    headings = [
        "企业名称",
        "信用代码",
        "旗县区",
        "曾用名",
        "标签",
        "高企证书编号",
        "发证日期",
        "有效期至",
        "手机",
        "座机",
    ]
    rows = [
        ["甲乙精工有限公司", code(901), "青山区", "甲乙机械厂、甲乙精工（集团）", "稀土；专精特新", "GR202315000123",
         date(2023, 11, 9), "2026年11月8日", "13844100901", "0472 5550901"],
        ["丙丁精工有限公司", code(902), "青山区", None, None, "GR1", 45239, "20261108", "13844100902", None],
        ["戊己精工有限公司", code(903), "青山区", "无", None, "GR2", "2023.11", None, "13844100903", None],
        ["庚辛精工有限公司", code(904), "青山区", None, None, "GR3", "2026-11-09", "2023-11-08", "13844100904", None],
    ]  # fmt: skip
    return workbook([dict(zip(headings, row, strict=True)) for row in rows], headings)
