"""The photo tiles in a real browser: chosen, made smaller, taken out, kept through a refused form, sent in order."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Response, g, render_template_string, request
from PIL import Image
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from fieldapp.attachments.forms import PhotosField
from fieldapp.attachments.intake import take_photos
from fieldapp.db import db
from fieldapp.forms import Form
from fieldapp.guards import needs, prepares, takes_body
from tests import people
from tests.conftest import make_app
from tests.photos import DEVICE, GPS_WORDS, encoded, heic, jpeg, scene, telling_jpeg
from tests.tools import axe, chromium

PAGE = """
{% extends "base.html" %}
{% block title %}t{% endblock %}
{% block main %}<h1>t</h1>{% block album %}
<form id="album" class="stack" method="post" action="/album" enctype="multipart/form-data" hx-post="/album" hx-target="this" hx-swap="outerHTML" data-module="submit">{{ ui.csrf() }}
{% if told %}<p class="err" id="told">{{ told }}</p>{% endif %}
<div class="field"><label for="said">said</label><input id="said" name="said" value="{{ request.form.said }}"></div>
{% with photos_field = form.photos %}{% include "attachments/_field.html" %}{% endwith %}
<button class="btn btn-primary" type="submit">send</button></form>
{% endblock %}{% endblock %}
"""


class AlbumForm(Form):
    photos = PhotosField()


@dataclass
class Album:
    """A served form that wants words and takes photos; `came` is what arrived, one list of files a post."""

    url: str = ""
    came: list[list[tuple[str, bytes]]] = field(default_factory=list)
    took: list[Any] = field(default_factory=list)


@pytest.fixture(scope="module")
def album(database, tmp_path_factory):
    database.renew()
    app = make_app(database.url, tmp_path_factory.mktemp("album"))
    made = Album()

    def prepare():
        made.came.append(
            [(f.filename, f.stream.read()) for f in request.files.getlist("photos") if f.filename]
        )
        for file in request.files.getlist("photos"):
            file.stream.seek(0)
        return take_photos()

    @needs("OFFICER", "LEAD")
    @takes_body("PHOTO_BODY")
    @prepares(prepare)
    def show() -> Response:
        form = AlbumForm(request.form)
        told = ""
        if request.method == "POST":
            made.took = g.prepared
            told = "" if request.form.get("said") else "say something"
            if form.validate() and not told:
                return Response(
                    "<p id='album'>kept</p>" if "HX-Request" in request.headers else "<p>kept</p>"
                )
        if "HX-Request" in request.headers:
            from flask import current_app

            template = current_app.jinja_env.from_string(PAGE)
            context = {"form": form, "told": told}
            current_app.update_template_context(context)
            return Response("".join(template.blocks["album"](template.new_context(context))), status=422)
        return Response(render_template_string(PAGE, form=form, told=told), status=422 if told else 200)

    app.add_url_rule("/album", "album", show, methods=["GET", "POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    made.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    with app.app_context():
        db.engine.dispose()


COUNT_BLOBS = """
globalThis.blobs = new Set();
const [make, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
URL.createObjectURL = (what) => { const url = make.call(URL, what); blobs.add(url); return url; };
URL.revokeObjectURL = (url) => { blobs.delete(url); return revoke.call(URL, url); };
"""


def opened(album: Album, page: Page) -> Page:
    page.goto(f"{album.url}/login")
    page.get_by_label("账号").fill("zhao")
    page.locator("#password").fill(people.PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda address: "/login" not in address)
    album.came.clear()
    page.add_init_script(COUNT_BLOBS)
    page.goto(f"{album.url}/album")
    expect(page.get_by_text("相册")).to_be_visible()
    return page


def chosen(name: str, content: bytes, kind: str = "image/jpeg") -> dict[str, Any]:
    return {"name": name, "mimeType": kind, "buffer": content}


def choose(page: Page, *files: dict[str, Any], by: str = "相册") -> None:
    page.get_by_label(by, exact=True).set_input_files(list(files))


def settled(page: Page, count: int) -> None:
    """Every tile is there and every picture is painted."""
    expect(page.locator("[data-photo]")).to_have_count(count)
    expect(page.locator("[data-photo] img")).to_have_count(count)
    widths = page.evaluate(
        "() => Promise.all([...document.querySelectorAll('[data-photo] img')].map(async (image) => {"
        " if (!image.complete) await new Promise((go) => { image.onload = go; }); return image.naturalWidth; }))"
    )
    assert all(widths), widths


def held(page: Page) -> list[str]:
    return page.evaluate("[...document.querySelector('[name=photos]').files].map(f => f.name)")


def test_photos_are_shown_made_small_and_sent_in_order(browser, album):
    with chromium.phone(browser) as page:
        opened(album, page)
        choose(page, chosen("b.jpg", telling_jpeg(6, 3000, 2000)), by="拍照")
        choose(page, chosen("a.png", encoded(scene(900, 700), "PNG"), "image/png"), chosen("c.jpg", jpeg()))
        settled(page, 3)
        expect(page.get_by_text("还可以加 6 张")).to_be_visible()
        assert held(page) == ["b.jpg", "a.jpg", "c.jpg"]
        page.get_by_label("said").fill("words")
        page.get_by_role("button", name="send").click()
        expect(page.get_by_text("kept")).to_be_visible()
        assert page.evaluate("blobs.size") == 0
    (files,) = album.came
    assert [name for name, _ in files] == ["b.jpg", "a.jpg", "c.jpg"]
    assert [(p.name, p.width, p.height) for p in album.took] == [
        ("b.jpg", 1067, 1600), ("a.jpg", 900, 700), ("c.jpg", 640, 480),
    ]  # fmt: skip
    for _, content in files:  # small, upright and bare before they leave the phone
        assert max(Image.open(io.BytesIO(content)).size) <= 1600
        assert GPS_WORDS not in content and DEVICE.encode() not in content


def test_a_refused_form_keeps_its_photos(browser, album):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 422")
        opened(album, page)
        choose(page, chosen("a.jpg", jpeg()), chosen("b.jpg", jpeg(700, 500)))
        settled(page, 2)
        page.get_by_role("button", name="send").click()
        expect(page.locator("#told")).to_be_visible()
        settled(page, 2)
        assert held(page) == ["a.jpg", "b.jpg"]
        expect(page.get_by_text("照片要再选一次")).to_have_count(0)
        # and they can still be changed
        page.get_by_role("button", name="删除第 1 张照片").click()
        choose(page, chosen("c.jpg", jpeg(500, 400)))
        settled(page, 2)
        page.get_by_label("said").fill("words")
        page.get_by_role("button", name="send").click()
        expect(page.get_by_text("kept")).to_be_visible()
    assert [[name for name, _ in files] for files in album.came] == [["a.jpg", "b.jpg"], ["b.jpg", "c.jpg"]]


def test_what_the_server_refuses_is_said_beside_the_tiles(browser, album):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 422")
        opened(album, page)
        broken = jpeg()[:20] + bytes(
            700
        )  # begins as a photo: the browser cannot show it, the server says why not
        choose(page, chosen("broken.jpg", broken), chosen("good.jpg", jpeg()))
        expect(page.locator("[data-photo] img")).to_have_count(1)
        page.get_by_label("said").fill("words")
        page.get_by_role("button", name="send").click()
        expect(page.get_by_text("“broken.jpg”")).to_be_visible()
        page.get_by_role("button", name="删除第 1 张照片").click()
        page.get_by_role("button", name="send").click()
        expect(page.get_by_text("kept")).to_be_visible()


def test_heic_goes_as_it_is_where_the_browser_cannot_read_it(browser, album):
    content = heic(800, 600)
    with chromium.phone(browser) as page:
        opened(album, page)
        choose(page, chosen("IMG_1.HEIC", content, "image/heic"))
        expect(page.locator("[data-photo]")).to_contain_text("IMG_1.HEIC")
        page.get_by_label("said").fill("words")
        page.get_by_role("button", name="send").click()
        expect(page.get_by_text("kept")).to_be_visible()
    assert album.came == [[("IMG_1.HEIC", content)]]
    assert (album.took[0].width, album.took[0].height) == (800, 600)


def test_what_is_no_photo_or_one_too_many_is_said_and_left_out(browser, album):
    with chromium.phone(browser) as page:
        opened(album, page)
        choose(
            page, chosen("page.jpg", b"<html>" * 50), chosen("plan.pdf", b"%PDF-1.7" * 50, "application/pdf")
        )
        expect(page.get_by_text("“page.jpg”不是照片，没有放进来。")).to_be_visible()
        expect(page.get_by_text("“plan.pdf”不是照片，没有放进来。")).to_be_visible()
        assert held(page) == []
        choose(page, *[chosen(f"{n}.jpg", jpeg(60 + n, 40)) for n in range(12)])
        settled(page, 9)
        expect(page.get_by_text("最多 9 张，后面的 3 张没有放进来。")).to_be_visible()
        expect(page.get_by_text("已经放满了")).to_be_visible()
        expect(page.get_by_text("相册")).to_be_hidden()
        assert held(page) == [f"{n}.jpg" for n in range(9)]
        page.get_by_role("button", name="删除第 9 张照片").press("Enter")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "删除第 8 张照片"
        expect(page.get_by_text("相册")).to_be_visible()
        choose(page, chosen("7.jpg", jpeg(67, 40)))
        settled(page, 9)  # chosen by another name or later: another photo


def test_a_submit_waits_for_photos_that_are_still_large(browser, album):
    with chromium.phone(browser) as page:
        opened(album, page)
        page.evaluate(
            "() => { const real = createImageBitmap; globalThis.createImageBitmap = (...all) =>"
            " new Promise(go => { globalThis.letGo = () => go(real(...all)); }); }"
        )
        choose(page, chosen("a.jpg", jpeg(2400, 1800)))
        page.get_by_label("said").fill("words")
        page.get_by_role("button", name="send").click()
        expect(page.get_by_text("照片正在压缩")).to_be_visible()
        assert album.came == []
        page.evaluate("letGo()")
        expect(page.get_by_text("kept")).to_be_visible()
    assert [[name for name, _ in files] for files in album.came] == [["a.jpg"]]
    assert Image.open(io.BytesIO(album.came[0][0][1])).size == (1600, 1200)


@pytest.mark.parametrize("without", ["script", "DataTransfer"])
def test_without_script_or_file_lists_one_plain_field_does(browser, album, without):
    options = {"java_script_enabled": False} if without == "script" else {}
    with (
        chromium.phone(browser)
        if not options
        else chromium.watched(browser, chromium.PHONE, **options) as page
    ):
        if without == "DataTransfer":
            page.add_init_script(
                "globalThis.DataTransfer = function () { throw new TypeError('Illegal constructor'); };"
            )
        page.goto(f"{album.url}/login")
        page.get_by_label("账号").fill("zhao")
        page.locator("#password").fill(people.PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(lambda address: "/login" not in address)
        album.came.clear()
        page.goto(f"{album.url}/album")
        page.wait_for_load_state("networkidle")
        page.get_by_label("从手机里选，可以一次选几张").set_input_files(
            [chosen("a.jpg", jpeg()), chosen("b.jpg", jpeg(70, 50))]
        )
        page.get_by_label("said").fill("words")
        page.get_by_role("button", name="send").click()
        expect(page.get_by_text("kept")).to_be_visible()
    assert [[name for name, _ in files] for files in album.came] == [["a.jpg", "b.jpg"]]


@pytest.mark.parametrize("size", [chromium.PHONE, chromium.NARROWEST], ids=["phone", "narrowest"])
def test_tiles_can_be_touched_and_read(browser, album, size):
    with chromium.watched(browser, size) as page:
        opened(album, page)
        choose(page, chosen("a.jpg", jpeg()), chosen("IMG_1.HEIC", heic(), "image/heic"))
        expect(page.locator("[data-photo]")).to_have_count(2)
        expect(page.locator("[data-photo] img")).to_have_count(1)
        for target in page.locator("[data-remove]:visible, [data-add]:visible").all():
            box = target.bounding_box()
            assert box["width"] >= 44 and box["height"] >= 44
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert [
            str(found) for found in axe.violations(page) if "photos" in str(found) or "photo" in str(found)
        ] == []


def test_a_visit_keeps_its_photos_through_a_refusal_and_shows_them(browser, site):
    # The album's server, in this process, still has the file open that the site's has replaced.
    site.by_hand = True
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 422")
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/enterprises?q=hxxny")
        page.get_by_role("link", name="华星新能源材料有限公司").click()
        page.get_by_role("link", name="开始走访").click()
        expect(page.get_by_text("相册")).to_be_visible()
        choose(page, chosen("a.jpg", telling_jpeg(6, 3000, 2000)), chosen("b.jpg", jpeg()))
        settled(page, 2)
        page.get_by_role("button", name="提交走访").click()
        expect(page.get_by_role("alert").get_by_text("至少选一位").first).to_be_visible()
        settled(page, 2)
        page.get_by_label("未见到人").check()
        page.get_by_role("button", name="提交走访").click()
        page.wait_for_url("**/visits/*")
        thumbs = page.get_by_role("img", name="现场照片")
        expect(thumbs).to_have_count(2)
        thumbs.first.scroll_into_view_if_needed()
        shown = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
        assert thumbs.first.evaluate(shown) == [213, 320]
        with page.expect_response("**/full.jpg") as answer:
            thumbs.first.click()
        assert answer.value.status == 200 and answer.value.headers["content-type"] == "image/jpeg"
        assert GPS_WORDS not in answer.value.body()
