"""The app's icons, drawn by a real browser from static/img/logo.svg; run it again when the logo changes.

    python -m tests.tools.icons

`logo-*.png` is the logo as it is. Where a system cuts its own shape (maskable icons, iPhones) the ground goes to the
edges, and what may be cut off is empty: a maskable icon's middle, four fifths across, is always seen.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.tools import chromium

IMAGES = Path(__file__).resolve().parents[2] / "fieldapp" / "static" / "img"
# name: (side in pixels, how much of it the drawing takes; None: the logo as it is, with its round corners)
ICONS: dict[str, tuple[int, float | None]] = {
    "logo-192.png": (192, None),
    "logo-512.png": (512, None),
    "logo-maskable-512.png": (512, 0.78),
    "logo-touch-180.png": (180, 0.92),
}


def _drawing(share: float | None) -> str:
    logo = (IMAGES / "logo.svg").read_text(encoding="utf-8")
    if share is None:
        return logo
    opening, rest = logo.split(">", 1)
    ground, pin = rest.removesuffix("</svg>").split("/>", 1)
    square = ground.replace(' rx="16"', "")
    shift = 32 * (1 - share)
    return f'{opening}>{square}/><g transform="translate({shift} {shift}) scale({share})">{pin}</g></svg>'


def draw(browser: Browser, name: str) -> bytes:
    """That icon as PNG, as small as it gets without losing a pixel."""
    side, share = ICONS[name]
    page = browser.new_page(viewport={"width": side, "height": side}, device_scale_factor=1)
    # A picture of a page, so the page is the picture: nothing around it, nothing behind it.
    page.set_content(f"<style>*{{margin:0}}svg{{display:block;width:{side}px}}</style>{_drawing(share)}")
    raw = page.screenshot(omit_background=True)
    page.close()
    packed = BytesIO()
    image = Image.open(BytesIO(raw)).convert("RGBA")
    if share is not None:
        image = image.convert("RGB")
    image.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def main() -> None:
    with chromium.launched() as browser:
        for name in ICONS:
            (IMAGES / name).write_bytes(draw(browser, name))
            print(f"{(IMAGES / name).stat().st_size:7} {name}")


if __name__ == "__main__":
    main()
