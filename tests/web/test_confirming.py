"""The enterprise says whether somebody was there: once, by a code of that visit, without an account or a place."""

from __future__ import annotations

import re
import secrets
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.audit.models import AuditEvent
from fieldapp.codes.models import QrCode
from fieldapp.codes.turnstile import Turnstile
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.notices.models import Notification
from fieldapp.offline.tidying import tidy
from fieldapp.visits import confirming
from fieldapp.visits.models import (
    Answer,
    OfficerRating,
    TeamRating,
    Visit,
    VisitCode,
    VisitEvent,
    VisitStatus,
    VisitStep,
    VisitWay,
    visit_companion,
)
from tests import people
from tests.forms import forms_in
from tests.tools.asked import asked

RECORD = f"/visits/{people.VISIT}"


@pytest.fixture(autouse=True)
def fresh_minute(shared_app):
    for name in ("visits.answers", "visits.digits"):
        shared_app.extensions[name] = Turnstile()


def _all(query):
    db.session.rollback()
    return db.session.scalars(query.execution_options(populate_existing=True)).all()


def _visit(visit_id=people.VISIT):
    return _all(sa.select(Visit).where(Visit.id == visit_id))[0]


def _change(statement):
    with writing():
        db.session.rollback()
        db.session.execute(statement)
        db.session.commit()


class Given:
    """What stands on the officer's phone."""

    def __init__(self, page: str) -> None:
        self.link = re.search(r'value="https://qzq\.example\.cn(/v/[\w-]+)"', page)[1]
        self.digits = re.search(r'id="digits">(\d{3} \d{3})<', page)[1]
        self.page = page


def _ask(client, record=RECORD) -> Given:
    answer = client.submit(record, "ask-form")
    assert answer.status_code == 200, answer.text
    return Given(answer.text)


def _form(client, address):
    return next(f for f in forms_in(client.get(address).text) if f.id == "confirm-form")


def _say(client, address, **values):
    form = _form(client, address)
    return client.post(form.action, data=form.filled(**values))


def _door(city, short="huaxing"):
    query = sa.select(QrCode.token).where(
        QrCode.enterprise_id == getattr(city, short).id, QrCode.revoked_at.is_(None)
    )
    return _all(query)[0]


def _type(client, city, digits, short="huaxing"):
    return client.submit(f"/q/{_door(city, short)}/visit", "digits-form", digits=digits)


def _told():
    return _all(
        sa.select(Notification).where(Notification.kind == "visit_answered").order_by(Notification.id)
    )


# From asking to the answer.


def test_an_officer_asks_and_the_enterprise_confirms(anybody, zhao, city):
    assert "企业未确认" in zhao.get(RECORD).text
    given = _ask(zhao)
    page = anybody.get(given.link).text
    assert "有人来过吗" in page and "赵青" in page and "了解需求" in page and city.huaxing.name in page
    assert "回复隔膜涂覆工艺专家名单" in page
    answer = _say(anybody, given.link, answer="CONFIRMED", text="说错了又收回的话")
    assert (answer.status_code, answer.location) == (303, given.link)
    done = anybody.get(answer.location).text
    assert "已确认，谢谢您" in done and "点一单" in done and "回复隔膜涂覆工艺专家名单" in done
    visit = _visit()
    assert (visit.answer, visit.answer_text, visit.answer_version) == (Answer.CONFIRMED, "", 1)
    assert visit.lat is None  # confirmed without any place
    record = zhao.get(RECORD).text
    assert "企业已确认" in record and "企业回答了走访确认" in record and "回答：— → 已确认" in record
    assert _told() == []  # what is in order is no news


def test_what_is_kept_of_the_codes_opens_nothing(zhao, city):
    given = _ask(zhao)
    db.session.rollback()
    stored = str(db.session.execute(sa.select(VisitCode.__table__)).all())
    token, digits = given.link.removeprefix("/v/"), given.digits.replace(" ", "")
    assert len(token) >= 22 and token not in stored and digits not in stored
    assert given.link not in zhao.get(RECORD).text
    trail = _all(sa.select(AuditEvent).where(AuditEvent.action == "visit_code_given"))
    assert len(trail) == 1 and token not in str(trail[0].detail)


def test_the_symbol_on_the_phone_leads_there_too(anybody, zhao, city, tmp_path):
    import zxingcpp
    from PIL import Image, ImageDraw

    page = _ask(zhao).page
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', page)[1])
    picture = Image.new("L", (side * 8, side * 8), 255)
    draw = ImageDraw.Draw(picture)
    for x, y, n in re.findall(r"M(\d+) (\d+)h(\d+)v1", re.search(r'<path d="([^"]+)"', page)[1]):
        draw.rectangle((int(x) * 8, int(y) * 8, (int(x) + int(n)) * 8 - 1, int(y) * 8 + 7), fill=0)
    text = zxingcpp.read_barcodes(picture)[0].text
    assert text.startswith("https://qzq.example.cn/v/")
    assert "赵青" in anybody.get(text.removeprefix("https://qzq.example.cn")).text


