"""From the bytes of any PDF to one that holds its pages and nothing that acts. No Flask in here.

As with photos, what comes in is judged by its content and is never kept. The work itself happens in a process of its
own (pages_only.py): a file that makes the reader stumble, spin or swell ends that process and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fieldapp.attachments.pictures import MEGABYTE, Refused, shown_name
from fieldapp.languages import lazy

log = logging.getLogger("fieldapp")

PROGRAM = Path(__file__).with_name("pages_only.py")
SLACK = 5.0  # seconds beyond the processor's: a busy machine is not a hostile file


@dataclass(frozen=True, slots=True)
class Limits:
    bytes: int
    pages: int
    seconds: int
    memory: int  # bytes


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF ready to be kept."""

    name: str
    sha256: bytes  # of what came in
    full: bytes
    pages: int


def bind(stream: IO[bytes], name: str, limits: Limits) -> Document | Refused:
    """The PDF in `stream` (seekable, left at its beginning), or why it is none. Raises for nothing a file holds."""
    name = shown_name(name)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if size == 0:
        return _refused(name, lazy("“%(name)s”是空的，里面没有内容。请去掉它，换一个文件。", name=name))
    if size > limits.bytes:
        return _refused(name, _sentence_heavy(name, size, limits))
    content = stream.read()
    stream.seek(0)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:5] != b"%PDF-":
        return _refused(
            name, lazy("“%(name)s”不是 PDF 文件。请先存成 PDF 再选；图片请放到“照片”里。", name=name)
        )
    word, pages, file = _rewritten(content, limits)
    if file is None:
        return _refused(name, _sentence(word, pages, name, size, limits))
    return Document(name, hashlib.sha256(content).digest(), file, pages)


def _rewritten(content: bytes, limits: Limits) -> tuple[str, int, bytes | None]:
    """(What became of it, pages, the new file). A process that was ended, or ended itself, had a broken file."""
    asked = [str(part) for part in (limits.seconds, limits.memory, limits.pages, 2 * limits.bytes)]
    try:
        done = subprocess.run(  # noqa: S603  (our own program; the file comes through its standard input)
            [sys.executable, "-I", str(PROGRAM), *asked],
            input=content, capture_output=True, timeout=limits.seconds + SLACK, env={}, check=False,
        )  # fmt: skip
        head, _line, file = done.stdout.partition(b"\n")
        answer, word, *number = [*head.decode("ascii", "replace").split(), "", ""][:3]
    except subprocess.TimeoutExpired:
        answer, word, number, file = "", "late", [""], b""
    if answer == "ok" and word.isdecimal():
        return word, int(word), file
    log.info(json.dumps({"document": word or "crashed"}))
    return word, int(number[0]) if number and number[0].isdecimal() else 0, None


def _refused(name: str, sentence: Any) -> Refused:
    return Refused(name, sentence, is_photo=False)


def _sentence_heavy(name: str, size: int, limits: Limits) -> Any:
    return lazy(
        "“%(name)s”有 %(size)s MB，太大了，一个最多 %(most)s MB。请只留要紧的几页再选。",
        name=name,
        size=-(-size // MEGABYTE),
        most=limits.bytes // MEGABYTE,
    )


def _sentence(word: str, pages: int, name: str, size: int, limits: Limits) -> Any:
    if word == "locked":
        return lazy("“%(name)s”加了密码，打不开。请去掉密码，另存一份再选。", name=name)
    if word == "pages":
        return lazy(
            "“%(name)s”有 %(pages)s 页，太多了，一个最多 %(most)s 页。请只留要紧的几页再选。",
            name=name,
            pages=pages,
            most=limits.pages,
        )
    if word == "acts":
        return lazy("“%(name)s”里带有程序或别的文件，没有收。请用“打印成 PDF”另存一份再选。", name=name)
    if word == "heavy":
        return _sentence_heavy(name, size, limits)
    return lazy("“%(name)s”打不开，可能没有存完。请用“打印成 PDF”另存一份再选。", name=name)
