"""Photos that come by themselves after the words of their visit: each once, in any order, and nobody else's."""

from __future__ import annotations

import re
import threading
import uuid
from io import BytesIO

import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp.accounts.models import User
from fieldapp.attachments.models import Attachment
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Contact
from fieldapp.visits.models import Visit, VisitStatus, visit_photo
from tests import people
from tests.photos import jpeg

PHOTOS = f"/visits/{people.VISIT}/photos"
EDIT = f"/visits/{people.VISIT}/edit"

ARRIVED = re.compile(r"照片 \d+/\d+ 已到")  # what a record says of photos it still waits for


def _shown(visit_id=people.VISIT):
    db.session.rollback()
    return db.session.execute(
        sa.select(visit_photo.c.attachment_id)
        .where(visit_photo.c.visit_id == visit_id)
        .order_by(visit_photo.c.position)
    ).scalars().all()  # fmt: skip


def _expected(visit_id=people.VISIT):
    db.session.rollback()
    return db.session.scalar(sa.select(Visit.photos_expected).where(Visit.id == visit_id))


def _wait_for(*ids, visit_id=people.VISIT, **values):
    with writing():
        db.session.rollback()
        db.session.execute(
            sa.update(Visit).where(Visit.id == visit_id).values(photos_expected=[str(one) for one in ids], **values)
        )  # fmt: skip
        db.session.commit()


def _send(client, photo_id, content=None, *, to=PHOTOS, key=None, token=None):
    return client.post(
        to,
        data={
            "csrf_token": token or client.token(),
            "entry_id": str(key or uuid7()),
            "photo_id": str(photo_id),
            "photos": (BytesIO(content or jpeg()), "门口.jpg"),
        },
    )


def test_a_visit_says_which_photos_it_waits_for_and_they_come_one_by_one(zhao, city):
    first, second, third = uuid7(), uuid7(), uuid7()
    contact = db.session.scalars(sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)).one()
    answer = zhao.submit(
        f"/enterprises/{city.huaxing.id}/visits/new", "visit-form", met=[contact],
        photo_ids=f"{first},{second},{third},{first},nonsense",
    )  # fmt: skip
    visit_id = uuid.UUID(answer.location.partition("/visits/")[2].partition("?")[0])
    record = f"/visits/{visit_id}"
    assert "照片 0/3 已到" in zhao.get(record).text and ARRIVED.search("照片 0/3 已到")
    assert _send(zhao, second, to=f"{record}/photos").status_code == 204
    assert _send(zhao, first, jpeg(320, 200), to=f"{record}/photos").status_code == 204
    page = zhao.get(record).text
    assert "照片 2/3 已到" in page and "还有 1 张在手机上等着发" in page
    assert _shown(visit_id) == [second, first]
    assert _send(zhao, third, jpeg(200, 200), to=f"{record}/photos").status_code == 204
    page = zhao.get(record).text
    assert not ARRIVED.search(page) and _expected(visit_id) == []
    assert db.session.scalar(sa.select(Visit.version).where(Visit.id == visit_id)) == 1


def test_the_lead_sees_how_many_are_still_on_the_phone(li, city):
    _wait_for(uuid7())
    page = li.get(f"/visits/{people.VISIT}").text
    assert "照片 0/1 已到" in page and "还有 1 张在赵青的手机上" in page and "照片来不了了" not in page
    assert "照片 0/1 已到" in li.get(PHOTOS).text


def test_the_same_photo_sent_again_is_one(zhao, city):
    photo = uuid7()
    _wait_for(photo)
    key, token = uuid7(), zhao.token()
    content = jpeg()
    assert _send(zhao, photo, content, key=key, token=token).status_code == 204
    again = _send(zhao, photo, content, key=key, token=token)
    assert again.status_code == 204 and again.headers["Outbox-Replayed"] == "1"
    assert _send(zhao, photo, content, token=token).status_code == 204  # under another key
    assert _shown() == [photo]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Attachment)) == 1


def test_a_photo_of_another_visit_is_not_taken_over(zhao, city):
    photo = uuid7()
    assert _send(zhao, photo).status_code == 204
    contact = db.session.scalars(sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)).one()
    other = zhao.submit(f"/enterprises/{city.huaxing.id}/visits/new", "visit-form", met=[contact])
    answer = _send(zhao, photo, to=other.location.partition("?")[0] + "/photos")
    assert answer.status_code == 409 and "已经保存在别处" in answer.text
    assert _shown() == [photo]


def test_what_is_no_photo_is_refused_and_names_itself(zhao, city):
    photo = uuid7()
    _wait_for(photo)
    answer = _send(zhao, photo, b"no picture at all")
    assert answer.status_code == 422 and "门口.jpg" in answer.text
    nameless = zhao.post(PHOTOS, data={"csrf_token": zhao.token(), "photos": (BytesIO(jpeg()), "a.jpg")})
    assert nameless.status_code == 422 and "编号不对" in nameless.text
    empty = zhao.post(PHOTOS, data={"csrf_token": zhao.token(), "photo_id": str(photo)})
    assert empty.status_code == 422
    assert _shown() == [] and _expected() == [str(photo)]