def test_six_digits_at_the_enterprises_own_door_lead_there(anybody, zhao, city):
    digits = _ask(zhao).digits
    full_width = digits.translate({ord(str(n)): 0xFF10 + n for n in range(10)})
    for typed in (digits, digits.replace(" ", ""), full_width):
        answer = _type(anybody, city, typed)
        assert answer.status_code == 303 and answer.location.startswith("/v/")
    assert _say(anybody, answer.location, answer="CONFIRMED").status_code == 303
    assert _visit().answer is Answer.CONFIRMED


def test_the_card_on_the_door_offers_it(anybody, city):
    assert f'href="/q/{_door(city)}/visit"' in anybody.get(f"/q/{_door(city)}").text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"answer": None}, "请选一项"),
        ({"answer": "PERHAPS"}, "请重新选"),
        ({"answer": "DIFFERS"}, "请写一句哪里不一样"),
        ({"answer": "DIFFERS", "text": " \n "}, "请写一句哪里不一样"),
        ({"answer": "DIFFERS", "text": "长" * 501}, "最多 500 个字"),
        ({"answer": "CONFIRMED", "level": "level_9"}, "请重新选"),
        ({"answer": "CONFIRMED", "troubles": ["dragons"]}, "请重新选"),
        ({"answer": "DIFFERS", "text": "a\x01"}, "特殊字符"),
    ],
)
def test_what_is_missing_is_said_and_what_was_written_stays(anybody, zhao, city, values, sentence):
    link = _ask(zhao).link
    answer = _say(anybody, link, **values)
    assert answer.status_code == 422 and sentence in answer.text
    if "长" in values.get("text", ""):
        assert "长" * 501 in answer.text
    assert _visit().answer is None
    assert _all(sa.select(OfficerRating)) == []


def test_nothing_is_chosen_beforehand(anybody, zhao, city):
    page = anybody.get(_ask(zhao).link).text
    assert "checked" not in page
    assert page.count('name="level"') == 5 and page.count('name="troubles"') == 4


@pytest.mark.parametrize(
    ("way", "question"),
    [
        ("ON_SITE", "有人来过吗"),
        ("PHONE", "通过电话吗"),
        ("ONLINE", "开过线上会吗"),
        ("OFFICE", "您来过我们这里吗"),
    ],
)
def test_it_asks_as_one_met(anybody, zhao, city, way, question):
    _change(sa.update(Visit).where(Visit.id == people.VISIT).values(way=VisitWay[way]))
    link = _ask(zhao).link
    page = anybody.get(link).text
    assert question in page and ("没有来过" in page) == (way in ("ON_SITE", "OFFICE"))
    assert _say(anybody, link, answer="DENIED").status_code == 303


# Disputed.


@pytest.mark.parametrize(("said", "word"), [("DIFFERS", "企业说有出入"), ("DENIED", "企业说没有来过")])
def test_a_dispute_is_told_to_who_was_there_and_to_the_lead_and_stands_on_the_record(
    anybody, zhao, li, city, said, word
):
    qian = _all(sa.select(User.id).where(User.username == "qian"))[0]
    _change(visit_companion.insert().values(visit_id=people.VISIT, officer_id=qian))
    link = _ask(zhao).link
    _say(anybody, link, answer=said, text="<b>那天</b>停电，没有人上班")
    told = _told()
    assert len(told) == 3 and {notice.path for notice in told} == {RECORD}
    assert "停电" not in str([notice.details for notice in told])
    for client in (zhao, li):
        notices = client.get("/notices").text
        assert city.huaxing.name in notices and ("有出入" if said == "DIFFERS" else "没有来过") in notices
        record = client.get(RECORD).text
        assert word in record and "&lt;b&gt;那天&lt;/b&gt;停电" in record
    assert "记下了，谢谢您" in anybody.get(link).text
    trail = _all(sa.select(AuditEvent).where(AuditEvent.action == "visit_answered"))
    assert [event.detail["after"] for event in trail] == [said] and "停电" not in str(trail[0].detail)


# Exactly once.


def test_the_same_code_again_shows_what_was_said(anybody, zhao, city):
    link = _ask(zhao).link
    form = _form(anybody, link)
    said = form.filled(answer="DIFFERS", text="来的是两位", level="level_2")
    first, again = (anybody.post(form.action, data=said) for _ in range(2))
    assert (first.location, again.location) == (link, link)
    other = anybody.post(form.action, data=form.filled(answer="CONFIRMED"))
    assert other.status_code == 303 and "notice=visit_answered_before" in other.location
    page = anybody.get(other.location).text
    assert "这次填的没有记" in page and "来的是两位" in page
    visit = _visit()
    assert (visit.answer, visit.answer_version) == (Answer.DIFFERS, 1)
    assert [row.answers for row in _all(sa.select(OfficerRating))] == [1]
    assert len(_all(sa.select(VisitEvent).where(VisitEvent.step == VisitStep.ANSWERED))) == 1


