"""A PDF comes out as its pages and nothing that acts; whatever is none is refused with a sentence, in time."""

from __future__ import annotations

import io
import re
import time

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from fpdf import FPDF

from fieldapp.attachments import documents
from fieldapp.attachments.documents import Document, Limits, bind
from fieldapp.attachments.pages_only import acts
from fieldapp.attachments.pictures import Refused
from tests import papers
from tests.photos import DEVICE, GPS_WORDS, jpeg, telling_jpeg


def bound(content: bytes, name: str = "试验报告.pdf", limits: Limits = papers.LIMITS) -> Document:
    document = bind(io.BytesIO(content), name, limits)
    assert isinstance(document, Document), str(document.message)
    return document


def refusal(content: bytes, name: str = "试验报告.pdf", limits: Limits = papers.LIMITS) -> str:
    answer = bind(io.BytesIO(content), name, limits)
    assert isinstance(answer, Refused) and not answer.is_photo, "it was taken"
    sentence = str(answer.message)
    assert name in sentence and sentence.endswith("。"), sentence
    return sentence


def words(file: bytes) -> str:
    return "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(file))


def test_a_report_keeps_its_pages_and_its_words():
    document = bound(papers.report(3))
    assert (document.pages, document.name) == (3, "试验报告.pdf")
    assert len(pypdfium2.PdfDocument(document.full)) == 3
    assert "Peel strength 3.2 MPa / page 3" in words(document.full)


def test_who_wrote_it_and_where_its_links_lead_stay_behind():
    document = bound(papers.report())
    assert b"secret-author" not in document.full and b"secret-link" not in document.full
    assert b"/Annots" not in document.full


def test_the_font_that_pages_share_stays_shared():
    pdf = FPDF()
    font = papers.FONT / "NotoSansSC-Regular.ttf"
    pdf.add_font("own", fname=str(font))
    pdf.set_font("own", size=14)
    for n in range(40):
        pdf.add_page()
        pdf.cell(text=f"第 {n + 1} 页：剥离强度")
    original = bytes(pdf.output())
    document = bound(original)
    assert document.pages == 40 and len(document.full) < 1.5 * len(original)
    assert "剥离强度" in words(document.full)


def test_what_is_seen_of_a_form_or_a_seal_is_part_of_the_page():
    """An official seal is often an annotation."""
    look = papers.stream(
        b"BT /F1 20 Tf 2 4 Td (SEAL) Tj ET",
        "/Type /XObject /Subtype /Form /BBox [0 0 100 30] /Resources << /Font << /F1 5 0 R >> >>",
    )
    document = bound(
        papers.page_with(
            page="/Annots [6 0 R]",
            objects={6: "<< /Type /Annot /Subtype /Stamp /F 4 /Rect [20 20 120 50] /AP << /N 7 0 R >> >>", 7: look},
        )
    )  # fmt: skip
    assert "SEAL" in words(document.full) and b"/Annot" not in document.full


@pytest.mark.parametrize("name", papers.HOSTILE)
def test_what_acts_is_gone_or_the_file_is_refused(name):
    answer = bind(io.BytesIO(papers.HOSTILE[name]), "报告.pdf", papers.LIMITS)
    if isinstance(answer, Refused):
        assert name == "behind the resources" and "打印成 PDF" in str(answer.message)
        return
    for trace in (
        b"JavaScript", b"app.alert", b"secret", b"EmbeddedFile", b"/AA", b"/AF", b"/Annot", b"/Launch", b"/URI",
        b"evil.example", b"/XFA", b"/AcroForm", b"cmd.exe", b"OpenAction",
    ):  # fmt: skip
        assert trace not in answer.full, trace
    new = pypdfium2.PdfDocument(answer.full)
    assert "seen" in words(answer.full) and new.count_attachments() == 0
    assert pdfium.FPDFDoc_GetJavaScriptActionCount(new) == 0
    assert [pdfium.FPDFPage_GetAnnotCount(page) for page in new] == [0]


def test_a_page_lies_as_it_lay_also_when_it_is_redrawn():
    file = papers.page_with(page=f"/Rotate 90 /AA << /O << /S /JavaScript /JS ({papers.SCRIPT}) >> >>")
    page = pypdfium2.PdfDocument(bound(file).full)[0]
    assert page.get_size() == (200, 300) and page.get_rotation() == 90


def test_a_photo_on_a_page_does_not_tell_where_it_was_taken():
    photo = telling_jpeg()
    image = papers.stream(
        photo,
        "/Type /XObject /Subtype /Image /Width 640 /Height 480 /ColorSpace /DeviceRGB /BitsPerComponent 8"
        " /Filter /DCTDecode",
    )
    file = papers.raw(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 640 480] /Contents 4 0 R"
            " /Resources << /XObject << /I 5 0 R >> >> >>",
            4: papers.stream(b"q 640 0 0 480 0 0 cm /I Do Q"),
            5: image,
        }
    )
    assert GPS_WORDS in file and DEVICE.encode() in file
    out = bound(file).full
    assert GPS_WORDS not in out and DEVICE.encode() not in out and b"secret-xmp" not in out
    picture = pypdfium2.PdfDocument(out)[0].render().to_pil().convert("RGB")
    assert picture.getpixel((60, 60))[0] > 180  # the red quarter is still there


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "是空的"),
        (b"<html>%PDF-1.7</html>", "不是 PDF 文件"),
        (jpeg(), "不是 PDF 文件"),
        (b"GIF89a\n" + papers.report(), "不是 PDF 文件"),
        (b"%PDF-1.7\nnothing follows", "打不开"),
        (b"%PDF-1.7\n" + bytes(1_000_000), "打不开"),
        (papers.report()[:700], "打不开"),
        (papers.locked(), "加了密码"),
        (papers.many_pages(10_000), "有 10000 页，太多了，一个最多 60 页"),
        (papers.circle(), "打不开"),
        (papers.nested(3000), "打不开"),
    ],
)
def test_what_is_no_usable_pdf_is_refused_with_what_to_do(content, sentence):
    assert sentence in refusal(content)


