"""Photos: taken in before anything is locked, kept with their enterprise, shown to whoever sees that."""

from __future__ import annotations

import io
import sqlite3
import threading

import pytest
import sqlalchemy as sa
from flask import Response, g, render_template_string, request
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from fieldapp.accounts.models import User
from fieldapp.attachments import Attachment, AttachmentCopy
from fieldapp.attachments import intake as intake_module
from fieldapp.attachments.actions import keep_all
from fieldapp.attachments.forms import PhotosField
from fieldapp.attachments.intake import take_photos
from fieldapp.audit.models import AuditEvent
from fieldapp.clock import now
from fieldapp.db import db
from fieldapp.entries.models import Entry
from fieldapp.forms import Form
from fieldapp.guards import needs, prepares, takes_body
from fieldapp.pages import done
from tests.conftest import Client, make_app
from tests.photos import DEVICE, GPS_WORDS, heic, jpeg, kept_photo
from tests.tools.asked import asked

# ---- what is served ----------------------------------------------------------------------------------------


@pytest.fixture
def photo(city):
    return kept_photo(city.huaxing.id)


@pytest.mark.parametrize("size", ["full", "thumb"])
def test_whoever_serves_the_enterprise_sees_its_photos(zhao, qian, li, photo, size):
    for client in (zhao, qian, li):
        answer = client.get(f"/attachments/{photo}/{size}.jpg")
        assert answer.status_code == 200 and answer.mimetype == "image/jpeg"
        assert answer.data.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("size", ["full", "thumb"])
def test_others_do_not(sun, zhou, wu, zheng, anybody, photo, size):
    address = f"/attachments/{photo}/{size}.jpg"
    assert [client.get(address).status_code for client in (sun, zhou)] == [404, 404]
    assert [client.get(address).status_code for client in (wu, zheng)] == [403, 403]
    answer = anybody.get(address)
    assert answer.status_code == 303 and answer.location.startswith("/login")


def test_a_photo_that_is_not_there_is_not_found(zhao, photo):
    for address in (
        "/attachments/01920000-0000-7000-8000-000000000099/full.jpg", f"/attachments/{photo}/original.jpg",
        f"/attachments/{photo}", "/attachments/x/full.jpg",
    ):  # fmt: skip
        assert zhao.get(address).status_code == 404


def test_its_headers_keep_it_on_this_phone_and_as_a_picture(zhao, photo):
    headers = zhao.get(f"/attachments/{photo}/full.jpg").headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith("inline; filename=")
    assert headers["Cache-Control"] == "private, max-age=31536000, immutable" and headers["Vary"] == "Cookie"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "Set-Cookie" not in headers


def test_asked_again_it_is_not_sent_again_but_the_door_stays_shut_for_others(zhao, sun, photo):
    address = f"/attachments/{photo}/thumb.jpg"
    tag = {"If-None-Match": zhao.get(address).headers["ETag"]}
    again = zhao.get(address, headers=tag)
    assert again.status_code == 304 and again.data == b"" and "immutable" in again.headers["Cache-Control"]
    assert zhao.get(f"/attachments/{photo}/full.jpg", headers=tag).status_code == 200
    assert sun.get(address, headers=tag).status_code == 404


def test_neither_stored_nor_served_bytes_tell_where_it_was_taken(zhao, photo):
    stored = [row for (row,) in db.session.execute(sa.select(AttachmentCopy.data))]
    db.session.rollback()
    served = [zhao.get(f"/attachments/{photo}/{size}.jpg").data for size in ("full", "thumb")]
    assert sorted(stored) == sorted(served)
    for data in served:
        assert GPS_WORDS not in data and DEVICE.encode() not in data and b"Exif" not in data