def test_another_code_of_the_visit_shows_it_too(anybody, zhao, city):
    first, second = _ask(zhao), _ask(zhao)
    _say(anybody, first.link, answer="CONFIRMED")
    assert "已确认，谢谢您" in anybody.get(second.link).text


def test_of_two_answers_at_once_one_wins(app, anybody, zhao, city):
    given = _ask(zhao)
    links = [given.link, _type(anybody, city, given.digits).location]
    forms = [_form(anybody, link) for link in links]
    said = [
        {"answer": "CONFIRMED", "level": "level_5"},
        {"answer": "DIFFERS", "text": "不是这天", "level": "level_1"},
    ]
    db.session.remove()
    together, answers = threading.Barrier(2), [None, None]

    def send(n):
        client = app.test_client()
        together.wait()
        answers[n] = client.post(forms[n].action, data=forms[n].filled(**said[n]))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [303, 303]
    assert sum("answered_before" in answer.location for answer in answers) == 1
    visit = _visit()
    assert visit.answer_version == 1
    rating = _all(sa.select(OfficerRating))
    assert [row.answers for row in rating] == [1]
    assert rating[0].level_5 == (visit.answer is Answer.CONFIRMED)
    assert len(_all(sa.select(VisitEvent).where(VisitEvent.step == VisitStep.ANSWERED))) == 1


def test_it_may_be_put_right_for_a_day_and_both_stay_on_the_record(anybody, zhao, city):
    link = _ask(zhao).link
    _say(anybody, link, answer="DENIED")
    form = _form(anybody, f"{link}?again=1")
    assert "level" not in dict(form.fields) and ("answer", "DENIED") in form.fields
    stale = form.filled(answer="DIFFERS", text="来晚了")
    answer = anybody.post(form.action, data=form.filled(answer="CONFIRMED"))
    assert "notice=answer_corrected" in answer.location
    assert "notice=visit_answered_before" in anybody.post(form.action, data=stale).location
    visit = _visit()
    assert (visit.answer, visit.answer_version) == (Answer.CONFIRMED, 2)
    record = zhao.get(RECORD).text
    assert "后来改过" in record and "回答：没有来过 → 已确认" in record
    assert [(n.details["answer"], n.details["corrected"]) for n in _told()][-1] == ("已确认", 1)
    assert "改了对" in zhao.get("/notices").text


def test_later_it_stands(anybody, zhao, city):
    link = _ask(zhao).link
    _say(anybody, link, answer="DENIED")
    form = _form(anybody, f"{link}?again=1")
    _change(sa.update(Visit).values(answered_at=clock.now() - timedelta(hours=24, seconds=1)))
    assert "说错了" not in anybody.get(link).text
    assert "confirm-form" not in anybody.get(f"{link}?again=1").text
    anybody.post(form.action, data=form.filled(answer="CONFIRMED"))
    assert _visit().answer is Answer.DENIED
    assert "ask-form" not in zhao.get(RECORD).text
    again = zhao.post(f"{RECORD}/confirmation", data={"csrf_token": zhao.token()})
    assert again.status_code == 409 and "已经回答过" in again.text


def test_nobody_plays_with_it_for_ever(anybody, zhao, city):
    link = _ask(zhao).link
    _say(anybody, link, answer="DENIED")
    for n in range(10):
        page = anybody.get(f"{link}?again=1").text
        if "confirm-form" not in page:
            break
        _say(anybody, f"{link}?again=1", answer=("CONFIRMED", "DENIED")[n % 2])
    assert _visit().answer_version == confirming.MOST_ANSWERS
    assert "说错了" not in anybody.get(link).text


def test_an_edit_of_the_record_after_the_answer_is_said(anybody, zhao, city):
    _say(anybody, _ask(zhao).link, answer="CONFIRMED")
    assert "又改过" not in zhao.get(RECORD).text
    zhao.submit(f"{RECORD}/edit", "visit-form", said="补一句")
    assert "又改过" not in zhao.get(RECORD).text  # the enterprise was not shown what was said
    zhao.submit(f"{RECORD}/edit", "visit-form", purposes=["POLICY"])
    assert "企业回答以后，这条记录又改过" in zhao.get(RECORD).text


def test_an_answer_is_no_edit(anybody, zhao, city):
    """Somebody who has the record open to edit is not told that it changed under them."""
    form = zhao.form(f"{RECORD}/edit", "visit-form")
    _say(anybody, _ask(zhao).link, answer="CONFIRMED")
    answer = zhao.post(form.action, data=form.filled(said="写完了"))
    assert answer.status_code == 303 and _visit().said == "写完了" and _visit().answer is Answer.CONFIRMED


# Codes that lead nowhere.


