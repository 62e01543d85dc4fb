"""Which of the eight masks a symbol wears: the same choice as the qrcode library's, in less than half the time.

The library builds and weighs every mask module by module, which was most of the time that a print run of 489 labels
took. Here a row or column is one whole number, and the four penalties of ISO/IEC 18004 (7.8.3) are counted with
shifts. `tests/unit/test_codes_images.py` holds both against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from qrcode.constants import ERROR_CORRECT_Q
from qrcode.main import QRCode

# Dark-light 1:1:3:1:1 with four light modules on one side, as offsets of dark and of light modules.
_LOOKALIKES = (((0, 2, 3, 4, 6), (1, 5, 7, 8, 9, 10)), ((4, 6, 7, 8, 10), (0, 1, 2, 3, 5, 9)))


def _numbers(modules: Sequence[Sequence[bool | None]]) -> list[int]:
    return [int("".join("1" if dark else "0" for dark in row), 2) for row in modules]


@lru_cache(maxsize=8)
def _flips(version: int) -> list[list[int]]:
    """For each mask, the modules (a number a row) in which it differs from mask 0."""
    blank = QRCode(version=version, error_correction=ERROR_CORRECT_Q)
    blank.data_cache = []
    rows = []
    for mask in range(8):
        blank.makeImpl(True, mask)
        rows.append(_numbers(blank.modules))
    return [[a ^ b for a, b in zip(rows[0], masked, strict=True)] for masked in rows]


def penalty(rows: list[int], side: int) -> int:
    """Penalty points of a symbol, `rows` being numbers of `side` bits."""
    full = (1 << side) - 1
    columns = [int("".join(column), 2) for column in zip(*(f"{row:0{side}b}" for row in rows), strict=True)]
    points = 0
    for line in (*rows, *columns):
        light = ~line & full
        for bits in (line, light):
            two = bits & bits >> 1
            five = (
                two & two >> 2 & bits >> 4
            )  # starts of five alike; a run of n has n - 4 of them and costs n - 2
            if five:
                points += five.bit_count() + 2 * (five & ~(five << 1)).bit_count()
        for darks, lights in _LOOKALIKES:
            found = full
            for at in darks:
                found &= line >> at
            for at in lights:
                found &= light >> at
            points += 40 * found.bit_count()
    for upper, lower in pairwise(rows):
        alike = ~(upper ^ lower) & full
        points += 3 * (alike & alike >> 1 & ~(upper ^ upper >> 1) & full >> 1).bit_count()
    dark = sum(row.bit_count() for row in rows) / side**2
    return points + int(abs(dark * 100 - 50) / 5) * 10


def best_mask(code: QRCode) -> int:
    """The mask with the fewest penalty points; `code` has its data and its version."""
    code.makeImpl(True, 0)
    rows, side = _numbers(code.modules), len(code.modules)
    flips = _flips(code.version)
    return min(
        range(8), key=lambda mask: penalty([a ^ b for a, b in zip(rows, flips[mask], strict=True)], side)
    )