def test_keeping_many_takes_two_statements_and_tells_the_trail(app, city):
    from tests.photos import developed

    photos = [developed(jpeg(40 + n, 30)) for n in range(9)]
    zhao = db.session.scalars(sa.select(User).where(User.username == "zhao")).one()
    with asked(db.engine) as statements:
        ids = keep_all(zhao, city.huaxing.id, photos, now())
    assert len([s for s in statements if "INSERT INTO attachment" in s]) == 2
    db.session.commit()
    rows = db.session.scalars(sa.select(Attachment).order_by(Attachment.id)).all()
    assert [row.id for row in rows] == ids == sorted(ids)
    assert {(row.enterprise_id, row.author_id, row.media_type) for row in rows} == {
        (city.huaxing.id, zhao.id, "image/jpeg")
    }
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "photos_added")).one()
    assert event.detail == {"count": 9} and event.actor_id == zhao.id


# ---- taking in: a form of the test's own, on an app of its own ----------------------------------------------


class AlbumForm(Form):
    photos = PhotosField()


SHOWN = """
<form id="album" method="post" enctype="multipart/form-data">{{ ui.csrf() }}
{% with photos_field = form.photos %}{% include "attachments/_field.html" %}{% endwith %}</form>
"""


class Album:
    """A page that takes photos for 华星 and does nothing else; `during` runs while they are being prepared."""

    def __init__(self, database, folder, enterprise_id: int, **settings) -> None:
        self.app = make_app(database.url, folder, **settings)
        self.app.test_client_class = Client
        self.during = self.within = lambda: None
        self.prepared: list = []

        def prepare():
            self.during()
            return take_photos()

        @needs("OFFICER", "LEAD")
        @takes_body("PHOTO_BODY")
        @prepares(prepare)
        def album() -> Response:
            form = AlbumForm(request.form)
            if request.method == "POST":
                self.prepared = g.prepared
                self.within()
                if form.validate():
                    keep_all(current_user, enterprise_id, form.photos.photos, now())
                    return done(to="/album")
            status = 422 if form.errors else 200
            return Response(render_template_string(SHOWN, form=form), status=status)

        self.app.add_url_rule("/album", "album", album, methods=["GET", "POST"])

    def client_of(self, client) -> Client:
        """The same person's browser, at this app."""
        own = self.app.test_client()
        own.set_cookie("fieldapp", client.get_cookie("fieldapp").value)
        return own


@pytest.fixture
def album(app, database, tmp_path, city):
    made = Album(database, tmp_path, city.huaxing.id)
    yield made
    with made.app.app_context():
        db.engine.dispose()


def sent(*files, **fields):
    """Form values with files: (content, name) pairs."""
    return {"photos": [(io.BytesIO(content), name) for content, name in files], **fields}


def _kept() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Attachment))


