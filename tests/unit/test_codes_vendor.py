"""Files taken over from elsewhere are what their README says, byte for byte, and ask nobody else for anything."""

import hashlib
import re
from pathlib import Path

import pytest

import fieldapp

PACKAGE = Path(fieldapp.__file__).parent
FOLDERS = {"vendor": PACKAGE / "static" / "vendor", "fonts": PACKAGE / "codes" / "fonts"}


def listed(folder: Path) -> dict[str, str]:
    """File name → sha256, from the table in the folder's README."""
    rows = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if row.startswith("| `")]
    return {row[0].strip("`"): row[-1].strip("`") for row in cells}


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_every_file_has_the_hash_that_the_readme_states(folder: Path) -> None:
    present = {p.name for p in folder.iterdir() if p.suffix not in {".md", ".LICENSE"}}
    hashes = listed(folder)
    assert present == set(hashes)
    for name, wanted in hashes.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == wanted, name


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_every_file_names_its_licence_and_the_licence_is_here(folder: Path) -> None:
    named = set(re.findall(r"`([^`]+\.LICENSE)`", (folder / "README.md").read_text(encoding="utf-8")))
    assert named == {p.name for p in folder.glob("*.LICENSE")}


def test_the_barcode_reader_knows_no_foreign_address() -> None:
    for script in FOLDERS["vendor"].glob("barcode-detector-*.js"):
        assert "://" not in script.read_text(encoding="utf-8")


def test_the_decoder_is_the_one_that_its_script_was_built_for() -> None:
    # barcode-detector pins one zxing-wasm; a decoder of another version fails only in the browser, at the first scan.
    names = {p.name for p in FOLDERS["vendor"].iterdir()}
    assert {"barcode-detector-3.2.2.js", "zxing-reader-3.1.3.wasm"} <= names
    script = (FOLDERS["vendor"] / "barcode-detector-3.2.2.js").read_text(encoding="utf-8")
    assert "zxing-wasm@3.1.3" in script


def test_fonts_stay_small() -> None:
    assert sum(p.stat().st_size for p in FOLDERS["fonts"].glob("*.ttf")) < 8_000_000
