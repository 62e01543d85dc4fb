"""Printed codes as PDF: eight labels an A4 sheet, or one door plate a page, with the Chinese text embedded.

Pure: items in, bytes out. What is printed stands on a Chinese door, so its words are Chinese whatever language the
person who prints it reads; they are parameters all the same, see `Words`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from fieldapp.codes import images, lettering

if TYPE_CHECKING:
    from fpdf import FPDF

POINT = 25.4 / 72  # mm
PAPER = (210.0, 297.0)  # A4, mm

# Label stock 99.1 × 67.7 mm, 2 × 4 a sheet (L7165 and its many twins).
LABEL = (99.1, 67.7)
MARGIN = (4.65, 13.1)
GAP = 2.5
SYMBOL = 42.0  # mm from the first dark module to the last, quiet zone not counted
PLATE_SYMBOL = 120.0

INK = (0x10, 0x21, 0x1F)
INK_2 = (0x42, 0x55, 0x5A)
BRAND = (0x08, 0x76, 0x7A)
BRAND_2 = (0x0A, 0x5F, 0x64)
LEAF = (0x12, 0x94, 0x96)
WHITE = (0xFF, 0xFF, 0xFF)

_LABEL_NAME = ((12.5, 2), (11.5, 2), (11, 3), (10, 4), (9, 4), (8, 5), (7, 6), (6, 8))
_PLATE_NAME = ((30, 2), (26, 2), (22, 3), (18, 4), (15, 5), (12, 7))


class LayoutError(ValueError):
    """The layout is none of LAYOUTS."""


@dataclass(frozen=True)
class Label:
    """What one label shows. `code` is the short typed code; `note` stands beside it (示例)."""

    url: str
    name: str
    code: str
    note: str = ""


@dataclass(frozen=True)
class Words:
    brand: str = "青助企"
    call: str = "微信扫一扫，企业点单"
    offer: tuple[str, ...] = ("有技术、人才、资金难题，", "青年科技干部上门帮您办。")
    number: str = "编号"
    steps: tuple[str, ...] = ("扫码，看谁为您服务", "说出难题，不用注册", "干部上门，办完由您评价")


@dataclass
class _Sheet:
    """An FPDF and the fonts that it has so far; a font is read (0.1–0.5 s) only when a character needs it."""

    pdf: FPDF
    faces: set[str] = field(default_factory=set)

    def text(
        self, x: float, baseline: float, text: str, face: str, size: float, ink: tuple[int, int, int]
    ) -> None:
        """One line from `x` on, mm; `size` in points."""
        self.pdf.set_text_color(*ink)
        for run in lettering.runs(text, face):
            if run.face not in self.faces:
                self.pdf.add_font(run.face, fname=lettering.FILES[run.face])
                self.faces.add(run.face)
            self.pdf.set_font(run.face, size=size)
            self.pdf.text(x, baseline, run.text)
            x += lettering.width(run.text, run.face) * size * POINT

    def centred(
        self, x: float, baseline: float, text: str, face: str, size: float, ink: tuple[int, int, int]
    ) -> None:
        self.text(x - lettering.width(text, face) * size * POINT / 2, baseline, text, face, size, ink)

    def symbol(self, symbol: images.Matrix, x: float, y: float, side: float) -> None:
        """The dark modules as one filled path: vector, and no hairlines between the rows in any renderer."""
        from fpdf.drawing import DeviceGray, PaintedPath
        from fpdf.enums import PathPaintRule

        module = side / len(symbol)
        path = PaintedPath()
        for column, row, n in images.spans(symbol):
            path.rectangle(x + column * module, y + row * module, n * module, module)
        path.style.fill_color = DeviceGray(0)
        path.style.stroke_color = None
        path.style.paint_rule = PathPaintRule.FILL_NONZERO
        with self.pdf.drawing_context() as drawing:
            drawing.add_item(path, clone=False)

    def mark(self, x: float, y: float, side: float) -> None:
        """The brand mark (static/img/logo.svg) in a square of `side` mm."""
        pdf, unit = self.pdf, side / 64
        pdf.set_fill_color(*BRAND)
        pdf.rect(x, y, side, side, style="F", round_corners=True, corner_radius=16 * unit)

        def shape(ink: tuple[int, int, int], start: tuple[float, float], *curves: tuple[float, ...]) -> None:
            with pdf.new_path(x, y) as path:
                path.style.fill_color = "#{:02x}{:02x}{:02x}".format(*ink)
                path.style.stroke_color = None
                path.move_to(x + start[0] * unit, y + start[1] * unit)
                for c in curves:
                    path.curve_to(*(value * unit + (x, y)[at % 2] for at, value in enumerate(c)))
                path.close()

        shape(
            WHITE,
            (32, 7),
            (20.4, 7, 11, 15.9, 11, 27.2),
            (11, 41.4, 32, 58, 32, 58),
            (32, 58, 53, 41.4, 53, 27.2),
            (53, 15.9, 43.6, 7, 32, 7),
        )
        pdf.set_fill_color(*BRAND)
        pdf.rect(x + 30.3 * unit, y + 27 * unit, 3.4 * unit, 17 * unit, style="F")
        shape(LEAF, (32, 35), (24.4, 35, 21, 30.8, 21, 24), (28.6, 24, 32, 28.2, 32, 35))
        shape(BRAND, (32, 29.5), (32, 22.1, 35.6, 18, 43.2, 18), (43.2, 25.4, 39.6, 29.5, 32, 29.5))


def labels_pdf(
    items: Iterable[Label], layout: str = "a4-8", words: Words = Words(), made_at: datetime | None = None
) -> bytes:
    """The PDF. `layout`: "a4-8" or "plate". No items: one empty page. Raises LayoutError for another layout."""
    # Here, not above: fpdf takes half a second to import, and codes are printed once in a while.
    from fpdf import FPDF
    from fpdf.prefs import ViewerPreferences

    if layout not in LAYOUTS:
        raise LayoutError(layout)
    pdf = FPDF(unit="mm", format=PAPER)
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.set_title(f"{words.brand} · 二维码")
    pdf.set_lang("zh-CN")
    pdf.set_creator(words.brand)
    if made_at is not None:
        pdf.set_creation_date(made_at)
    # Print dialogs shrink to fit unless told otherwise; labels that have shrunk miss their stock.
    pdf.viewer_preferences = ViewerPreferences(print_scaling="None", display_doc_title=True)
    sheet = _Sheet(pdf)
    LAYOUTS[layout](sheet, list(items), words)
    if not pdf.pages:
        pdf.add_page()
    return bytes(pdf.output())


def _a4_8(sheet: _Sheet, items: list[Label], words: Words) -> None:
    for at, item in enumerate(items):
        if at % 8 == 0:
            sheet.pdf.add_page()
        row, column = divmod(at % 8, 2)
        _label(sheet, item, words, MARGIN[0] + column * (LABEL[0] + GAP), MARGIN[1] + row * LABEL[1])


def _label(sheet: _Sheet, item: Label, words: Words, left: float, top: float) -> None:
    symbol = images.matrix(item.url)
    quiet = images.QUIET * SYMBOL / len(symbol)
    x = left + max(5.0, quiet)
    sheet.symbol(symbol, x, top + (LABEL[1] - SYMBOL) / 2, SYMBOL)
    x += SYMBOL + quiet
    room = left + LABEL[0] - 3.0 - x
    name = lettering.fit(lettering.clean(item.name), room / POINT, _LABEL_NAME, "bold")

    # Five blocks spread over the symbol's height (a little more when the name is long).
    call = min(11.0, room / POINT / lettering.width(words.call, "bold"))
    offer = min(8.5, *(room / POINT / lettering.width(line) for line in words.offer))
    heights = [
        5.0,
        len(name.lines) * name.size * 1.35 * POINT,
        call * POINT * 1.3,
        len(words.offer) * offer * 1.5 * POINT,
        8 * POINT * 1.3,
    ]
    height = max(46.0, sum(heights) + 4 * 1.2)
    gap = min((height - sum(heights)) / 4, 3.4)
    y = top + (LABEL[1] - sum(heights) - 4 * gap) / 2

    sheet.mark(x, y, 5.0)
    sheet.text(x + 6.5, y + 3.55, words.brand, "bold", 8, BRAND_2)
    y += heights[0] + gap
    for at, line in enumerate(name.lines):
        sheet.text(x, y + (at * 1.35 + 1.03) * name.size * POINT, line, "bold", name.size, INK)
    y += heights[1] + gap
    sheet.text(x, y + call * POINT, words.call, "bold", call, BRAND)
    y += heights[2] + gap
    for at, line in enumerate(words.offer):
        sheet.text(x, y + (at * 1.5 + 1.1) * offer * POINT, line, "regular", offer, INK_2)
    y += heights[3] + gap
    sheet.text(x, y + 8 * POINT, _number(item, words), "regular", 8, INK_2)


def _number(item: Label, words: Words) -> str:
    return f"{words.number} {item.code}" + (f" · {item.note}" if item.note else "")


def _plates(sheet: _Sheet, items: list[Label], words: Words) -> None:
    middle, side = PAPER[0] / 2, PLATE_SYMBOL
    for item in items:
        pdf = sheet.pdf
        pdf.add_page()
        pdf.set_fill_color(*BRAND)
        pdf.rect(0, 0, PAPER[0], 34, style="F")
        wide = 13 + 4 + lettering.width(words.brand, "bold") * 26 * POINT
        sheet.mark(middle - wide / 2, 10.5, 13)
        sheet.text(middle - wide / 2 + 17, 20.4, words.brand, "bold", 26, WHITE)

        name = lettering.fit(lettering.clean(item.name), (PAPER[0] - 36) / POINT, _PLATE_NAME, "bold")
        block = len(name.lines) * name.size * 1.35 * POINT
        y = 42 + max(0.0, (30 - block) / 2)
        for at, line in enumerate(name.lines):
            sheet.centred(middle, y + (at * 1.35 + 1.03) * name.size * POINT, line, "bold", name.size, INK)

        symbol = images.matrix(item.url)
        top = 84.0
        sheet.symbol(symbol, middle - side / 2, top, side)
        sheet.centred(middle, 226, words.call, "bold", 26, BRAND)
        third = (PAPER[0] - 30) / len(words.steps)
        for at, step in enumerate(words.steps):
            x = 15 + third * (at + 0.5)
            pdf.set_fill_color(*BRAND)
            pdf.circle(x, 241, 4.2, style="F")
            sheet.centred(x, 242.7, str(at + 1), "bold", 13, WHITE)
            sheet.centred(x, 253, step, "regular", min(13, third / POINT / lettering.width(step) * 0.94), INK)
        sheet.centred(middle, 272, "".join(words.offer), "regular", 13, INK_2)
        sheet.centred(middle, 281, _number(item, words), "regular", 13, INK_2)


LAYOUTS = {"a4-8": _a4_8, "plate": _plates}
