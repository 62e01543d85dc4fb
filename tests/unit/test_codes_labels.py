"""Label sheets and door plates: every code on the page is read, every name is whole, nothing leaves its label."""

import base64
import random

import numpy as np
import pypdfium2
import pytest

from fieldapp.codes import labels
from tests import qr_damage

NAMES = [
    "北疆新能源材料有限公司",
    "云河智控装备有限公司",
    "东岭稀土功能材料股份有限公司",
    "北境低碳技术（集团）有限责任公司",
    "ABC-Tech International 北极星传感器 Co., Ltd.",
    "𬭎芯㛃龘镕堃喆科技有限公司😀",
    "内蒙古自治区呼伦贝尔市海拉尔区草原绿色生态农牧业产业化龙头示范园区高新技术综合开发利用研究与推广服务股份有限公司第一分公司",
    "企",
]


def items(count: int) -> list[labels.Label]:
    def token(seed: int) -> str:
        return base64.urlsafe_b64encode(random.Random(seed).randbytes(16)).decode().rstrip("=")

    return [
        labels.Label(
            f"https://fieldapp.example.gov.cn/q/{token(at)}", NAMES[at % 8], f"{204816 + at}", "示例"
        )
        for at in range(count)
    ]


def pages(pdf: bytes, dpi: int = 300) -> list[qr_damage.Picture]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72, grayscale=True).to_numpy().squeeze() for page in document]
    finally:
        document.close()


def texts(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def mm(length: float, dpi: int = 300) -> int:
    return round(length / 25.4 * dpi)


def test_every_label_of_a_sheet_is_read_by_both_decoders() -> None:
    wanted = items(11)
    sheets = pages(labels.labels_pdf(wanted))
    assert len(sheets) == 2
    for sheet, on_it in zip(sheets, (wanted[:8], wanted[8:]), strict=True):
        found = {code.text for code in qr_damage.zxingcpp.read_barcodes(sheet)}
        assert found == {item.url for item in on_it}
        for at, item in enumerate(on_it):
            row, column = divmod(at, 2)
            left, top = mm(4.65 + column * 101.6), mm(13.1 + row * 67.7)
            one = np.ascontiguousarray(sheet[top : top + mm(67.7), left : left + mm(99.1)])
            for name, decode in qr_damage.DECODERS.items():
                assert decode(one) == item.url, (name, item.name)


def test_the_symbol_is_42_mm_wide_and_alone_in_its_quiet_zone() -> None:
    sheet = pages(labels.labels_pdf(items(1)))[0]
    found = qr_damage.zxingcpp.read_barcodes(sheet)[0].position
    wide = (found.top_right.x - found.top_left.x) / 300 * 25.4
    assert wide == pytest.approx(42, abs=0.4)
    quiet = mm(4 * 42 / 37) - 4
    left, right = found.top_left.x, found.top_right.x
    top, bottom = found.top_left.y, found.bottom_left.y
    around = sheet[top - quiet : bottom + quiet, left - quiet : right + quiet].copy()
    around[quiet - 3 : -quiet + 3, quiet - 3 : -quiet + 3] = 255
    assert around.min() == 255


def test_nothing_is_printed_outside_the_labels() -> None:
    for sheet in pages(labels.labels_pdf(items(8)), dpi=100):
        ink = sheet < 250
        allowed = np.zeros_like(ink)
        for row in range(4):
            for column in range(2):
                left, top = 4.65 + column * 101.6, 13.1 + row * 67.7
                allowed[mm(top + 1, 100) : mm(top + 66.7, 100), mm(left + 1, 100) : mm(left + 98.1, 100)] = (
                    True
                )
        assert not (ink & ~allowed).any()


def test_the_text_is_real_text_with_names_and_numbers() -> None:
    written = texts(labels.labels_pdf(items(8)))[0].replace("\r\n", "")
    for item in items(8):
        assert item.code in written
        if "😀" not in item.name:
            assert item.name.replace(" ", "") in written.replace(" ", "")
    assert "𬭎芯㛃龘镕堃喆科技有限公司〓" in written
    assert written.count("微信扫一扫，企业点单") == 8


def test_fonts_are_embedded_and_cut_down_to_what_is_used() -> None:
    pdf = labels.labels_pdf(items(8))
    assert pdf.count(b"/FontFile2") == 3 and b"/FontFile3" not in pdf
    assert len(pdf) < 200_000


def test_door_plates_come_one_a_page() -> None:
    wanted = items(8)
    plates = pages(labels.labels_pdf(wanted, "plate"), dpi=100)
    assert len(plates) == 8
    for plate, item in zip(plates, wanted, strict=True):
        for name, decode in qr_damage.DECODERS.items():
            assert decode(plate) == item.url, (name, item.name)


def test_no_items_give_an_empty_page_and_a_wrong_layout_an_error() -> None:
    assert len(pages(labels.labels_pdf([]), dpi=20)) == 1
    with pytest.raises(labels.LayoutError):
        labels.labels_pdf(items(1), "a3")


def test_a_longer_public_address_still_fits() -> None:
    url = "https://" + "long-name." * 8 + "gov.cn/q/" + "x" * 22
    long = [labels.Label(url, name, "204816") for name in NAMES]
    sheet = pages(labels.labels_pdf(long))[0]
    assert len(qr_damage.zxingcpp.read_barcodes(sheet)) == 8


def test_many_labels_are_a_small_file() -> None:
    """The symbols are drawn, the letters shared; how long 489 take is for bench/labels.py to say."""
    pdf = labels.labels_pdf(items(80))
    assert len(pages(pdf, dpi=20)) == 10
    assert len(pdf) < 600_000