def test_guessed_codes_hit_nothing(anybody, zhao, city):
    link = _ask(zhao).link
    for guess in (
        link[:-1],
        link + "A",
        link.swapcase().replace("/V/", "/v/"),
        "/v/" + "x" * 22,
        "/v/%00",
        "/v/" + "é" * 22,
    ):
        answer = anybody.get(guess)
        assert answer.status_code == 404, guess
        assert anybody.post(guess, data={"answer": "CONFIRMED"}).status_code == 404
    assert "让来访的干部再出示一次" in anybody.get("/v/" + "x" * 22).text
    assert _visit().answer is None


def test_a_thousand_guesses_hit_nothing(app, anybody, zhao, city, monkeypatch):
    monkeypatch.setitem(app.config, "CARD_VIEWS_PER_MINUTE", 10_000)
    _ask(zhao)
    met = {anybody.get(f"/v/{secrets.token_urlsafe(16)}").status_code for _ in range(1000)}
    assert met == {404}


def test_an_old_code_says_no_more_than_that_it_is_old(anybody, zhao, city):
    link = _ask(zhao).link
    form = _form(anybody, link)
    _change(sa.update(VisitCode).values(expires_at=clock.now() - timedelta(seconds=1)))
    for answer in (anybody.get(link), anybody.post(form.action, data=form.filled(answer="CONFIRMED"))):
        assert answer.status_code == 410 and "已经失效" in answer.text and "0472-5550101" in answer.text
        assert "赵青" not in answer.text and city.huaxing.name not in answer.text
    assert _visit().answer is None


def test_codes_live_as_long_as_the_settings_say(zhao, city):
    _ask(zhao)
    codes = {code.kind.name: code.expires_at - code.issued_at for code in _all(sa.select(VisitCode))}
    assert codes == {"SHOWN": timedelta(minutes=30), "LINK": timedelta(days=7)}


def test_what_was_said_can_be_read_again_after_the_code_on_the_phone_has_run_out(anybody, zhao, city):
    address = _type(anybody, city, _ask(zhao).digits).location
    _say(anybody, address, answer="CONFIRMED")
    code = max(_all(sa.select(VisitCode)), key=lambda code: code.id)
    assert code.expires_at - code.issued_at > timedelta(days=6)


def test_codes_are_taken_back(anybody, zhao, city):
    given = _ask(zhao)
    assert zhao.submit(RECORD, "take-back-form").status_code == 303
    answer = anybody.get(given.link)
    assert answer.status_code == 410 and "收回" in answer.text
    assert _type(anybody, city, given.digits).status_code == 422
    assert "take-back-form" not in zhao.get(RECORD).text
    assert len(_all(sa.select(AuditEvent).where(AuditEvent.action == "visit_codes_revoked"))) == 1


def test_a_new_code_takes_the_place_of_the_one_that_was_shown_and_sent_links_go_on(anybody, zhao, city):
    first, second = _ask(zhao), _ask(zhao)
    assert _type(anybody, city, first.digits).status_code == 422
    assert _type(anybody, city, second.digits).status_code == 303
    assert anybody.get(first.link).status_code == 200


def test_a_visit_that_was_called_off_is_not_confirmed(anybody, zhao, city):
    _change(sa.update(Visit).where(Visit.id == people.VISIT).values(status=VisitStatus.ARRIVED))
    link = _ask(zhao).link
    _change(sa.update(Visit).where(Visit.id == people.VISIT).values(status=VisitStatus.CANCELLED))
    answer = anybody.get(link)
    assert answer.status_code == 410 and "已经取消" in answer.text
    assert "ask-form" not in zhao.get(RECORD).text
    asked = zhao.post(f"{RECORD}/confirmation", data={"csrf_token": zhao.token()})
    assert asked.status_code == 409 and "不用请企业确认" in asked.text


# Six digits.


def test_digits_count_at_that_enterprise_only(anybody, zhao, city):
    digits = _ask(zhao).digits
    for short in ("beichen", "chuntian", "yuanshan"):
        answer = _type(anybody, city, digits, short)
        assert answer.status_code == 422 and "没有这个确认码" in answer.text


@pytest.mark.parametrize("typed", ["", "12", "1234567", "abcdef", "１２", "<b>", "٠١٢٣٤٥"])
def test_what_are_no_six_digits_is_said(anybody, zhao, city, typed):
    _ask(zhao)
    answer = _type(anybody, city, typed)
    assert answer.status_code == 422 and ("6 位数字" in answer.text or "没有这个确认码" in answer.text)


def test_after_some_wrong_tries_the_digits_are_no_good_any_more_but_the_symbol_is(
    app, anybody, zhao, city, monkeypatch
):
    monkeypatch.setitem(app.config, "VISIT_CODE_WRONG_TRIES", 3)
    given = _ask(zhao)
    right = given.digits.replace(" ", "")
    wrong = f"{(int(right) - 99_999) % 900_000 + 100_000}"
    for _ in range(3):
        assert _type(anybody, city, wrong).status_code == 422
    assert _type(anybody, city, right).status_code == 422
    assert anybody.get(given.link).status_code == 200
    assert _type(anybody, city, _ask(zhao).digits).status_code == 303