def _is_free(database) -> bool:
    """Whether somebody else could write at this very moment."""
    if database.name != "sqlite":
        return True  # PostgreSQL locks rows, and this request has not touched one
    other = sqlite3.connect(database.url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        other.close()
    return True


def test_while_photos_are_decoded_nobody_is_kept_waiting(album, zhao, database):
    seen = {}

    def look():
        seen["free"] = _is_free(database)
        seen["in transaction"] = db.session().in_transaction()
        seen["connections"] = db.engine.pool.checkedout()

    album.during = look
    album.within = lambda: seen.update(then=_is_free(database))
    answer = album.client_of(zhao).submit("/album", "album", **sent((jpeg(), "a.jpg")))
    assert answer.status_code == 303 and _kept() == 1
    assert seen["free"] and not seen["in transaction"] and seen["connections"] == 0
    # afterwards the request writes as every other does: under the lock from its first statement
    assert seen["then"] is (database.name != "sqlite")


def test_another_request_is_answered_while_one_decodes(album, zhao, qian):
    decoding, go_on = threading.Event(), threading.Event()
    answers = {}

    def wait():
        if threading.current_thread().name == "slow":
            decoding.set()
            assert go_on.wait(30)

    album.during = wait
    slow, quick = album.client_of(zhao), album.client_of(qian)
    forms = {client: client.form("/album", "album") for client in (slow, quick)}

    def send():
        answers["slow"] = slow.post("/album", data=forms[slow].filled(**sent((jpeg(), "a.jpg"))))

    thread = threading.Thread(target=send, name="slow")
    thread.start()
    try:
        assert decoding.wait(30)
        answer = quick.post("/album", data=forms[quick].filled(**sent((jpeg(50, 40), "b.jpg"))))
        assert answer.status_code == 303 and "slow" not in answers and _kept() == 1
    finally:
        go_on.set()
        thread.join()
    assert answers["slow"].status_code == 303 and _kept() == 2


def test_the_same_entry_again_gives_the_first_answer_and_keeps_nothing_twice(album, zhao):
    client = album.client_of(zhao)
    form = client.form("/album", "album")
    entry = "01920000-0000-7000-8000-0000000000aa"

    def send(content):
        return client.post("/album", data=form.filled(**sent((content, "a.jpg"), entry_id=entry)))

    first, second = send(jpeg()), send(jpeg())
    assert first.status_code == second.status_code == 303 and second.headers["Outbox-Replayed"] == "1"
    # the files were read before the entry was opened, and count all the same
    assert send(jpeg(50, 40)).headers["Outbox-Error"] == "key-reuse"
    assert _kept() == 1


def test_without_script_two_different_photos_are_two_entries(album, zhao):
    client = album.client_of(zhao)
    form = client.form("/album", "album")
    for content in (jpeg(), jpeg(), jpeg(50, 40)):
        assert (
            client.post("/album", data=form.filled(**sent((content, "a.jpg"), entry_id=""))).status_code
            == 303
        )
    assert _kept() == 2


def test_who_is_not_let_in_has_nothing_decoded(album, zhao, wu, anybody):
    album.during = lambda: pytest.fail("decoded for a stranger")
    stranger = album.app.test_client()
    assert stranger.post("/album", data=sent((jpeg(), "a.jpg"))).status_code == 303  # to the sign-in page
    admin = album.client_of(wu)
    assert admin.post("/album", data=sent((jpeg(), "a.jpg"), csrf_token=wu.token())).status_code == 403
    officer = album.client_of(zhao)
    assert officer.post("/album", data=sent((jpeg(), "a.jpg"))).status_code == 403  # no token
    foreign = {"Sec-Fetch-Site": "cross-site"}
    token = zhao.token()
    answer = officer.post("/album", data=sent((jpeg(), "a.jpg"), csrf_token=token), headers=foreign)
    assert answer.status_code == 403
    db.session.rollback()
    assert _kept() == 0 and db.session.scalar(sa.select(sa.func.count()).select_from(Entry)) == 0


def test_only_signed_in_people_may_send_much(album, zhao):
    heavy = jpeg() + bytes(7 * 1024 * 1024)
    assert album.client_of(zhao).submit("/album", "album", **sent((heavy, "a.jpg"))).status_code == 303
    assert album.app.test_client().post("/album", data=sent((heavy, "a.jpg"))).status_code == 413


def test_more_than_a_form_may_weigh_is_refused_with_words(album, zhao):
    album.app.config["PHOTO_BODY"] = 100_000
    answer = album.client_of(zhao).submit("/album", "album", **sent((jpeg() + bytes(200_000), "a.jpg")))
    assert answer.status_code == 413 and "文件太大，没有保存" in answer.text


def test_other_forms_keep_their_own_measure(zhao):
    token = zhao.token()
    data = {"csrf_token": token, "said": "x" * (7 * 1024 * 1024)}
    assert zhao.post("/me/display", data=data).status_code == 413


def test_each_refused_file_is_named_with_what_to_do_and_nothing_is_kept(album, zhao):
    answer = album.client_of(zhao).submit(
        "/album", "album",
        **sent((jpeg(), "好的.jpg"), (b"<html>", "网页.jpg"), (b"", "空.jpg"), (jpeg()[:900], "一半.jpg")),
    )  # fmt: skip
    assert answer.status_code == 422
    for words in ("“网页.jpg”不是能用的照片", "“空.jpg”是空的", "“一半.jpg”打不开"):
        assert words in answer.text
    assert "好的.jpg" not in answer.text and _kept() == 0


def test_a_file_name_is_text_and_nothing_else(album, zhao):
    answer = album.client_of(zhao).submit(
        "/album", "album", **sent((b"x", "<img src=x onerror=alert(1)>%s%(a)s.jpg"))
    )
    assert answer.status_code == 422
    assert "<img src=x" not in answer.text and "&lt;img src=x onerror=alert(1)&gt;%s%(a)s.jpg" in answer.text


def test_more_than_nine_are_refused_without_being_looked_at(album, zhao, monkeypatch):
    monkeypatch.setattr(intake_module, "develop", lambda *_: pytest.fail("decoded"))
    answer = album.client_of(zhao).submit(
        "/album", "album", **sent(*[(jpeg(), f"{n}.jpg") for n in range(10)])
    )
    assert answer.status_code == 422 and "最多放 9 张照片，这次有 10 张" in answer.text


def test_what_the_record_already_has_counts(album, zhao):
    album.within = lambda: None
    with album.app.test_request_context("/album", method="POST"):
        g.prepared = [object.__new__(intake_module.Photo) for _ in range(3)]
        form = AlbumForm(request.form)
        form.photos.already = 7
        assert form.photos.room == 2 and not form.validate()
        assert "这次有 10 张" in str(form.photos.errors[0])
        form.photos.already = 6
        assert form.validate()


def test_the_same_photo_chosen_twice_is_kept_once_and_order_is_kept(album, zhao):
    album.client_of(zhao).submit(
        "/album",
        "album",
        **sent((jpeg(60, 40), "b.jpg"), (heic(80, 64), "a.heic"), (jpeg(60, 40), "b (1).jpg")),
    )
    assert [(p.name, p.width) for p in album.prepared] == [("b.jpg", 60), ("a.heic", 80)]
    assert _kept() == 2


def test_an_empty_file_field_is_no_photo(album, zhao):
    files = {"photos": FileStorage(io.BytesIO(b""), filename="", name="photos")}
    assert album.client_of(zhao).submit("/album", "album", **files).status_code == 303
    assert album.prepared == [] and _kept() == 0


def test_a_page_loaded_anew_says_that_photos_must_be_chosen_again(album, zhao):
    client = album.client_of(zhao)
    assert "照片要再选一次" not in client.get("/album").text
    answer = client.submit("/album", "album", **sent((jpeg(), "好的.jpg"), (b"x", "网页.jpg")))
    assert "照片要再选一次" in answer.text


def test_where_photos_are_switched_off_there_is_no_field_and_uploads_are_passed_over(album, zhao):
    album.app.config["PHOTOS"] = False
    client = album.client_of(zhao)
    assert 'type="file"' not in client.get("/album").text
    assert client.submit("/album", "album", **sent((jpeg(), "a.jpg"))).status_code == 303
    assert _kept() == 0


def test_when_its_turn_does_not_come_the_form_says_so_and_nothing_is_kept(album, zhao, monkeypatch):
    monkeypatch.setattr(intake_module, "PATIENCE", 0.0)
    monkeypatch.setattr(intake_module, "_turns", threading.BoundedSemaphore(1))
    intake_module._turns.acquire()
    answer = album.client_of(zhao).submit("/album", "album", **sent((jpeg(), "a.jpg")))
    assert answer.status_code == 503 and "过一分钟再提交" in answer.text
    assert _kept() == 0


def test_shown_photos_lead_to_the_whole_picture(app, city, photo):
    with app.test_request_context("/"):
        row = db.session.get(Attachment, photo)
        html = render_template_string('{% include "attachments/_photos.html" %}', photos=[row])
        db.session.rollback()
    assert f'href="/attachments/{photo}/full.jpg"' in html and f'src="/attachments/{photo}/thumb.jpg"' in html
    assert "现场照片 1（共 1 张）" in html and 'loading="lazy"' in html
