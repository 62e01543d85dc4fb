"""Every photo comes out small, upright and bare; whatever is none is refused with a sentence."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile

import pytest
from PIL import Image, ImageCms

from fieldapp.attachments.pictures import Limits, Photo, Refused, develop, shown_name
from tests.photos import (
    DEVICE,
    GPS_WORDS,
    LIMITS,
    developed,
    encoded,
    heic,
    jpeg,
    png_header,
    scene,
    telling_jpeg,
    told_exif,
)

RED, GREEN, BLUE, WHITE = (220, 30, 30), (20, 180, 40), (20, 40, 200), (255, 255, 255)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def near(pixel, colour, by=24) -> bool:
    return all(abs(a - b) <= by for a, b in zip(pixel[:3], colour, strict=True))


def corners(data: bytes):
    """Colours near the four corners: top left, top right, bottom right, bottom left."""
    image = opened(data).convert("RGB")
    w, h = image.size
    return [
        image.getpixel((int(w * x), int(h * y))) for x, y in ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
    ]


def refusal(content: bytes, name: str = "现场.jpg", limits: Limits = LIMITS) -> str:
    answer = develop(io.BytesIO(content), name, limits)
    assert isinstance(answer, Refused), "it was taken"
    sentence = str(answer.message)
    assert name in sentence and sentence.endswith("。"), sentence
    return sentence


def looks_like_the_scene(data: bytes) -> bool:
    return [near(p, c) for p, c in zip(corners(data), (RED, GREEN, BLUE, BLUE), strict=True)] == [True] * 4


# ---- what is kept ------------------------------------------------------------------------------------------


def test_nothing_of_place_device_or_words_comes_out():
    content = telling_jpeg()
    for secret in (GPS_WORDS, DEVICE.encode(), b"secret-xmp", b"secret-comment", b"ICC_PROFILE"):
        assert secret in content
    photo = developed(content)
    for data in (photo.full, photo.thumb):
        for secret in (GPS_WORDS, DEVICE.encode(), b"secret", b"Exif", b"ICC_PROFILE", b"http"):
            assert secret not in data
        image = opened(data)
        assert not image.getexif() and not set(image.info) & {
            "exif",
            "icc_profile",
            "comment",
            "xmp",
            "photoshop",
        }
        assert image.format == "JPEG" and image.mode == "RGB"
    assert photo.sha256 == hashlib.sha256(content).digest()


def test_sizes_are_bounded_and_nothing_is_made_larger():
    big, small = developed(jpeg(4000, 3000)), developed(jpeg(300, 200))
    assert (big.width, big.height) == opened(big.full).size == (1600, 1200)
    assert opened(big.thumb).size == (320, 240)
    assert opened(small.full).size == (300, 200) and opened(small.thumb).size == (300, 200)
    assert opened(big.full).info.get("progressive")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright_whichever_way_the_phone_was_held(orientation):
    undo = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    lying = scene() if undo is None else scene().transpose(undo)
    photo = developed(encoded(lying, "JPEG", quality=90, exif=told_exif(orientation)))
    assert (photo.width, photo.height) == (640, 480)
    assert looks_like_the_scene(photo.full) and looks_like_the_scene(photo.thumb)


def test_a_large_turned_photo_is_turned_after_it_was_made_small():
    lying = scene(4000, 3000).transpose(Image.Transpose.ROTATE_90)
    photo = developed(encoded(lying, "JPEG", quality=90, exif=told_exif(6)))
    assert (photo.width, photo.height) == (1600, 1200)
    assert looks_like_the_scene(photo.full)


# ---- kinds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(encoded(scene(), "PNG"), id="png"),
        pytest.param(encoded(scene(), "WEBP", quality=90), id="webp"),
        pytest.param(encoded(scene(), "WEBP", lossless=True), id="webp lossless"),
        pytest.param(encoded(scene(), "GIF"), id="gif"),
        pytest.param(encoded(scene(mode="CMYK"), "JPEG", quality=92), id="cmyk jpeg"),
        pytest.param(encoded(scene(mode="P"), "PNG"), id="palette png"),
        pytest.param(encoded(scene(4000, 3000, "P"), "PNG"), id="large palette png"),
        pytest.param(encoded(scene(), "JPEG", progressive=True), id="progressive jpeg"),
        pytest.param(heic(), id="heic"),
        pytest.param(heic(3000, 2250), id="large heic"),
    ],
)
def test_every_kind_of_photo_shows_what_it_showed(content):
    photo = developed(content)
    assert looks_like_the_scene(photo.full)


def test_heic_comes_upright_and_bare():
    turned = scene().transpose(Image.Transpose.ROTATE_90)
    content = encoded(turned, "HEIF", quality=80, exif=told_exif(6).tobytes())
    assert b"irot" in content and GPS_WORDS in content
    photo = developed(content, "IMG_0007.HEIC")
    assert (photo.width, photo.height) == (640, 480)
    assert looks_like_the_scene(photo.full)
    assert GPS_WORDS not in photo.full and DEVICE.encode() not in photo.full


def test_grey_photos_stay_grey():
    for content in (
        encoded(scene(mode="L"), "JPEG"),
        encoded(scene(mode="1"), "PNG"),
        encoded(scene(mode="LA"), "PNG"),
    ):
        assert all(max(p) - min(p) < 6 for p in corners(developed(content).full))


@pytest.mark.parametrize("size", [(400, 300), (4000, 3000)], ids=str)
def test_sixteen_bits_of_grey_keep_their_brightness(size):
    half = Image.new("I;16", size, 0x8080)
    photo = developed(encoded(half, "PNG"))
    assert all(near(p, (128, 128, 128), 4) for p in corners(photo.full))


@pytest.mark.parametrize("size", [(400, 300), (5000, 3000)], ids=str)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_was_transparent_is_white(kind, size):
    clear = Image.new("RGBA", size, (0, 0, 0, 0))
    clear.paste((*RED, 255), (0, 0, size[0] // 2, size[1] // 2))
    pixels = corners(developed(encoded(clear, kind)).full)
    assert near(pixels[0], RED) and all(near(p, WHITE, 8) for p in pixels[1:])


def test_transparency_by_palette_and_by_colour_is_white_too():
    palette = scene(mode="P")
    by_index = encoded(palette, "PNG", transparency=palette.getpixel((5, 5)))
    by_colour = encoded(scene(), "PNG", transparency=RED)
    for content in (by_index, by_colour):
        assert near(corners(developed(content).full)[0], WHITE, 8)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_a_moving_picture_the_first_is_kept(kind):
    frames = [Image.new("RGB", (200, 100), colour) for colour in (BLUE, RED, GREEN)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert near(corners(developed(content).full)[0], BLUE)


def test_wide_colours_are_turned_into_those_every_screen_knows():
    lab = encoded(
        scene(), "JPEG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    )
    odd = encoded(scene(), "JPEG", icc_profile=b"no profile at all" * 40)
    for content in (lab, odd):  # a profile that does not fit the picture changes nothing
        assert looks_like_the_scene(developed(content).full)


def test_two_pictures_in_one_file_as_phones_write_them():
    content = encoded(
        scene(2000, 1500), "MPO", save_all=True, append_images=[scene(100, 75)], exif=told_exif()
    )
    photo = developed(content)
    assert (photo.width, photo.height) == (1600, 1200) and looks_like_the_scene(photo.full)


@pytest.mark.parametrize("size", [(1, 1), (1, 9000), (9000, 1), (3, 2)], ids=str)
def test_odd_shapes_are_taken(size):
    photo = developed(encoded(Image.new("RGB", size, RED), "PNG"))
    assert max(photo.width, photo.height) <= 1600 and min(photo.width, photo.height) >= 1


# ---- large -------------------------------------------------------------------------------------------------


def test_forty_megapixels_are_taken():
    for content in (
        encoded(scene(8000, 5000), "JPEG", quality=85),
        encoded(scene(8000, 5000), "PNG", compress_level=1),
    ):
        photo = developed(content)
        assert (photo.width, photo.height) == (1600, 1000) and looks_like_the_scene(photo.full)


def test_thirty_megabytes_are_taken():
    content = jpeg(2000, 1500) + random.Random(3).randbytes(
        30 * 1024 * 1024
    )  # as a motion photo: a film behind it
    assert len(content) > 30 * 1024 * 1024
    assert looks_like_the_scene(developed(content).full)


def test_more_bytes_than_allowed_are_refused_by_their_weight():
    assert "33 MB" in refusal(jpeg() + bytes(32 * 1024 * 1024))


def test_more_pixels_than_allowed_are_refused_before_they_are_decoded():
    assert "6100 万像素" in refusal(encoded(Image.new("1", (10_000, 6_100)), "PNG"))


@pytest.mark.parametrize(("width", "height"), [(15_000, 10_000), (65_000, 65_000), (2**31 - 1, 2**31 - 1)])
def test_a_header_that_promises_a_wall_is_refused(width, height):
    assert "像素" in refusal(png_header(width, height, bytes(1000)))


def test_a_bomb_within_the_limits_goes_off_in_a_bounded_space():
    rows = bytes((3 * 7000 + 1) * 8000)
    content = png_header(7000, 8000, rows)
    assert len(content) < 300_000
    assert developed(content).height == 1600


def test_thousands_of_scans_are_refused():
    content = encoded(scene(), "JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    assert "打不开" in refusal(content[:start] + content[start:-2] * 80 + b"\xff\xd9")


# ---- none --------------------------------------------------------------------------------------------------


def a_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<!doctype html><script>alert(1)</script>" * 20, id="html"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', id="svg"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(400), id="pdf"),
        pytest.param(a_zip(), id="zip"),
        pytest.param(encoded(scene(), "BMP"), id="bmp"),
        pytest.param(encoded(scene(), "TIFF"), id="tiff"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", id="eps"),
        pytest.param(b"\xff\xd8\xff", id="three bytes of a jpeg"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="the beginning of a png"),
        pytest.param(b"\0\0\0\x18ftypmp42" + bytes(400), id="video"),
        pytest.param(b"\0\0\0\x18ftypheic" + bytes(400), id="heic without anything"),
        pytest.param(b"RIFF\x10\0\0\0WEBPVP8 " + bytes(40), id="webp without anything"),
        pytest.param(bytes(2000), id="zeros"),
        pytest.param(random.Random(5).randbytes(5000), id="noise"),
    ],
)
def test_what_is_no_photo_is_refused_whatever_it_is_called(content):
    refusal(content)


def test_an_empty_file_is_refused():
    assert "空的" in refusal(b"")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(jpeg(), id="jpeg"),
        pytest.param(encoded(scene(), "PNG", compress_level=0), id="png"),
        pytest.param(encoded(scene(), "WEBP", lossless=True), id="webp"),
        pytest.param(heic(), id="heic"),
    ],
)
@pytest.mark.parametrize("part", [0.2, 0.6])
def test_half_a_photo_is_refused(content, part):
    refusal(content[: int(len(content) * part)])


@pytest.mark.parametrize(
    "whole",
    [
        telling_jpeg(),
        encoded(scene(mode="P"), "PNG"),
        encoded(scene(), "WEBP"),
        heic(),
        encoded(scene(), "GIF"),
    ],
    ids=["jpeg", "png", "webp", "heic", "gif"],
)
def test_damaged_files_are_taken_or_refused_and_nothing_else(whole):
    lots = random.Random(11)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(lots.randint(1, 20)):
            damaged[lots.randrange(len(damaged))] = lots.randrange(256)
        answer = develop(io.BytesIO(bytes(damaged)), "x.jpg", LIMITS)
        assert isinstance(answer, Photo | Refused)


def test_a_file_is_called_what_can_be_shown():
    assert shown_name("C:\\fakepath\\厂区.jpg") == "厂区.jpg"
    assert shown_name("../../etc/pass\x00wd\u202e.jpg") == "passwd.jpg"
    assert shown_name("") == "photo"
    assert len(shown_name("长" * 500 + ".jpg")) <= 80 and shown_name("长" * 500 + ".jpg").endswith(".jpg")
