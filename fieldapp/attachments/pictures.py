"""From the bytes of any photo to a small, upright JPEG that holds nothing but the picture. No Flask in here.

What comes in is judged by its content, never by its name or declared type, and is never kept: a new image is encoded
from the pixels, so that place, device, thumbnails, comments and whatever hides behind the picture stay behind.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import pillow_heif
from PIL import Image, ImageCms

from fieldapp.languages import lazy

log = logging.getLogger("fieldapp")

# Only the picture itself: no embedded thumbnails in its place, no depth maps, two threads for a photo's tiles.
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=2)

# Pillow warns of what Limits.pixels refuses anyway, and beyond twice its own measure it raises.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "GIF")
QUALITY, THUMB_QUALITY = 82, 76
MEGABYTE = 1024 * 1024
# A progressive photo has about ten scans. Thousands of empty ones make a small file cost minutes.
MOST_SCANS = 64
MOST_SEGMENTS = 2000
# Above this many pixels, what cannot be decoded at a fraction of its size is decoded one at a time. (Forty megapixels
# cost: JPEG 40 MB, progressive JPEG 130, PNG 220, HEIC 290, WebP 620.)
WIDE = 20_000_000
STRIP = 64  # rows of the result that are made at a time

ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
COLOUR_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}  # mode: what its profile must be about
LONGEST_PROFILE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    bytes: int
    pixels: int
    side: int  # of the longer side of what is kept
    thumb_side: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo ready to be kept: two JPEGs, `width` × `height` of the full one, and what the original hashed to."""

    name: str
    sha256: bytes
    full: bytes
    thumb: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that cannot be taken. `message` names it and says what to do."""

    name: str
    message: Any
    is_photo: bool = True  # it was given as one


class _Unusable(Exception):
    """Why a file cannot be taken; its one argument is the sentence."""


_wide = threading.Lock()


def develop(stream: IO[bytes], name: str, limits: Limits) -> Photo | Refused:
    """The photo in `stream` (seekable, left at its beginning), or why it is none. Raises for nothing a file holds."""
    name = shown_name(name)
    try:
        content = _weighed(stream, name, limits)
        full, size, thumb = _copies(content, name, limits)
    except _Unusable as refusal:
        return Refused(name, refusal.args[0])
    except Image.DecompressionBombError:
        return Refused(name, _sentence_too_wide(name, None, limits))
    finally:
        stream.seek(0)
    return Photo(name, hashlib.sha256(content).digest(), full, thumb, *size)


def shown_name(name: str) -> str:
    """A file's name fit for a sentence and a column: no folders, nothing invisible, not endless."""
    name = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable()).strip()
    if len(name) > 80:
        name = name[:60] + "…" + name[-15:]
    return name or "photo"


