"""A fresh clone: pinned packages that agree, vendored files that are what they say, commands with their help."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+) \\$", re.MULTILINE)


def _pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_every_dependency_is_pinned_with_a_hash():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    served, tested = _pins("requirements.txt"), _pins("requirements-test.txt")
    extras = project["optional-dependencies"]
    assert {_name(r) for r in project["dependencies"] + extras["production"]} <= served.keys()
    assert {_name(r) for r in extras["test"]} <= tested.keys()
    for name in ("requirements.txt", "requirements-test.txt"):
        for block in re.split(r"\n(?=[a-z])", (ROOT / name).read_text())[1:]:
            assert "--hash=sha256:" in block, f"{name}: {block.splitlines()[0]} has no hash"


def test_what_is_served_is_what_is_tested():
    tested = _pins("requirements-test.txt")
    assert {name: tested.get(name) for name in _pins("requirements.txt")} == _pins("requirements.txt")


def test_vendored_axe_is_the_file_its_readme_names():
    vendor = ROOT / "tests/tools/vendor"
    for name, digest in re.findall(
        r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (vendor / "README.md").read_text(), re.M
    ):
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest


def test_every_command_has_its_one_line_of_help():
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.M).group(1).split())
    inner = {"packages", "test-packages", "translations", "system"}
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\S+)", shown, re.M)) == phony - inner
