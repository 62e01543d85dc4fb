"""An enterprise orders at its own door: once, without an account, and nothing it typed is lost."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import Team
from fieldapp.attachments.models import Attachment
from fieldapp.audit.models import AuditEvent
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.models import Need, NeedSource, NeedStatus
from fieldapp.notices.models import Channel, ChannelKind, Delivery, Notification
from fieldapp.orders import rules
from fieldapp.orders.actions import forget_callers
from fieldapp.orders.models import Order
from tests import papers
from tests.forms import forms_in
from tests.photos import jpeg

WORDS = {
    "kind": "RESEARCH", "title": "涂层容易起泡", "contact_name": "刘工", "phone": "13812345678", "agreed": "y",
}  # fmt: skip


@pytest.fixture
def token(city):
    found = db.session.scalar(
        sa.select(QrCode.token).where(QrCode.enterprise_id == city.huaxing.id, QrCode.revoked_at.is_(None))
    )
    db.session.rollback()
    return found


@pytest.fixture
def patient(app, monkeypatch):
    """Nobody waits three seconds in here."""
    monkeypatch.setattr(rules, "FASTEST", timedelta(0))


def _form(client, token):
    return next(f for f in forms_in(client.get(f"/q/{token}/order").text) if f.id == "order-form")


def _order(client, token, form=None, **values):
    form = form or _form(client, token)
    return client.post(f"/q/{token}/order", data=form.filled(**(WORDS | values)))


def _count(model):
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model))


def _told_of_orders():
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).where(AuditEvent.action == "order_placed"))


def _orders():
    db.session.rollback()
    query = sa.select(Order).order_by(Order.created_at).execution_options(populate_existing=True)
    return db.session.scalars(query).all()


def test_the_trail_keeps_no_address_of_an_enterprise(anybody, token, patient):
    """As its privacy text promises: the order has a hash that cannot be turned back, the trail has nothing."""
    form = _form(anybody, token)
    here = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}
    assert anybody.post(f"/q/{token}/order", data=form.filled(**WORDS), **here).status_code == 303
    row = db.session.execute(sa.select(AuditEvent).where(AuditEvent.action == "order_placed")).scalar_one()
    assert row.address == "" and "198.51.100.7" not in _orders()[-1].address


def test_an_order_is_a_need_that_waits_to_be_accepted(anybody, token, patient, city):
    answer = _order(
        anybody, token, description="夏天更明显", deadline=clock.today() + timedelta(days=30), budget="UNDER_50",
        **{"indicators-0-name": "附着力", "indicators-0-now": "3", "indicators-0-target": "5", "indicators-0-unit": "MPa"},
        photos=[(BytesIO(jpeg()), "泡.jpg")],
    )  # fmt: skip
    assert answer.status_code == 303
    order = _orders()[0]
    need = db.session.get(Need, order.need_id)
    assert (need.source, need.status, need.title, need.author_id) == (
        NeedSource.ORDER, NeedStatus.SUBMITTED, "涂层容易起泡", None,
    )  # fmt: skip
    assert need.indicators == [{"name": "附着力", "now": "3", "target": "5", "unit": "MPa"}]
    assert (order.contact_name, order.phone, order.budget.name, order.privacy) == (
        "刘工", "13812345678", "UNDER_50", rules.PRIVACY,
    )  # fmt: skip
    assert _count(Attachment) == 1
    trail = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "order_placed")).one()
    assert "13812345678" not in str(trail.detail) and "刘工" not in str(trail.detail)
    page = anybody.get(answer.location).text
    assert "点单已收到" in page and rules.shown_number(order.number) in page and "等服务团受理" in page
    assert "13812345678" not in page and "刘工" not in page


def test_the_officer_and_the_lead_are_told(anybody, zhao, token, patient, city):
    _order(anybody, token)
    told = db.session.scalars(sa.select(Notification.kind)).all()
    assert told == ["order_placed"] * 2
    notices = zhao.get("/notices").text
    assert "点单：涂层容易起泡" in notices


@pytest.mark.parametrize("gone", ["no lead", "a disabled one", "no team"])
def test_where_nobody_could_accept_it_the_admins_are_told(anybody, zhao, wu, token, patient, city, gone):
    with writing():
        team = db.session.scalar(sa.select(Team).where(Team.name == "一队"))
        if gone == "a disabled one":
            team.leads[0].active = False
        elif gone == "no lead":
            team.leads.clear()
        else:
            db.session.execute(sa.update(Enterprise).values(team_id=None))
        db.session.commit()
    _order(anybody, token)
    told = db.session.scalars(sa.select(Notification).where(Notification.kind == "order_unheard")).all()
    assert len(told) == 1
    assert "可是没有负责人来受理" in wu.get("/notices").text and "涂层" not in wu.get("/notices").text


def test_the_teams_robot_is_told_that_there_is_an_order_but_not_what_it_says(anybody, token, patient, city):
    with writing():
        team_id = db.session.scalar(sa.select(Team.id).where(Team.name == "一队"))
        db.session.add(Channel(team_id=team_id, kind=ChannelKind.WECOM, target="x" * 30))
        db.session.commit()
    _order(anybody, token)
    (sent,) = db.session.execute(sa.select(Delivery.kind, Delivery.details, Delivery.path)).all()
    assert (
        sent.kind == "order_placed"
        and set(sent.details) == {"enterprise"}
        and sent.path.startswith("/needs/")
    )


def test_pressed_ten_times_it_is_one_order(anybody, token, patient, city):
    form = _form(anybody, token)
    answers = [_order(anybody, token, form) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [303] * 10
    assert len({answer.location.partition("?")[0] for answer in answers}) == 1
    assert _count(Order) == 1
    assert "已经提交过了" in anybody.get(answers[9].location).text


def test_pressed_at_the_same_moment_it_is_one_order(app, anybody, token, patient, city):
    form, needs = _form(anybody, token), _count(Need)
    db.session.remove()
    together, answers = threading.Barrier(6), [None] * 6

    def send(n):
        client = app.test_client()
        together.wait()
        answers[n] = _order(client, token, form)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [303] * 6
    assert len({answer.location.partition("?")[0] for answer in answers}) == 1
    assert _count(Order) == 1 and _count(Need) == needs + 1


def test_the_way_back_and_sent_once_more_asks_whether_it_is_another_one(anybody, token, patient):
    """The browser opens a new form, with every old word in it: no hint that it was sent."""
    first = _order(anybody, token)
    assert first.status_code == 303
    again = _order(anybody, token)
    assert again.status_code == 409 and "一模一样" in again.text and _count(Order) == 1
    number = rules.shown_number(_orders()[0].number)
    assert number in again.text and first.location.partition("?")[0] in again.text
    form = next(f for f in forms_in(again.text) if f.id == "order-form")
    assert _order(anybody, token, form).status_code == 303 and _count(Order) == 2


def test_another_order_pressed_at_the_same_moment_is_one_more_and_told_once(app, anybody, token, patient):
    """Of five that come at once four find their order there: what they would have told of it is undone with them."""
    _order(anybody, token)
    form = next(f for f in forms_in(_order(anybody, token).text) if f.id == "order-form")
    db.session.remove()
    at_once, answers = threading.Barrier(5), [None] * 5

    def send(n):
        client = app.test_client()
        at_once.wait()
        answers[n] = _order(client, token, form)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {303}
    assert _count(Order) == 2 and _told_of_orders() == 2


def test_the_same_words_at_another_door_or_a_day_later_are_another_order(anybody, token, patient, city):
    assert _order(anybody, token).status_code == 303
    with writing():
        db.session.execute(sa.update(Order).values(created_at=clock.now() - timedelta(hours=2)))
        db.session.commit()
    assert _order(anybody, token).status_code == 303
    elsewhere = db.session.scalar(
        sa.select(QrCode.token).where(QrCode.enterprise_id == city.beichen.id, QrCode.revoked_at.is_(None))
    )
    db.session.rollback()
    assert _order(anybody, elsewhere).status_code == 303 and _count(Order) == 3


def test_a_browser_that_fills_the_trap_by_itself_gets_through_the_second_time(anybody, token, patient):
    answer = _order(anybody, token, home_page="https://example.cn")
    assert answer.status_code == 422 and _count(Order) == 0
    form = next(f for f in forms_in(answer.text) if f.id == "order-form")
    assert anybody.post(f"/q/{token}/order", data=form.filled(agreed="y")).status_code == 303


def test_an_indicator_without_its_name_is_told_in_words(anybody, token, patient):
    answer = _order(anybody, token, **{"indicators-0-now": "5"})
    assert answer.status_code == 422 and "有一行还没填好" in answer.text and "还差指标的名字" in answer.text
    assert "{&#39;" not in answer.text and "{'" not in answer.text and 'id="indicators"' in answer.text


def test_a_code_replaced_while_somebody_writes_says_where_the_words_are(anybody, li, token, patient, city):
    form, before = _form(anybody, token), anybody.get(f"/q/{token}/order").text
    assert li.submit(f"/enterprises/{city.huaxing.id}/qr", 0, reason="贴纸掉了", sure="y").status_code == 303
    answer = _order(anybody, token, form)
    assert answer.status_code == 410 and "还在这台手机上" in answer.text
    assert "还在这台手机上" not in anybody.get(f"/q/{token}/order").text
    now = db.session.scalar(
        sa.select(QrCode.token).where(QrCode.enterprise_id == city.huaxing.id, QrCode.revoked_at.is_(None))
    )
    db.session.rollback()
    door = re.search(r'data-door="(\w+)"', before)[1]
    assert f'data-door="{door}"' in anybody.get(f"/q/{now}/order").text and str(city.huaxing.id) != door


def test_other_words_from_a_sent_form_are_not_lost_and_not_mixed_up(anybody, token, patient, city):
    """The visitor went back, changed the words, and pressed again."""
    form = _form(anybody, token)
    _order(anybody, token, form)
    again = _order(anybody, token, form, title="还缺一名电镀工程师", kind="TALENT")
    assert again.status_code == 409 and "先前已经交过" in again.text and "还缺一名电镀工程师" in again.text
    assert _count(Order) == 1
    second = next(f for f in forms_in(again.text) if f.id == "order-form")
    assert anybody.post(f"/q/{token}/order", data=second.filled(agreed="y")).status_code == 303
    db.session.rollback()
    titles = db.session.scalars(sa.select(Need.title).where(Need.source == NeedSource.ORDER)).all()
    assert sorted(titles) == sorted(["涂层容易起泡", "还缺一名电镀工程师"])


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ({"title": " "}, "请用一句话说清难题"),
        ({"kind": None}, "请选一类"),
        ({"contact_name": ""}, "请填怎么称呼您"),
        ({"phone": "138"}, "电话好像没写全"),
        ({"agreed": None}, "同意了再提交"),
        ({"title": "长" * 201}, "最多 200 个字"),
        ({"deadline": "2020-01-01"}, "不能早于今天"),
        ({"indicators-1-now": "3"}, "还差指标的名字"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(anybody, token, patient, city, missing, sentence):
    answer = _order(anybody, token, description="夏天更明显", **missing)
    assert answer.status_code == 422 and sentence in answer.text and "夏天更明显" in answer.text
    assert _count(Order) == 0


def test_scripts_and_emoji_are_words(anybody, zhao, token, patient, city):
    assert (
        _order(anybody, token, title="<script>alert(1)</script>🔥", contact_name="<b>刘").status_code == 303
    )
    page = zhao.get(f"/needs/{_orders()[0].need_id}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;🔥" in page and "<b>刘" not in page


def test_what_no_person_fills_in_and_no_person_does_so_fast_is_asked_again(anybody, token, city):
    fast = _order(anybody, token)
    assert fast.status_code == 422 and "提交得太快了" in fast.text and "涂层容易起泡" in fast.text
    assert _count(Order) == 0


def test_the_trap_is_no_reason_to_lose_words(anybody, token, patient, city):
    answer = _order(anybody, token, home_page="http://spam.example")
    assert answer.status_code == 422 and "涂层容易起泡" in answer.text and _count(Order) == 0


def test_a_forged_ticket_gets_a_new_one_and_the_words_stay(anybody, token, patient, city):
    form = _form(anybody, token)
    forged = _order(anybody, token, form, ticket="0198c0de-0000-7000-8000-000000000000.1700000000.abc")
    assert forged.status_code == 422 and "请再按一次提交" in forged.text and "涂层容易起泡" in forged.text
    again = next(f for f in forms_in(forged.text) if f.id == "order-form")
    assert anybody.post(f"/q/{token}/order", data=again.filled(agreed="y")).status_code == 303


def test_too_many_orders_are_told_when_to_come_again(app, anybody, token, patient, city, monkeypatch):
    monkeypatch.setitem(app.config, "ORDERS_PER_ADDRESS_HOUR", 2)
    for n in range(2):
        assert _order(anybody, token, title=f"难题{n}").status_code == 303
    answer = _order(anybody, token, title="第三件")
    assert answer.status_code == 429 and "分钟后" in answer.text and "第三件" in answer.text
    assert 3500 < int(answer.headers["Retry-After"]) <= 3601
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(Order).values(created_at=clock.now() - timedelta(minutes=61)))
        db.session.commit()
    assert _order(anybody, token, title="第三件").status_code == 303


def test_a_revoked_and_an_unknown_code_have_a_way_out(anybody, token, patient, city):
    form = _form(anybody, token)
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(QrCode).where(QrCode.token == token).values(revoked_at=clock.now()))
        db.session.commit()
    answer = _order(anybody, token, form)
    assert answer.status_code == 410 and "换成新的" in answer.text and _count(Order) == 0
    assert anybody.get("/q/aaaaaaaaaaaaaaaaaaaaaa/order").status_code == 404


def test_a_broken_photo_is_named_and_the_words_stay(anybody, token, patient, city):
    answer = _order(anybody, token, photos=[(BytesIO(b"no photo"), "坏.jpg")])
    assert answer.status_code == 422 and "坏.jpg" in answer.text and "涂层容易起泡" in answer.text
    four = [(BytesIO(jpeg(100 + n, 80)), f"{n}.jpg") for n in range(4)]
    assert "最多放 3 张" in _order(anybody, token, photos=four).text
    assert _count(Order) == 0


def test_a_pdf_comes_along_and_those_who_serve_can_save_it(anybody, zhao, sun, wu, token, patient, city):
    answer = _order(
        anybody, token, photos=[(BytesIO(jpeg()), "泡.jpg")],
        documents=[(BytesIO(papers.HOSTILE["launch"]), "试验报告.pdf")],
    )  # fmt: skip
    assert answer.status_code == 303
    db.session.rollback()
    photo, document = db.session.scalars(sa.select(Attachment).order_by(Attachment.id)).all()
    assert (photo.media_type, document.media_type) == ("image/jpeg", "application/pdf")
    page = zhao.get(f"/needs/{_orders()[0].need_id}").text
    assert f"/attachments/{document.id}/file.pdf" in page and f"/attachments/{photo.id}/thumb.jpg" in page
    assert "试验报告" in page and "PDF · 1 KB" in page and f"/attachments/{document.id}/thumb.jpg" not in page
    saved = zhao.get(f"/attachments/{document.id}/file.pdf")
    assert saved.status_code == 200 and saved.data.startswith(b"%PDF-") and b"Launch" not in saved.data
    assert saved.mimetype == "application/pdf" and saved.headers["X-Content-Type-Options"] == "nosniff"
    assert saved.headers["Content-Disposition"].startswith("attachment; ")
    assert "%E8%AF%95%E9%AA%8C%E6%8A%A5%E5%91%8A.pdf" in saved.headers["Content-Disposition"]
    assert "sandbox" in saved.headers["Content-Security-Policy"]
    for address, status in (
        (f"/attachments/{document.id}/full.jpg", 404),
        (f"/attachments/{photo.id}/file.pdf", 404),
    ):
        assert zhao.get(address).status_code == status
    assert sun.get(f"/attachments/{document.id}/file.pdf").status_code == 404
    assert wu.get(f"/attachments/{document.id}/file.pdf").status_code == 403


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"MZ\x90 program", "不是 PDF 文件"),
        (papers.locked(), "加了密码"),
        (papers.many_pages(300), "有 300 页，太多了"),
    ],
)
def test_what_is_no_usable_pdf_is_named_beside_its_field_and_the_words_stay(
    anybody, token, patient, city, content, sentence
):
    answer = _order(anybody, token, documents=[(BytesIO(content), "报告.pdf")])
    assert answer.status_code == 422 and sentence in answer.text and 'id="documents-err"' in answer.text
    assert "涂层容易起泡" in answer.text and "文件要再选一次" in answer.text and _count(Order) == 0


def test_three_pdfs_are_one_too_many_and_none_is_looked_at(anybody, token, patient, city, monkeypatch):
    monkeypatch.setattr("fieldapp.attachments.intake.bind", lambda *_: pytest.fail("looked at"))
    three = [(BytesIO(papers.report(1, f"{n}")), f"{n}.pdf") for n in range(3)]
    assert "最多放 2 个文件，这次有 3 个" in _order(anybody, token, documents=three).text


def test_a_photo_of_thirty_megabytes_is_taken_and_a_larger_one_is_told(anybody, token, patient, city):
    heavy = jpeg(3000, 2000) + bytes(30 * 1024 * 1024)
    assert _order(anybody, token, photos=[(BytesIO(heavy), "大.jpg")]).status_code == 303
    answer = _order(anybody, token, photos=[(BytesIO(heavy + bytes(4 * 1024 * 1024)), "更大.jpg")])
    assert answer.status_code == 422 and "“更大.jpg”有 35 MB，太大了" in answer.text


def test_without_script_a_row_is_added_and_nothing_is_stored_or_scolded(anybody, token, patient, city):
    form = _form(anybody, token)
    answer = anybody.post(
        f"/q/{token}/order",
        data=form.filled(title="涂层容易起泡", add_indicator="1", **{"indicators-0-name": "附着力"}),
    )
    assert answer.status_code == 200 and "还有" not in answer.text and _count(Order) == 0
    again = next(f for f in forms_in(answer.text) if f.id == "order-form")
    assert again.filled()["indicators-0-name"] == "附着力" and "indicators-1-name" in again.filled()
    sent = again.filled(**WORDS, **{"indicators-1-name": "孔隙率", "indicators-1-target": "<2%"})
    sent.pop("add_indicator", None)
    assert anybody.post(f"/q/{token}/order", data=sent).status_code == 303
    need = db.session.get(Need, _orders()[0].need_id)
    assert [row["name"] for row in need.indicators] == ["附着力", "孔隙率"]


def test_who_agreed_to_an_older_text_is_asked_again(anybody, token, patient, city):
    answer = _order(anybody, token, privacy="2020-01")
    assert answer.status_code == 422 and "说明刚刚改过" in answer.text and _count(Order) == 0
    again = next(f for f in forms_in(answer.text) if f.id == "order-form")
    assert anybody.post(f"/q/{token}/order", data=again.filled(agreed="y")).status_code == 303


def test_ten_orders_at_once_by_one_visitor_are_counted_one_by_one(app, token, patient, city):
    forms = [_form(app.test_client(), token) for _ in range(10)]
    together, answers = threading.Barrier(10), [None] * 10

    def send(n):
        client = app.test_client()
        together.wait()
        answers[n] = _order(client, token, forms[n], title=f"难题{n}").status_code

    threads = [threading.Thread(target=send, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    most = app.config["ORDERS_PER_ADDRESS_HOUR"]
    assert sorted(answers) == [303] * most + [429] * (10 - most)
    assert _count(Order) == most


LONG = "北疆" * 100  # 200 characters
TABLE = "指标\t现在\t要求\r\n附着力\t3\t≥5 MPa\r\n\x0b孔隙率\t4 %\t<2 %"


def test_names_of_two_hundred_characters_emoji_and_pasted_tables(anybody, zhao, token, patient, city):
    answer = _order(anybody, token, title=LONG, contact_name="👩‍🔬" * 8, description=TABLE)
    assert answer.status_code == 303
    need = db.session.get(Need, _orders()[0].need_id)
    assert (
        need.title == LONG and need.description == "指标\t现在\t要求\n附着力\t3\t≥5 MPa\n\n孔隙率\t4 %\t<2 %"
    )
    for client, address in ((zhao, f"/needs/{need.id}"), (anybody, answer.location)):
        page = client.get(address)
        assert page.status_code == 200 and LONG in page.text


def test_the_number_finds_the_order_at_its_own_code_only(anybody, token, patient, city):
    _order(anybody, token)
    order = _orders()[0]
    typed = rules.shown_number(order.number).lower()
    found = anybody.post(f"/q/{token}/track", data={"number": typed})
    assert found.status_code == 303 and found.location.endswith(order.receipt)
    other = db.session.scalar(
        sa.select(QrCode.token).where(QrCode.enterprise_id != city.huaxing.id, QrCode.revoked_at.is_(None))
    )
    db.session.rollback()
    wrong = anybody.post(f"/q/{other}/track", data={"number": typed})
    assert wrong.status_code == 422 and "没有这个回执号" in wrong.text


def test_numbers_cannot_be_tried_by_the_dozen(app, anybody, token, city, monkeypatch):
    monkeypatch.setitem(app.config, "CODE_TRIES_PER_MINUTE", 3)
    app.extensions["orders.numbers"]._counts.clear()
    answers = [anybody.post(f"/q/{token}/track", data={"number": "2222-2222"}).status_code for _ in range(4)]
    assert answers == [422, 422, 422, 429]


def test_guessed_receipts_hit_nothing(anybody, token, patient, city):
    _order(anybody, token)
    right = _orders()[0].receipt
    for guess in (right[:-1], right + "A", right.swapcase(), "x" * 22, "%00", "é" * 20):
        assert anybody.get(f"/t/{guess}").status_code == 404
    assert anybody.get(f"/t/{right}").status_code == 200


def test_those_who_serve_see_who_ordered_masked_and_showing_the_number_is_logged(
    anybody, zhao, qian, sun, token, patient, city
):
    _order(anybody, token)
    need = _orders()[0].need_id
    page = zhao.get(f"/needs/{need}").text
    assert "刘工" in page and "138 **** 5678" in page and "13812345678" not in page
    shown = zhao.post(f"/needs/{need}/orderer", data={"csrf_token": zhao.token()})
    assert shown.status_code == 200 and "13812345678" in shown.text
    db.session.rollback()
    trail = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "phone_shown")).one()
    assert trail.subject == f"need:{need}"
    assert sun.post(f"/needs/{need}/orderer", data={"csrf_token": sun.token()}).status_code == 404


def test_a_signed_in_officer_may_place_one_for_the_enterprise(zhao, token, patient, city):
    form = _form(zhao, token)
    answer = _order(zhao, token, form)
    assert answer.status_code == 303
    assert _count(Order) == 1


def test_who_ordered_is_forgotten_a_year_after_it_was_closed(anybody, zhao, token, patient, city):
    _order(anybody, token)
    _order(anybody, token, title="另一件")
    old, open_ = _orders()
    with writing():
        db.session.rollback()
        db.session.execute(
            sa.update(Need).where(Need.id == old.need_id).values(ended_at=clock.now() - timedelta(days=366))
        )
        assert forget_callers(clock.now()) == 1
        db.session.commit()
    kept = {order.need_id: (order.contact_name, order.phone) for order in _orders()}
    assert kept == {old.need_id: ("", ""), open_.need_id: ("刘工", "13812345678")}
    assert "谁点的单" not in zhao.get(f"/needs/{old.need_id}").text


def test_english_goes_on_behind_the_card(anybody, token, patient):
    card = anybody.get(f"/q/{token}?lang=en").text
    for path in (f"/q/{token}/order?lang=en", f"/q/{token}/track?lang=en", "/privacy?lang=en"):
        assert f'href="{path}"' in card, path
    form = next(f for f in forms_in(anybody.get(f"/q/{token}/order?lang=en").text) if f.id == "order-form")
    refused = anybody.post(form.action, data=form.filled(**(WORDS | {"title": ""})))
    assert refused.status_code == 422 and 'lang="en"' in refused.text and "提交点单" not in refused.text
    sent = anybody.post(form.action, data=form.filled(**WORDS))
    assert "lang=en" in sent.location
    receipt = anybody.get(sent.location).text
    assert (
        "提交评价" not in receipt
        and "?lang=en" in next(f for f in forms_in(receipt) if f.id == "add-form").action
    )
    assert f'href="/q/{token}/order"' in anybody.get(f"/q/{token}").text  # Chinese needs no word for it