def test_what_stands_behind_the_pdf_is_not_kept():
    document = bound(papers.report() + b"PK\x03\x04 zip <script>")
    assert b"<script>" not in document.full and document.full.rstrip().endswith(b"%%EOF")


def test_one_locked_for_changes_only_is_readable_by_all():
    pdf = FPDF()
    pdf.set_font("Helvetica", size=14)
    pdf.set_encryption(owner_password="owner", permissions=0)
    pdf.add_page()
    pdf.cell(text="open to read")
    assert "open to read" in words(bound(bytes(pdf.output())).full)


def test_too_many_bytes_are_not_even_looked_at(monkeypatch):
    monkeypatch.setattr(documents, "_rewritten", lambda *_: pytest.fail("looked at"))
    assert "太大了，一个最多 8 MB" in refusal(b"%PDF-1.7" + bytes(papers.LIMITS.bytes))


@pytest.mark.parametrize(
    "content",
    [(papers.bomb, 1000), (papers.brackets, 200_000), (papers.liar, 1000), (papers.nested, 60)],
    ids=["bomb", "brackets", "liar", "nested"],
)
def test_a_file_made_to_be_heavy_ends_its_own_process_and_nothing_else(content):
    make, size = content
    content = make(size)
    began = time.monotonic()
    tight = Limits(bytes=papers.LIMITS.bytes, pages=60, seconds=5, memory=512 * 1024 * 1024)
    answer = bind(io.BytesIO(content), "重.pdf", tight)
    assert time.monotonic() - began < tight.seconds + documents.SLACK + 2
    assert isinstance(answer, Document | Refused)
    if isinstance(answer, Document):
        assert len(answer.full) <= 2 * tight.bytes and not acts(answer.full)


def test_one_that_would_take_for_ever_is_given_up(monkeypatch, tmp_path):
    slow = tmp_path / "slow.py"
    slow.write_text("while True: pass")
    monkeypatch.setattr(documents, "PROGRAM", slow)
    monkeypatch.setattr(documents, "SLACK", 0.0)
    began = time.monotonic()
    assert "打不开" in refusal(papers.report(), limits=Limits(bytes=10**6, pages=9, seconds=1, memory=10**9))
    assert time.monotonic() - began < 5


def test_the_program_that_reads_knows_no_secret_and_writes_no_file(monkeypatch, tmp_path):
    spy = tmp_path / "spy.py"
    spy.write_text(
        documents.PROGRAM.read_text().replace(
            "        count, file = pages_only(",
            "        import os\n"
            "        try: open('/tmp/of-a-pdf', 'w').write('x' * 9)\n"
            "        except OSError: pass\n"
            "        out.write(repr((sorted(os.environ), os.path.exists('/tmp/of-a-pdf') and os.path.getsize('/tmp/of-a-pdf')))"
            ".encode()); out.flush()\n"
            "        count, file = pages_only(",
        )
    )
    monkeypatch.setenv("FIELDAPP_SECRET_KEY", "secret " * 8)
    monkeypatch.setattr(documents, "PROGRAM", spy)
    said = []
    real = documents.subprocess.run
    monkeypatch.setattr(documents.subprocess, "run", lambda *a, **k: said.append(real(*a, **k)) or said[0])
    bind(io.BytesIO(papers.report()), "a.pdf", papers.LIMITS)
    assert not re.search(rb"FIELDAPP|PATH|HOME", said[0].stdout[:200])
    assert b", 9)" not in said[0].stdout[:200]


@pytest.mark.parametrize(
    "body",
    [
        b"<< /A (a \\) >> /JS) /JS (x) >>",
        b"<< /J#53 (x) >>",
        b"<< /Length 900 /A (>>stream) >>",
        b"[" * 70 + b"]" * 70,
        b"<< /Length 5 >>stream\r\n12345678901234567890\r\nendstream",
    ],
)  # fmt: skip
def test_the_last_look_is_not_led_astray(body):
    file = b"%PDF-1.7\r\n1 0 obj\r\n" + body + b"\r\nendobj\r\n2 0 obj\r\n<< /JS (x) >>\r\nendobj\r\n"
    assert acts(file)
    fine = b"%PDF-1.7\r\n1 0 obj\r\n<< /Length 5 /A (/JS) >>stream\r\n/JS 1\r\nendstream\r\nendobj\r\n"
    assert not acts(fine)