def test_a_full_visit_takes_no_more(app, zhao, city, monkeypatch):
    monkeypatch.setitem(app.config, "PHOTOS_PER_VISIT", 2)
    for n in range(2):
        assert _send(zhao, uuid7(), jpeg(100 + n, 80)).status_code == 204
    answer = _send(zhao, uuid7(), jpeg(300, 80))
    assert answer.status_code == 422 and "最多放 2 张" in answer.text
    assert len(_shown()) == 2


def test_photos_come_although_the_lead_was_quicker(zhao, city):
    """The words were accepted while the photo was still on a phone without signal."""
    photo = uuid7()
    _wait_for(photo, status=VisitStatus.ACCEPTED)
    assert _send(zhao, photo).status_code == 204
    assert _shown() == [photo]


def test_a_plan_has_no_photos(zhao, city):
    _wait_for(status=VisitStatus.PLANNED)
    assert _send(zhao, uuid7()).status_code == 409
    assert _shown() == []


def test_a_photo_that_will_not_come_is_no_longer_waited_for(zhao, city):
    here, lost = uuid7(), uuid7()
    _wait_for(here, lost)
    _send(zhao, here)
    answer = zhao.submit(f"/visits/{people.VISIT}", f"/photos/{lost}/drop")
    assert answer.status_code == 303 and "不再等这张照片" in zhao.get(answer.location).text
    assert _expected() == [] and _shown() == [here]
    zhao.post(f"{PHOTOS}/{here}/drop", data={"csrf_token": zhao.token()})  # too late: it has come
    assert _shown() == [here]


def test_an_edit_keeps_what_is_still_coming_and_counts_it(app, zhao, city, monkeypatch):
    coming, more = uuid7(), uuid7()
    _wait_for(coming)
    monkeypatch.setitem(app.config, "PHOTOS_PER_VISIT", 2)
    assert zhao.submit(EDIT, "visit-form", said="改过", photo_ids=str(more)).status_code == 303
    assert _expected() == [str(coming), str(more)]
    # No room for a third, though none has come yet.
    answer = zhao.submit(EDIT, "visit-form", photos=[(BytesIO(jpeg()), "三.jpg")])
    assert answer.status_code == 422 and "最多放 2 张" in answer.text


def test_a_photo_taken_off_again_is_not_waited_for(zhao, city):
    photo = uuid7()
    _wait_for(photo)
    _send(zhao, photo)
    assert zhao.submit(EDIT, "visit-form", photos_removed=[str(photo)]).status_code == 303
    assert _shown() == [] and _expected() == []
    assert not ARRIVED.search(zhao.get(f"/visits/{people.VISIT}").text)


def test_two_photos_at_once_both_come_and_neither_is_waited_for(app, browser_of, city):
    """On PostgreSQL the two really run at once."""
    photos = [uuid7(), uuid7(), uuid7(), uuid7()]
    _wait_for(*photos)
    clients = [browser_of("zhao") for _ in photos]
    tokens = [client.token() for client in clients]
    db.session.remove()
    answers = [0] * len(photos)
    together = threading.Barrier(len(photos))

    def send(n):
        together.wait()
        answers[n] = _send(clients[n], photos[n], jpeg(100 + n, 60), token=tokens[n]).status_code

    threads = [threading.Thread(target=send, args=(n,)) for n in range(len(photos))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [204] * 4
    assert set(_shown()) == set(photos) and _expected() == []


def test_colleagues_who_were_not_there_add_no_photos(app, browser_of, city):
    """sun serves another team (404); the lead reads the record but does not write in it (403)."""
    for name, status in (("sun", 404), ("li", 403)):
        person = db.session.scalars(sa.select(User).where(User.username == name)).first()
        assert person is not None
        assert _send(browser_of(name), uuid7()).status_code == status
    assert _shown() == []


def test_a_photo_sent_under_the_phones_id_finds_the_planned_visit(zhao, qian, city):
    """The visit kept its plan's id; the photo was taken along before the phone could know."""
    photo, phones_id = uuid7(), uuid7()
    _wait_for(photo)
    to = f"/visits/{phones_id}/photos"
    assert _send(qian, photo, to=to).status_code == 404  # only the officer's own
    assert _send(zhao, uuid7(), to=to).status_code == 404  # and only what the visit waits for
    assert _send(zhao, photo, to=to).status_code == 204
    assert _shown() == [photo] and _expected() == []


def test_a_photo_dropped_under_the_phones_id_is_not_waited_for_by_the_planned_visit(zhao, qian, city):
    photo, phones_id = uuid7(), uuid7()
    _wait_for(photo)
    to = f"/visits/{phones_id}/photos/{photo}/drop"
    assert qian.post(to, data={"csrf_token": qian.token()}).status_code == 404
    answer = zhao.post(to, data={"csrf_token": zhao.token()})
    assert answer.status_code == 303 and answer.location.startswith(f"/visits/{people.VISIT}")
    assert _expected() == []
