"""A code, clean and as it hangs on a door, is read by two decoders that know nothing of how it was made.

Rates are over CODES seeded codes and stated per decoder. zxing-cpp reads whatever the error correction allows.
OpenCV has limits of its own (it needs the alignment pattern, and edges sharper than about half a module); its
required rate is what it reaches, less a little, and never the reason to make a code larger.
"""

import base64
import io
import random
import xml.etree.ElementTree as ElementTree

import pytest
import qrcode
from PIL import Image

from fieldapp.codes import images
from tests import qr_damage

CODES = 60
NAME = "北疆新能源材料有限公司"


def address(seed: int) -> str:
    token = base64.urlsafe_b64encode(random.Random(seed).randbytes(16)).decode().rstrip("=")
    return f"https://fieldapp.example.gov.cn/q/{token}"


ADDRESSES = [address(seed) for seed in range(CODES)]
Pictures = list[qr_damage.Picture]


@pytest.fixture(scope="module")
def clean() -> Pictures:
    return [qr_damage.picture(images.png(url, NAME, "204816", module=16)) for url in ADDRESSES]


@pytest.fixture(scope="module")
def symbols() -> Pictures:
    """Codes alone with their quiet zone, 2 cm wide, printed and scanned at 300 dpi: 5.2 pixels a module."""
    return [qr_damage.printed(qr_damage.picture(images.png(url))) for url in ADDRESSES]


def required(pictures: Pictures, zxing: float, opencv: float) -> None:
    shown = list(zip(ADDRESSES, pictures, strict=True))
    rates = {name: qr_damage.rate(decode, shown) for name, decode in qr_damage.DECODERS.items()}
    assert rates["zxing"] >= zxing and rates["opencv"] >= opencv, rates


def test_clean_with_name_and_number_beneath(clean: Pictures) -> None:
    required(clean, zxing=1, opencv=1)


def test_printed_two_centimetres_wide_at_300_dpi(symbols: Pictures) -> None:
    assert {picture.shape for picture in symbols} == {(236, 236)}
    required(symbols, zxing=1, opencv=1)


def test_out_of_focus(symbols: Pictures) -> None:
    required([qr_damage.blur(picture, 1.5) for picture in symbols], zxing=1, opencv=0.95)


def test_badly_out_of_focus(symbols: Pictures) -> None:
    # A blur of 2.5 pixels' sigma is half a module: OpenCV gives up here, phones' readers do not.
    required([qr_damage.blur(picture, 2.5) for picture in symbols], zxing=1, opencv=0)


@pytest.mark.parametrize("degrees", [20, 40])
def test_seen_from_the_side(symbols: Pictures, degrees: int) -> None:
    tilted = [qr_damage.tilt(p, degrees, degrees / 2, roll=at * 7 % 360) for at, p in enumerate(symbols)]
    required(tilted, zxing=1, opencv=0.95)


DATA_SHARE = 1079 / 37**2  # of a version 5 symbol's modules, those that carry data or error correction


@pytest.mark.parametrize("shade", ["noise", "dark", "light"])
def test_fifteen_percent_of_the_data_area_lost(symbols: Pictures, shade: str) -> None:
    """One rectangle of 15 % of the data area, anywhere but on the finder patterns: dirt, ink or a scratch."""
    share = 0.15 * DATA_SHARE
    damaged = [qr_damage.block_damage(p, 37, share, seed, shade=shade) for seed, p in enumerate(symbols)]
    required(damaged, zxing=1, opencv=0.85)


def test_fifteen_percent_of_the_whole_symbol_lost(symbols: Pictures) -> None:
    """The same with 15 % of the whole symbol's area.

    That is the limit of level Q: a block of 205 modules touches a quarter of the codewords, and where more than 9
    of a block's 33 are hit, nothing can be read. Counted codeword by codeword, 87 % of these 60 are readable.
    """
    damaged = [qr_damage.block_damage(p, 37, 0.15, seed) for seed, p in enumerate(symbols)]
    required(damaged, zxing=0.85, opencv=0.65)


def test_tilted_blurred_and_dirty_at_once(symbols: Pictures) -> None:
    worn = [
        qr_damage.blur(qr_damage.tilt(qr_damage.block_damage(p, 37, 0.08, at), 20, 10, roll=at), 1.2)
        for at, p in enumerate(symbols)
    ]
    required(worn, zxing=0.98, opencv=0.7)


def test_dark_on_white_with_a_quiet_zone_of_four_modules() -> None:
    symbol = images.matrix(ADDRESSES[0])
    picture = qr_damage.picture(images.png(ADDRESSES[0], module=10))
    assert picture.shape == ((len(symbol) + 8) * 10,) * 2
    assert set(picture[:40].flat) | set(picture[:, :40].flat) | set(picture[-40:].flat) == {255}
    assert picture[40, 40] == 0


def test_the_address_takes_a_small_version_at_level_q() -> None:
    # Version 5 (37 modules) holds 60 bytes at level Q; at level M it would be 84, at H 44.
    assert len(images.matrix("https://a.example/q/" + "x" * 22)) == 33
    assert len(images.matrix(ADDRESSES[0])) == 37
    found = qr_damage.zxingcpp.read_barcodes(qr_damage.picture(images.png(ADDRESSES[0])))
    assert found[0].ec_level == "Q"


@pytest.mark.parametrize("length", [10, 25, 40, 60, 90, 140])
def test_the_symbol_is_the_one_that_the_library_makes_by_itself(length: int) -> None:
    for seed in range(8):
        url = "https://a.cn/" + base64.b64encode(random.Random(seed).randbytes(length)).decode()[:length]
        plain = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, border=0)
        plain.add_data(url, optimize=0)
        plain.make(fit=True)
        assert images.matrix(url) == plain.get_matrix()


def test_the_svg_is_well_formed_and_says_name_and_number() -> None:
    root = ElementTree.fromstring(images.svg(ADDRESSES[0], 'A&B <北疆> "新能源"有限公司', "204816"))
    texts = [element.text or "" for element in root.iter() if element.tag.endswith("}text")]
    assert "".join(texts[:-1]).replace(" ", "") == 'A&B<北疆>"新能源"有限公司' and texts[-1] == "204816"
    for element in root.iter():
        assert "style" not in element.attrib and not element.tag.endswith("}style")


def test_the_svg_draws_the_same_symbol() -> None:
    root = ElementTree.fromstring(images.svg(ADDRESSES[0]))
    symbol = images.matrix(ADDRESSES[0])
    side = len(symbol) + 8
    assert root.attrib["viewBox"] == f"0 0 {side} {side}"
    drawn = Image.new("1", (side, side), 1)
    paths = [element.attrib["d"] for element in root if element.tag.endswith("}path")]
    for stretch in paths[1].removeprefix("M").split("M"):
        at, _, rest = stretch.partition("h")
        x, y = map(int, at.split())
        for step in range(int(rest.split("v")[0])):
            drawn.putpixel((x + step, y), 0)
    large = drawn.resize((side * 8, side * 8)).convert("L")
    out = io.BytesIO()
    large.save(out, "PNG")
    assert qr_damage.read_zxing(qr_damage.picture(out.getvalue())) == ADDRESSES[0]


@pytest.mark.parametrize("name", ["", "企", "😀\u202e龘", "内蒙古自治区草原绿色生态农牧业" * 4, "X" * 200])
def test_any_name_gives_a_picture(name: str) -> None:
    assert qr_damage.read_zxing(qr_damage.picture(images.png(ADDRESSES[0], name, "204816"))) == ADDRESSES[0]
    ElementTree.fromstring(images.svg(ADDRESSES[0], name, "204816"))