def test_digits_cannot_be_tried_by_the_dozen(app, anybody, zhao, city, monkeypatch):
    monkeypatch.setitem(app.config, "CODE_TRIES_PER_MINUTE", 3)
    answers = [_type(anybody, city, "111111") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
    assert int(answers[3].headers["Retry-After"]) > 0


def test_pages_cannot_be_opened_by_the_hundred(app, anybody, monkeypatch):
    monkeypatch.setitem(app.config, "CARD_VIEWS_PER_MINUTE", 2)
    codes = [anybody.get("/v/" + "x" * 22).status_code for _ in range(3)]
    assert codes == [404, 404, 429]


def test_a_revoked_and_an_unknown_door_have_a_way_out(anybody, city):
    door = _door(city)
    _change(sa.update(QrCode).where(QrCode.token == door).values(revoked_at=clock.now()))
    assert anybody.get(f"/q/{door}/visit").status_code == 410
    assert anybody.get("/q/" + "x" * 22 + "/visit").status_code == 404


# Who may ask, and who may not answer.


def test_who_asks_is_who_was_there_or_serves_the_enterprise(zhao, qian, sun, li, zhou, city):
    assert qian.submit(RECORD, "ask-form").status_code == 200  # helps there
    assert "ask-form" not in li.get(RECORD).text
    for client, status in ((li, 403), (sun, 404), (zhou, 404)):
        for act in ("confirmation", "confirmation/revoke"):
            answer = client.post(f"{RECORD}/{act}", data={"csrf_token": client.token()})
            assert answer.status_code == status


def test_the_officer_sees_what_the_enterprise_sees_and_cannot_answer(zhao, city):
    link = _ask(zhao).link
    page = zhao.get(link).text
    assert "企业看到的就是这一页" in page and "confirm-form" not in page
    answer = zhao.post(link, data={"answer": "CONFIRMED", "csrf_token": zhao.token()})
    assert answer.status_code == 403 and "请企业自己确认" in answer.text
    assert _visit().answer is None


def test_an_old_browser_that_tells_no_origin_is_heard_and_another_site_is_not(anybody, zhao, city):
    link = _ask(zhao).link
    form = _form(anybody, link)
    said = form.filled(answer="CONFIRMED")
    assert anybody.post(form.action, data=said, headers={"Origin": "https://evil.example"}).status_code == 403
    assert anybody.post(form.action, data=said, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert anybody.post(form.action, data=said, headers={"Origin": "null"}).status_code == 303
    assert anybody.post("/login", data={}, headers={"Origin": "null"}).status_code == 403


def test_every_answer_stays_out_of_search_engines_and_referrers(anybody, zhao, city):
    given = _ask(zhao)
    for address in (given.link, "/v/" + "x" * 22, f"/q/{_door(city)}/visit"):
        headers = anybody.get(address).headers
        assert "noindex" in headers["X-Robots-Tag"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_the_pages_are_small_and_work_without_script(anybody, zhao, city):
    link = _ask(zhao).link
    for address in (link, f"/q/{_door(city)}/visit"):
        page = anybody.get(address)
        size = len(page.get_data())
        for part in set(re.findall(r'(?:href|src)="(/s/[^"#]+)', page.text)):
            size += len(anybody.get(part, headers={"Accept-Encoding": "gzip"}).get_data())
        assert size < 60_000, (address, size)
        assert "hx-" not in page.text.replace("htmx-config", "") and "<script" in page.text


def test_the_pages_speak_english_too(anybody, zhao, city):
    """What is left in Chinese is what people wrote, and names."""
    given = _ask(zhao)
    written = (
        "华星新能源材料有限公司",
        "赵青",
        "赵",
        "一队",
        "回复隔膜涂覆工艺专家名单",
        "中文",
        "早来了一天",
    )
    pages = [anybody.get(f"{given.link}?lang=en").text]
    form = next(f for f in forms_in(pages[0]) if f.id == "confirm-form")
    pages.append(anybody.post(form.action, data=form.filled(answer="DIFFERS")).text)
    assert 'name="lang" value="en"' in pages[1]
    done = anybody.post(form.action, data=form.filled(answer="DIFFERS", text="早来了一天"))
    pages.append(anybody.get(done.location).text)
    again = re.search(r'href="(/v/[^"]+again=1[^"]*)"', pages[-1])[1].replace("&amp;", "&")
    pages.append(anybody.get(again).text)
    pages += [anybody.get(f"{path}?lang=en").text for path in ("/v/" + "x" * 22, f"/q/{_door(city)}/visit")]
    for page in pages:
        for word in written:
            page = page.replace(word, "")
        assert not re.findall("[\u4e00-\u9fff]+", page)


# Nothing of anybody else.


MARKERS = (
    "私下说的话", "周岚", "13812345621", "技术副总", "隔膜涂覆均匀性攻关", "另一次走访说的", "取消的原因在此", "远处的原因", "审阅的话", "别处的企业"
)  # fmt: skip


@pytest.fixture
def marked(app, city):
    """The visit with everything that must not be told, and another one beside it."""
    zhao = _all(sa.select(User.id).where(User.username == "zhao"))[0]
    with writing():
        db.session.rollback()
        visit = db.session.get(Visit, people.VISIT)
        visit.said, visit.far_reason, visit.review_comment = "私下说的话", "远处的原因", "审阅的话"
        visit.lat, visit.lng, visit.distance, visit.override_reason = (
            40.1234567,
            109.7654321,
            4711,
            "取消的原因在此",
        )
        db.session.add(
            Visit(
                id=uuid7(), enterprise_id=city.huaxing.id, officer_id=zhao, status=VisitStatus.RECORDED,
                arrived_at=clock.now() - timedelta(days=20), way=VisitWay.ON_SITE, purposes=["POLICY"], said="另一次走访说的",
            )
        )  # fmt: skip
        db.session.get(Enterprise, city.huaxing.id).address = "别处的企业"
        db.session.commit()


def test_no_word_of_what_was_said_and_nobody_of_the_enterprise(anybody, zhao, city, marked):
    given = _ask(zhao)
    hidden = [*MARKERS, "40.1234567", "4711", "政策宣讲", city.huaxing.uscc, "李望", "钱禾", "孙岚"]
    pages = [anybody.get(given.link)]
    _say(anybody, given.link, answer="DIFFERS", text="时间不对")
    pages += [
        anybody.get(given.link),
        anybody.get(f"{given.link}?again=1"),
        anybody.get(f"/q/{_door(city)}/visit"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert not [word for word in hidden if word in page.text]
    assert "赵青" not in pages[-1].text  # the door itself names nobody
    assert _all(sa.select(Contact.name).where(Contact.name == "周岚"))


# Ratings.


def _rate(anybody, zhao, city, count, level="level_4", troubles=()):
    """`count` visits of zhao's, confirmed and rated."""
    zhao_id = _all(sa.select(User.id).where(User.username == "zhao"))[0]
    for _ in range(count):
        visit_id = uuid7()
        with writing():
            db.session.rollback()
            db.session.add(
                Visit(
                    id=visit_id, enterprise_id=city.huaxing.id, officer_id=zhao_id, status=VisitStatus.RECORDED,
                    arrived_at=clock.now() - timedelta(hours=1), way=VisitWay.ON_SITE, purposes=[],
                )
            )  # fmt: skip
            db.session.commit()
        link = _ask(zhao, f"/visits/{visit_id}").link
        _say(anybody, link, answer="CONFIRMED", level=level, troubles=list(troubles))


def _months_go_by(days):
    for table in (OfficerRating, TeamRating):
        _change(sa.update(table).values(month=(clock.today() - timedelta(days=days)).replace(day=1)))


def test_a_rating_is_a_sum_and_leads_nowhere(anybody, zhao, city):
    _rate(anybody, zhao, city, 2, troubles=["too_often"])
    for table, whose in ((OfficerRating, "user"), (TeamRating, "team")):
        rows = _all(sa.select(table))
        assert len(rows) == 1
        row = rows[0]
        assert (row.answers, row.level_4, row.too_often, row.level_5, row.month.day) == (2, 2, 2, 0, 1)
        columns = set(table.__table__.c.keys())
        assert not columns & {"id", "visit_id", "enterprise_id", "code_id", "at", "created_at", "updated_at"}
        assert {key.column.table.name for key in table.__table__.foreign_keys} == {whose}
    # Nor is it told anywhere else: not on the record, in its history, the trail, or a notice.
    db.session.rollback()
    for table in (Visit, VisitEvent, AuditEvent, Notification, VisitCode):
        assert "level_4" not in str(db.session.execute(sa.select(table.__table__)).all())
        assert "too_often" not in str(db.session.execute(sa.select(table.__table__)).all())


def test_a_joint_visit_counts_for_each_and_once_for_the_team(anybody, zhao, city):
    qian = _all(sa.select(User.id).where(User.username == "qian"))[0]
    _change(visit_companion.insert().values(visit_id=people.VISIT, officer_id=qian))
    _say(anybody, _ask(zhao).link, answer="CONFIRMED", level="level_5")
    assert [row.level_5 for row in _all(sa.select(OfficerRating))] == [1, 1]
    assert [row.level_5 for row in _all(sa.select(TeamRating))] == [1]


def test_where_nobody_came_nothing_is_rated(anybody, zhao, city):
    _say(anybody, _ask(zhao).link, answer="DENIED", level="level_1", troubles=["too_often"])
    assert _all(sa.select(OfficerRating)) == [] and _all(sa.select(TeamRating)) == []


def test_who_says_nothing_more_is_not_counted(anybody, zhao, city):
    _say(anybody, _ask(zhao).link, answer="CONFIRMED")
    assert _all(sa.select(OfficerRating)) == []


def test_ratings_are_shown_from_five_on_and_never_while_the_month_lasts(anybody, zhao, li, city):
    nothing, some = "还没有可以看的评价", "4.0</span>"
    _rate(anybody, zhao, city, 4, troubles=["bad_time"])
    _months_go_by(40)
    assert nothing in zhao.get("/me/outcomes?period=all").text
    assert nothing in li.get("/lead?period=year").text
    for table in (OfficerRating, TeamRating):
        _change(sa.delete(table))
    _rate(anybody, zhao, city, 5, troubles=["bad_time"])
    assert nothing in zhao.get("/me/outcomes?period=all").text  # this month is not over
    _months_go_by(40)
    page = zhao.get("/me/outcomes?period=all").text
    assert some in page and "5 份" in page and "选的时间不合适" not in page
    zhao_id = _all(sa.select(User.id).where(User.username == "zhao"))[0]
    assert some in li.get(f"/officers/{zhao_id}/outcomes?period=all").text


def test_the_lead_sees_troubles_counted(anybody, zhao, li, city):
    _rate(anybody, zhao, city, 5, troubles=["bad_time"])
    _months_go_by(clock.today().day)  # the month before, which may lie in the quarter before
    pages = [li.get(f"/lead?period={period}").text for period in ("quarter", "last-quarter")]
    assert sum("选的时间不合适 5" in page for page in pages) == 1
    assert sum("4.0</span>" in page for page in pages) == 1


# Lists and numbers.


@pytest.fixture
def mixed(anybody, zhao, city):
    """One confirmed, one disputed, one denied, one without an answer."""
    zhao_id = _all(sa.select(User.id).where(User.username == "zhao"))[0]
    made = []
    with writing():
        db.session.rollback()
        for n in range(3):
            made.append(uuid7())
            db.session.add(
                Visit(
                    id=made[n], enterprise_id=city.huaxing.id, officer_id=zhao_id, status=VisitStatus.ACCEPTED,
                    arrived_at=clock.now() - timedelta(minutes=n + 1), way=VisitWay.ON_SITE, purposes=["NEEDS"],
                )
            )  # fmt: skip
        db.session.commit()
    for visit_id, said in zip(made, ("CONFIRMED", "DIFFERS", "DENIED"), strict=True):
        _say(anybody, _ask(zhao, f"/visits/{visit_id}").link, answer=said, text="不一样")
    return made


def _rows(client, address):
    return re.findall(r'<a class="row-title[^"]*" href="/visits/([0-9a-f-]{36})"', client.get(address).text)


def test_the_list_is_narrowed_by_what_enterprises_say(zhao, li, mixed):
    confirmed, differs, denied = map(str, mixed)
    for client in (zhao, li):
        assert _rows(client, "/visits?confirmed=yes") == [confirmed]
        assert _rows(client, "/visits?confirmed=no") == [str(people.VISIT)]
        assert _rows(client, "/visits?confirmed=disputed") == [differs, denied]
        assert len(_rows(client, "/visits?confirmed=dragons")) == 4
        assert _rows(client, "/visits?confirmed=yes&state=planned") == []
    assert "企业说有出入" in zhao.get("/visits?confirmed=disputed").text


def test_another_team_sees_none_of_it(sun, zhou, mixed):
    for client in (sun, zhou):
        assert not set(map(str, mixed)) & set(_rows(client, "/visits?confirmed=yes"))


def test_the_casefile_shows_what_the_enterprise_said(zhao, city, mixed):
    page = zhao.get(f"/enterprises/{city.huaxing.id}?kind=visit").text
    assert [page.count(word) for word in ("企业已确认", "企业说有出入", "企业说没有来过", "企业未确认")] == [
        1,
        1,
        1,
        1,
    ]


def test_the_export_tells_it(zhao, mixed):
    from io import BytesIO

    from python_calamine import CalamineWorkbook

    answer = zhao.get("/visits.xlsx?confirmed=disputed")
    rows = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    head = next(row for row in rows if "企业确认" in row)
    at = head.index("企业确认")
    told = [row[at : at + 2] for row in rows[rows.index(head) + 1 :]]
    assert told == [["有出入", "不一样"], ["没有来过", "不一样"]]
    assert "企业说有出入" in str(rows[:2])


def test_outcomes_tell_how_many_are_confirmed_with_the_visits_behind(zhao, li, mixed):
    zhao_id = _all(sa.select(User.id).where(User.username == "zhao"))[0]
    for client, base in ((zhao, "/me/outcomes"), (li, f"/officers/{zhao_id}/outcomes")):
        page = client.get(f"{base}?period=all").text
        chips = re.findall(r'href="([^"]+)" data-answers="(\w*)" data-number="(\d+)"', page)
        assert [(name, int(number)) for _url, name, number in chips] == [
            ("", 4),
            ("yes", 1),
            ("no", 1),
            ("disputed", 2),
        ]
        for url, name, number in chips:
            rows = _rows(client, url.replace("&amp;", "&"))
            assert len(rows) == int(number), name


def test_the_board_counts_them_and_nothing_ranks_anybody(li, zhou, mixed):
    page = li.get("/lead").text
    numbers = dict(re.findall(r'data-figure="answers-(\w+)" data-number="(\d+)"', page))
    quarter_has_both = int(numbers["no"]) in (0, 1)  # the cast's own visit was ten days ago
    assert (numbers["yes"], numbers["disputed"]) == ("1", "2") and quarter_has_both
    assert (
        "answers-yes" not in zhou.get("/lead").text
        or 'answers-yes" data-number="0"' in zhou.get("/lead").text
    )
    assert "answers" not in re.search(r'<table class="table workload">.*?</table>', page, re.S)[0]


def test_old_codes_are_tidied_away(zhao, city):
    _ask(zhao)
    _change(sa.update(VisitCode).values(expires_at=clock.now() - timedelta(days=91)))
    db.session.remove()
    assert dict(tidy(clock.now()))["visit codes"] == 2
    assert _all(sa.select(VisitCode)) == []


def test_the_pages_ask_a_bounded_number_of_questions(anybody, zhao, city):
    def count(act):
        with asked(db.engine) as statements:
            act()
        return len(statements)

    link = _ask(zhao).link
    assert count(lambda: anybody.get(link)) == 3
    form = _form(anybody, link)
    said = form.filled(answer="CONFIRMED", level="level_4")
    # What is shown; the answer, its line, the code; two sums; the trail.
    assert count(lambda: anybody.post(form.action, data=said)) <= 9
    assert count(lambda: anybody.get(link)) == 3
    token = zhao.token()
    assert count(lambda: zhao.post(f"{RECORD}/confirmation", data={"csrf_token": token})) <= 10
    assert count(lambda: anybody.get(f"/q/{_door(city)}/visit")) <= 2


# When it would rather not be visited.


def _wish(anybody, link, times):
    form = next(f for f in forms_in(anybody.get(f"{link}/quiet").text) if f.id == "quiet-form")
    return anybody.post(form.action, data=form.filled(times=times))


def test_the_enterprise_says_when_it_would_rather_not_be_visited_and_the_officer_takes_it_up(
    anybody, zhao, city
):
    link, casefile = _ask(zhao).link, f"/enterprises/{city.huaxing.id}"
    _say(anybody, link, answer="CONFIRMED")
    assert f'href="{link}/quiet"' in anybody.get(link).text
    for _ in range(2):  # once however often it is sent
        answer = _wish(anybody, link, "周五下午")
        assert answer.status_code == 303 and "notice=quiet_asked" in answer.location
    told = _all(sa.select(Notification).where(Notification.kind == "quiet_asked"))
    assert [(notice.path, notice.details["times"]) for notice in told] == [(casefile, "周五下午")]
    assert _all(sa.select(Enterprise.quiet_times).where(Enterprise.id == city.huaxing.id)) == [""]
    assert "希望这些时间不打扰：周五下午" in zhao.get("/notices").text
    assert zhao.submit(casefile, "quiet-take").status_code == 303
    page = zhao.get(casefile).text
    assert "企业免打扰：周五下午" in page and "quiet-take" not in page
    assert "现在登记的是：周五下午" in anybody.get(f"{link}/quiet").text
    trail = {event.action for event in _all(sa.select(AuditEvent))}
    assert {"quiet_times_asked", "quiet_times_set"} <= trail


def test_the_officer_may_leave_it_and_decides_what_was_read(anybody, zhao, sun, city):
    link, casefile = _ask(zhao).link, f"/enterprises/{city.huaxing.id}"
    _wish(anybody, link, "从早到晚")
    stale = zhao.form(casefile, "quiet-take")
    _wish(anybody, link, "12:00–14:00")
    answer = zhao.post(stale.action, data=stale.filled(entry_id=str(uuid7())))
    assert answer.status_code == 409 and "又改了" in answer.text
    assert sun.post(stale.action, data={"csrf_token": sun.token()}).status_code == 404
    assert zhao.submit(casefile, "quiet-leave").status_code == 303
    assert _all(sa.select(Enterprise.quiet_times).where(Enterprise.id == city.huaxing.id)) == [""]
    assert "quiet-take" not in zhao.get(casefile).text


@pytest.mark.parametrize("times", ["", "  ", "长" * 201, "a\x01"])
def test_a_wish_without_words_is_asked_again(anybody, zhao, city, times):
    answer = _wish(anybody, _ask(zhao).link, times)
    assert answer.status_code == 422
    assert _all(sa.select(Enterprise.quiet_asked).where(Enterprise.id == city.huaxing.id)) == [""]


def test_only_who_holds_a_code_may_wish(anybody, zhao, city):
    link = _ask(zhao).link
    assert anybody.get("/v/" + "x" * 22 + "/quiet").status_code == 404
    assert zhao.get(f"{link}/quiet").status_code == 403
    zhao.submit(RECORD, "take-back-form")
    assert anybody.get(f"{link}/quiet").status_code == 410
    assert anybody.post(f"{link}/quiet", data={"times": "周五"}).status_code == 410
