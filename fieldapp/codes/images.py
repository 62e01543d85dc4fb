"""One enterprise's code as SVG and PNG: dark on white, error correction Q, four modules of quiet zone.

Pure: the address to encode, the name and the typed code come in as plain strings.
"""

from __future__ import annotations

import io
from html import escape

import qrcode
from PIL import Image, ImageDraw, ImageFont
from qrcode.constants import ERROR_CORRECT_Q

from fieldapp.codes import lettering
from fieldapp.codes.masks import best_mask

QUIET = 4  # modules of white around the symbol, as ISO/IEC 18004 demands
INK = "#000000"  # pure black: a tinted one is screened by laser printers, and its edges fray

Matrix = list[list[bool]]

# Modules of the symbol's own width → size of the name; the fitted text may take up to three lines.
_NAME_SIZES = ((3.4, 1), (3.0, 2), (2.5, 3), (2.0, 4), (1.6, 5))
_CODE_SIZE = 3.0
_LEADING = 1.4


def matrix(url: str) -> Matrix:
    """The symbol without quiet zone, rows of dark = True, in the smallest version that holds `url` at level Q."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=0)
    # One segment: switching modes inside a short address costs more than it saves.
    code.add_data(url, optimize=0)
    code.best_fit()
    code.mask_pattern = best_mask(code)
    code.make(fit=False)
    return [[bool(dark) for dark in row] for row in code.get_matrix()]


def spans(symbol: Matrix) -> list[tuple[int, int, int]]:
    """Dark stretches (column, row, length) of each row: a third as many shapes as modules."""
    found = []
    for y, row in enumerate(symbol):
        x = 0
        while x < len(row):
            if row[x]:
                start = x
                while x < len(row) and row[x]:
                    x += 1
                found.append((start, y, x - start))
            else:
                x += 1
    return found


def path(symbol: Matrix, offset: int = QUIET) -> str:
    """The symbol as the `d` of one SVG path. One path, so that no renderer leaves hairlines between the rows."""
    return "".join(f"M{x + offset} {y + offset}h{n}v1h-{n}z" for x, y, n in spans(symbol))


def _caption(name: str, code: str, side: int) -> tuple[lettering.Fitted, float]:
    """The name set for a picture `side` modules wide, and the height that the whole caption takes in modules."""
    fitted = lettering.fit(lettering.clean(name), side - 2 * QUIET, _NAME_SIZES, "bold")
    height = len(fitted.lines) * fitted.size * _LEADING
    if code:
        height += _CODE_SIZE * _LEADING
    return fitted, height + QUIET / 2


def svg(url: str, name: str = "", code: str = "") -> str:
    """A whole SVG document, width in modules; the name and typed code are text beneath the quiet zone."""
    symbol = matrix(url)
    side = len(symbol) + 2 * QUIET
    fitted, caption = _caption(name, code, side)
    if not (name or code):
        caption = 0
    height = side + caption
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {height:g}" width="{side * 8}" '
        f'height="{height * 8:g}" role="img">',
        f"<title>{escape(lettering.clean(name) or 'QR')} {escape(code)}</title>",
        f'<path fill="#ffffff" d="M0 0h{side}v{height:g}H0z"/>',
        f'<path fill="{INK}" shape-rendering="crispEdges" d="{path(symbol)}"/>',
    ]
    y = float(side)
    family = "'PingFang SC', 'HarmonyOS Sans SC', 'Noto Sans SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif"
    text = f'text-anchor="middle" font-family="{family}" fill="{INK}"'
    for line in fitted.lines:
        y += fitted.size * _LEADING
        at = f'x="{side / 2:g}" y="{y - fitted.size * 0.45:.2f}"'
        # A device font of other widths must not run out of the picture.
        wide = lettering.width(line, "bold") * fitted.size
        parts.append(
            f'<text {at} font-size="{fitted.size:g}" font-weight="700" textLength="{wide:.2f}" '
            f'lengthAdjust="spacingAndGlyphs" {text}>{escape(line)}</text>'
        )
    if code:
        y += _CODE_SIZE * _LEADING
        at = f'x="{side / 2:g}" y="{y - _CODE_SIZE * 0.45:.2f}"'
        parts.append(f'<text {at} font-size="{_CODE_SIZE:g}" {text}>{escape(code)}</text>')
    parts.append("</svg>\n")
    return "".join(parts)


def png(url: str, name: str = "", code: str = "", module: int = 16) -> bytes:
    """A black and white PNG, `module` pixels a module; name and typed code drawn beneath the quiet zone."""
    symbol = matrix(url)
    side = len(symbol) + 2 * QUIET
    fitted, caption = _caption(name, code, side)
    if not (name or code):
        caption = 0
    picture = Image.new("L", (side * module, round((side + caption) * module)), 255)
    draw = ImageDraw.Draw(picture)
    for x, y, n in spans(symbol):
        left, top = (x + QUIET) * module, (y + QUIET) * module
        draw.rectangle((left, top, left + n * module - 1, top + module - 1), fill=0)
    y_text = float(side)
    for line in fitted.lines:
        y_text += fitted.size * _LEADING
        _write(
            draw,
            line,
            "bold",
            fitted.size * module,
            side * module / 2,
            (y_text - fitted.size * 0.45) * module,
        )
    if code:
        y_text += _CODE_SIZE * _LEADING
        _write(
            draw,
            code,
            "regular",
            _CODE_SIZE * module,
            side * module / 2,
            (y_text - _CODE_SIZE * 0.45) * module,
        )
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _write(
    draw: ImageDraw.ImageDraw, text: str, face: str, size: float, centre: float, baseline: float
) -> None:
    x = centre - lettering.width(text, face) * size / 2
    for run in lettering.runs(text, face):
        draw.text(
            (x, baseline),
            run.text,
            fill=0,
            anchor="ls",
            font=ImageFont.truetype(lettering.FILES[run.face], size),
        )
        x += lettering.width(run.text, run.face) * size