def _weighed(stream: IO[bytes], name: str, limits: Limits) -> bytes:
    """What came in; refuses what is empty, too heavy, or made of scans."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if size == 0:
        raise _Unusable(lazy("“%(name)s”是空的，里面没有内容。请去掉它，重新拍一张或换一张。", name=name))
    if size > limits.bytes:
        raise _Unusable(
            lazy(
                "“%(name)s”有 %(size)s MB，太大了，一张最多 %(most)s MB。请换一张，或用手机把它裁小再选。",
                name=name,
                size=-(-size // MEGABYTE),
                most=limits.bytes // MEGABYTE,
            )
        )
    content = stream.read()
    if content.startswith(b"\xff\xd8\xff") and not _few_scans(content):
        raise _Unusable(_sentence_broken(name))
    return content


# Inside a scan 0xFF is followed by 0 or a restart mark, so anything else begins a segment.
_SEGMENT = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")


def _few_scans(jpeg: bytes) -> bool:
    """Whether a JPEG, up to its end mark, has as many segments and scans as a camera or a program writes."""
    at, scans = 2, 0
    for _ in range(MOST_SEGMENTS):
        found = _SEGMENT.search(jpeg, at)
        if found is None or found[0] == b"\xff\xd9":  # its end; what phones put behind it does not matter
            return True
        scans += found[0] == b"\xff\xda"
        if scans > MOST_SCANS:
            return False
        at = found.end() + max(2, int.from_bytes(jpeg[found.end() : found.end() + 2]))
    return False


def _sentence_broken(name: str) -> Any:
    return lazy("“%(name)s”打不开，可能没有拍完或没有存完。请去掉它，重新拍一张或换一张。", name=name)


def _sentence_too_wide(name: str, pixels: int | None, limits: Limits) -> Any:
    most = limits.pixels // 10_000
    if pixels is None:  # so many that nobody counted
        return lazy(
            "“%(name)s”像素太多，一张最多 %(most)s 万像素。请换一张，或用手机把它裁小再选。",
            name=name,
            most=most,
        )
    return lazy(
        "“%(name)s”有 %(pixels)s 万像素，太多了，一张最多 %(most)s 万。请换一张，或用手机把它裁小再选。",
        name=name,
        pixels=pixels // 10_000,
        most=most,
    )


def _copies(content: bytes, name: str, limits: Limits) -> tuple[bytes, tuple[int, int], bytes]:
    """(full JPEG, its width and height, thumbnail JPEG)."""
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise
    except Exception as error:
        # Whatever a decoder stumbles over in a file that somebody made up: it is not a photo.
        raise _Unusable(
            lazy(
                "“%(name)s”不是能用的照片，可能是文档、网页或视频。请去掉它，换一张 JPG、PNG、WebP 或 HEIC 照片。",
                name=name,
            )
        ) from error
    with image:
        pixels = image.width * image.height
        if pixels > limits.pixels:
            raise _Unusable(_sentence_too_wide(name, pixels, limits))
        try:
            in_parts = image.format in {"JPEG", "MPO"} and not image.info.get("progressive")
            with _one_at_a_time(pixels > WIDE and not in_parts):
                small = _shrunk(image, limits.side)
            small = _upright(small, image)
            small = _in_srgb(small, image.info.get("icc_profile"))
            full = _jpeg(small, QUALITY, progressive=True)
            thumb = small.copy()
            thumb.thumbnail((limits.thumb_side, limits.thumb_side), Image.Resampling.LANCZOS)
            return full, small.size, _jpeg(thumb, THUMB_QUALITY, progressive=False)
        except Image.DecompressionBombError:
            raise
        except Exception as error:
            log.info(json.dumps({"photo": "broken", "format": image.format, "error": type(error).__name__}))
            raise _Unusable(_sentence_broken(name)) from error


@contextmanager
def _one_at_a_time(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with _wide:
        yield


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    """The first picture at most `side` pixels long, in RGB, CMYK or L, on white where it was transparent."""
    width, height = image.size
    longer = max(width, height)
    target = (max(1, round(width * side / longer)), max(1, round(height * side / longer)))
    if longer <= side:
        target = (width, height)
    elif image.format in {"JPEG", "MPO"}:
        image.draft(
            None, target
        )  # decodes a half, a quarter or an eighth of each side: a photo costs a few MB
    image.load()
    # Whole pixels are averaged first, down to one and a half times the target, then the good filter does the rest.
    factor = max(1, int(max(image.size) / (1.5 * max(target))))
    if image.mode in COLOUR_SPACES and "transparency" not in image.info:
        if factor > 1:
            image = image.reduce(factor)
    else:
        image = _flattened(image, factor)
    if image.size != target:
        image = image.resize(target, Image.Resampling.LANCZOS)
    return image


def _flattened(image: Image.Image, factor: int) -> Image.Image:
    """Any other mode as RGB on white, a `factor`-th as long; in strips, so that no second copy of it is ever whole."""
    width, height = image.size
    result = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    rows = STRIP * factor
    convert = _converter(image)
    for top in range(0, height, rows):
        strip = convert(image.crop((0, top, width, min(top + rows, height))))
        result.paste(strip.reduce(factor) if factor > 1 else strip, (0, top // factor))
    return result


def _converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """How a piece of `image` becomes RGB on white."""
    if image.mode.startswith("I"):  # 16 bits of grey, in whatever wrapping
        return lambda piece: (
            piece.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
        )
    if image.has_transparency_data:

        def on_white(piece: Image.Image) -> Image.Image:
            piece = piece.convert("RGBA")
            paper = Image.new("RGB", piece.size, "white")
            paper.paste(piece, mask=piece.getchannel("A"))
            return paper

        return on_white
    return lambda piece: piece.convert("RGB")


def _upright(small: Image.Image, original: Image.Image) -> Image.Image:
    """Turned as the camera was held. (HEIC comes upright out of its decoder, which also says so.)"""
    try:
        turn = UPRIGHT.get(original.getexif().get(ORIENTATION, 1))
    except Exception:  # what cannot be read turns nothing
        return small
    return small if turn is None else small.transpose(turn)


def _in_srgb(small: Image.Image, profile: bytes | None) -> Image.Image:
    """The same colours in sRGB, which every screen takes for granted where no profile comes along."""
    if profile and len(profile) <= LONGEST_PROFILE:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if own.profile.xcolor_space.strip() == COLOUR_SPACES[small.mode]:
                srgb = ImageCms.createProfile("sRGB")
                converted = ImageCms.profileToProfile(small, own, srgb, outputMode="RGB")
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # an odd profile: the plain colours are near enough
    return small.convert("RGB")


def _jpeg(image: Image.Image, quality: int, *, progressive: bool) -> bytes:
    image.info = {}  # the encoder would write the old comment again
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, progressive=progressive)
    return out.getvalue()
