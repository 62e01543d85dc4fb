"""What happens to a printed code on a door: printing, blur, tilt, dirt, a camera. And two decoders that must read it.

Pictures are grey numpy arrays (height × width, uint8, 0 = dark). Everything random comes from a seed.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image

from fieldapp.codes import images

Picture = NDArray[np.uint8]


def picture(png: bytes) -> Picture:
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


def printed(code: Picture, millimetres: float = 20.0, dpi: int = 300) -> Picture:
    """The code (quiet zone included) printed so wide and scanned at `dpi`: 20 mm at 300 dpi are 236 pixels.

    Printing loses the exact module edges, ink spreads a little, and paper is neither black nor white.
    """
    side = round(millimetres / 25.4 * dpi)
    height = round(side * code.shape[0] / code.shape[1])
    small = cv2.resize(code, (side, height), interpolation=cv2.INTER_AREA)
    return on_paper(small)


def on_paper(code: Picture, dark: int = 40, light: int = 235) -> Picture:
    """Ink and paper instead of 0 and 255."""
    return np.round(dark + code.astype(np.float32) * (light - dark) / 255).astype(np.uint8)


def blur(code: Picture, sigma: float) -> Picture:
    """Out of focus; `sigma` in pixels."""
    return cv2.GaussianBlur(code, (0, 0), sigma)


def tilt(code: Picture, yaw: float, pitch: float, roll: float = 0.0, distance: float = 2.5) -> Picture:
    """Seen from the side: turned by degrees about its axes, from `distance` widths away, on a larger white wall."""
    height, width = code.shape
    x, y, z = (np.deg2rad(angle) for angle in (pitch, yaw, roll))
    turn = (
        np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        @ np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    )
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float) * [width / 2, height / 2, 0]
    turned = corners @ turn.T
    far = distance * width
    seen = turned[:, :2] * (far / (far + turned[:, 2:]))
    side = int(1.5 * max(width, height))
    before = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    after = (seen + side / 2).astype(np.float32)
    return cv2.warpPerspective(
        code, cv2.getPerspectiveTransform(before, after), (side, side), borderValue=int(code[0, 0])
    )


def block_damage(
    code: Picture, modules: int, share: float, seed: int, quiet: int = 4, shade: str = "noise"
) -> Picture:
    """One rectangle (aspect 1:2 … 2:1) of `share` of the symbol's area (quiet zone not counted) made unreadable.

    It lies at a random place of the area where the data is: never on the three finder patterns with their format
    bits (9 × 9 modules in three corners), whose loss no error correction can mend. `shade`: "dark" ink, "light"
    (scratched off), or "noise" (random modules: every covered codeword is lost).
    """
    chance = random.Random(seed)
    pixels = code.shape[1] / (modules + 2 * quiet)
    while True:
        aspect = 2 ** chance.uniform(-1, 1)
        w, h = (modules * (share * aspect) ** 0.5, modules * (share / aspect) ** 0.5)
        x, y = chance.uniform(0, modules - w), chance.uniform(0, modules - h)
        corner_left, corner_right = x < 9, x + w > modules - 9
        on_finder = (y < 9 and (corner_left or corner_right)) or (y + h > modules - 9 and corner_left)
        if not on_finder:
            break
    damaged = code.copy()
    left, top = round((x + quiet) * pixels), round((y + quiet) * pixels)
    right, bottom = round((x + w + quiet) * pixels), round((y + h + quiet) * pixels)
    dark, light = int(code.min()), int(code.max())
    if shade == "noise":
        noise = np.random.default_rng(seed)
        cells = noise.integers(0, 2, (int(h) + 1, int(w) + 1), dtype=np.uint8) * (light - dark) + dark
        damaged[top:bottom, left:right] = cv2.resize(
            cells.astype(np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
        )
    else:
        damaged[top:bottom, left:right] = dark if shade == "dark" else light
    return damaged


def wall(
    codes: list[tuple[str, float, float]], width: int = 1280, height: int = 720, share: float = 0.2
) -> Picture:
    """A wall in uneven light with printed codes at (x, y), shares of the picture.

    Each symbol, quiet zone not counted, is `share` of the picture's width: sharp print, a slightly soft lens, noise.
    """
    noise = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    light = 150 + 40 * np.sin(x / 90) + 30 * np.cos(y / 70)
    seen = np.clip(light, 0, 255).astype(np.uint8)
    for address, across, down in codes:
        modules = len(images.matrix(address))
        side = round(share * width * (modules + 8) / modules)
        code = on_paper(picture(images.png(address)))
        code = cv2.resize(code, (side, side), interpolation=cv2.INTER_AREA)
        left, top = round(across * width - side / 2), round(down * height - side / 2)
        seen[top : top + side, left : left + side] = blur(code, 0.8)
    grainy = seen + noise.normal(0, 4, seen.shape)
    return np.clip(grainy, 0, 255).astype(np.uint8)


def film(path: Path, picture: Picture, frames: int = 5) -> Path:
    """The picture as an uncompressed film (YUV4MPEG2, grey), which Chromium plays as its camera, over and over."""
    height, width = picture.shape
    colourless = np.full(width * height // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(frames):
            file.write(b"FRAME\n" + picture.tobytes() + colourless)
    return path


def read_zxing(code: Picture) -> str | None:
    found = zxingcpp.read_barcodes(code, formats=zxingcpp.BarcodeFormat.QRCode)
    return found[0].text if found else None


def read_opencv(code: Picture) -> str | None:
    """OpenCV's two detectors, each at two sizes: what a camera gives by itself as the hand moves.

    Its classic detector alone misses 3 % of clean codes, whatever the printing.
    """
    # The detectors read nothing without some surroundings; a phone's picture always has them.
    around = cv2.copyMakeBorder(code, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=int(code[0, 0]))
    for size in (1.0, 2.0):
        shown = cv2.resize(around, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
        for detector in (cv2.QRCodeDetectorAruco(), cv2.QRCodeDetector()):
            text, _corners, _symbol = detector.detectAndDecode(shown)
            if text:
                return str(text)
    return None


DECODERS: dict[str, Callable[[Picture], str | None]] = {"zxing": read_zxing, "opencv": read_opencv}


def rate(decode: Callable[[Picture], str | None], pictures: list[tuple[str, Picture]]) -> float:
    """Share of (address, picture) that `decode` reads rightly. A wrong text counts as an error at once."""
    read = 0
    for address, shown in pictures:
        text = decode(shown)
        assert text in (None, address), f"read {text!r} instead of {address!r}"
        read += text == address
    return read / len(pictures)
