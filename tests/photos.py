"""Pictures for tests, as phones make them and as nobody should send them."""

from __future__ import annotations

import io
import struct
import uuid
import zlib
from typing import Any

import pillow_heif
from PIL import Image, ImageCms, ImageDraw

from fieldapp.attachments.actions import keep
from fieldapp.attachments.pictures import Limits, Photo, develop
from fieldapp.clock import now
from fieldapp.db import db, writing

LIMITS = Limits(bytes=32 * 1024 * 1024, pixels=60_000_000, side=1600, thumb_side=320)
GPS_WORDS = b"N40.6574-E109.8404-secret-place"
DEVICE = "GeheimPhone 17"


def scene(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """A wide picture whose top left quarter is red and whose top right quarter is green, on blue."""
    image = Image.new("RGB", (width, height), (20, 40, 200))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=(220, 30, 30))
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=(20, 180, 40))
    return image if mode == "RGB" else image.convert(mode, palette=Image.Palette.ADAPTIVE)


def told_exif(orientation: int = 1) -> Image.Exif:
    """Where, with what and how the photo was taken."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x0110] = DEVICE
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (40.0, 39.0, 26.6), "E", (109.0, 50.0, 25.4)
    gps[27] = GPS_WORDS  # GPSProcessingMethod: plain bytes that a test can look for
    return exif


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(width: int = 640, height: int = 480, **options: Any) -> bytes:
    return encoded(scene(width, height), "JPEG", quality=90, **options)


def telling_jpeg(orientation: int = 1, width: int = 640, height: int = 480) -> bytes:
    """With EXIF, GPS, XMP, a comment and a profile: everything that must not come out again."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = scene(width, height)
    return encoded(
        image, "JPEG", quality=90, exif=told_exif(orientation), icc_profile=srgb, comment=b"secret-comment",
        xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>secret-xmp</x:xmpmeta>",
    )  # fmt: skip


def heic(width: int = 640, height: int = 480, **options: Any) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(scene(width, height)).save(out, quality=80, **options)
    return out.getvalue()


def png_header(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that says it is so large; its pixels are whatever `rows` unpacks to."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def developed(content: bytes, name: str = "photo.jpg") -> Photo:
    photo = develop(io.BytesIO(content), name, LIMITS)
    assert isinstance(photo, Photo), str(photo.message)
    return photo


def kept_photo(enterprise_id: int, content: bytes | None = None) -> uuid.UUID:
    """The id of a photo of that enterprise, kept by nobody in particular."""
    with writing():
        db.session.rollback()
        made = keep(None, enterprise_id, developed(content or telling_jpeg()), now())
        db.session.commit()
    return made
