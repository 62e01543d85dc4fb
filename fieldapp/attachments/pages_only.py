"""A PDF's pages and nothing else: a program of its own, started for one file and ended with it.

Reading a PDF is C++ on bytes that somebody made up, so it happens in a process that may take only so much time and
memory and can write no file. `python -I pages_only.py SECONDS MEMORY PAGES BYTES`; the file comes in on standard
input, a line and the new file go out. Imports nothing of fieldapp.

Pages are taken into a fresh document, so what hangs on the old one (scripts, attached files, form, open action,
author) stays behind. Annotations that look like something (a seal, a form's text) are painted onto their page first,
then every one is taken off: links and launches are annotations.
"""

from __future__ import annotations

import contextlib
import io
import re
import resource
import sys

import pypdfium2
import pypdfium2.raw as pdfium

# Names by which a PDF acts instead of being read.
ACTS = frozenset(
    {
        b"AA", b"AF", b"AcroForm", b"EF", b"EmbeddedFile", b"EmbeddedFiles", b"GoToE", b"GoToR", b"ImportData", b"JS",
        b"JavaScript", b"Launch", b"OpenAction", b"Rendition", b"RichMedia", b"SubmitForm", b"URI", b"XFA",
    }
)  # fmt: skip

# What pdfium writes outside streams: strings (brackets inside are escaped), names, marks, words.
_TOKEN = re.compile(
    rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]*>|<<|>>|[\[\]]|/[^\s()<>\[\]{}/%]*|[^\s()<>\[\]{}/%]+|\S",
    re.DOTALL,
)
_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")
MOST_DEEP = 64
# Where and with what a photo inside a page was taken (Exif, XMP), in JPEG as the camera wrote it.
_TOLD = re.compile(rb"\xff\xe1(..)(?=Exif\0|http://ns\.adobe\.com/)", re.DOTALL)


class No(Exception):
    """Why there is no new file; its argument is the word for it."""


def _limit(seconds: int, memory: int) -> None:
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a host that already allows less
            resource.setrlimit(what, (most, most))


def _opened(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD
        raise No("locked" if locked else "broken") from error


def _painted(source: pypdfium2.PdfDocument) -> None:
    """Nothing hangs on a page any more; what could be seen of it is part of the page."""
    for page in source:
        if pdfium.FPDFPage_GetAnnotCount(page):
            pdfium.FPDFPage_Flatten(page, pdfium.FLAT_PRINT)
        while pdfium.FPDFPage_GetAnnotCount(page):
            if not pdfium.FPDFPage_RemoveAnnot(page, 0):
                raise No("acts")
        page.close()


def _imported(source: pypdfium2.PdfDocument) -> bytes:
    """The pages as they are: what they share (a font of some megabytes) stays shared."""
    fresh = pypdfium2.PdfDocument.new()
    fresh.import_pages(source)
    return _saved(fresh)


def _redrawn(source: pypdfium2.PdfDocument) -> bytes:
    """Of each page only its content, on a new page: what else its dictionary held stays behind."""
    fresh = pypdfium2.PdfDocument.new()
    for number, page in enumerate(source):
        left, bottom, right, top = page.get_mediabox()
        sheet = fresh.new_page(right - left, top - bottom)
        drawing = source.page_as_xobject(number, fresh).as_pageobject()
        drawing.transform(pypdfium2.PdfMatrix().translate(-left, -bottom))
        sheet.insert_obj(drawing)
        sheet.gen_content()
        sheet.set_rotation(page.get_rotation())
        page.close()
    return _saved(fresh)


def _saved(document: pypdfium2.PdfDocument) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def acts(file: bytes) -> bool:
    """Whether some object of the file, outside its streams, has a name by which PDFs act. What cannot be followed to
    the end counts as such."""
    at = file.find(b"\n1 0 obj")  # behind the head, which holds bytes of no meaning
    if at < 0:
        return True
    depth, length, before = 0, -1, b""
    while found := _TOKEN.search(file, at):
        token, at = found[0], found.end()
        if token in (b"<<", b"["):
            depth += 1
            if depth > MOST_DEEP:
                return True
        elif token in (b">>", b"]"):
            depth -= 1
        elif token.startswith(b"/"):
            if _HEX.sub(lambda two: bytes.fromhex(two[1].decode()), token[1:]) in ACTS:
                return True
        elif token == b"stream" and depth == 0:
            at += 2 if file[at : at + 2] == b"\r\n" else 1
            at += length
            if length < 0 or not file[at : at + 12].lstrip().startswith(b"endstream"):
                return True
            length = -1
        elif before == b"/Length" and depth == 1 and token.isdigit():
            length = int(token)
        before = token
    return False


def _untold(file: bytes) -> bytes:
    """The same length, and photos inside tell nothing of themselves."""
    out = bytearray(file)
    for found in _TOLD.finditer(file):
        start, length = found.end(), int.from_bytes(found[1]) - 2
        out[start : start + length] = bytes(len(out[start : start + length]))
    return bytes(out)


def pages_only(content: bytes, most_pages: int, most_bytes: int) -> tuple[int, bytes]:
    """(How many pages, the new file). Raises No."""
    source = _opened(content)
    count = len(source)
    if count > most_pages:
        raise No(f"pages {count}")
    if count < 1:
        raise No("broken")
    _painted(source)
    file = _imported(source)
    if acts(file):
        file = _redrawn(source)
        if acts(file):
            raise No("acts")
    if len(file) > most_bytes:
        raise No("heavy")
    if len(_opened(file)) != count:
        raise No("broken")
    return count, _untold(file)


def main() -> None:
    seconds, memory, most_pages, most_bytes = map(int, sys.argv[1:5])
    _limit(seconds, memory)
    out = sys.stdout.buffer
    try:
        count, file = pages_only(sys.stdin.buffer.read(), most_pages, most_bytes)
    except No as reason:
        out.write(f"no {reason}\n".encode())
    except (pypdfium2.PdfiumError, MemoryError, ValueError, RecursionError):
        out.write(b"no broken\n")
    else:
        out.write(b"ok %d\n" % count + file)


if __name__ == "__main__":
    main()
