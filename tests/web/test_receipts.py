"""At its receipt an enterprise is heard: once a form, by the one table of steps, and nobody else's things are shown."""

from __future__ import annotations

import re
import secrets
import threading
from datetime import timedelta
from functools import cache
from io import BytesIO

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.attachments.models import Attachment
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Contact
from fieldapp.needs.models import Ending, Need, NeedEvent, NeedRating, NeedSource, NeedStatus
from fieldapp.notices.models import Notification
from fieldapp.orders import progress, rules
from fieldapp.orders.actions import forget_acts
from fieldapp.orders.models import Order, ReceiptAct
from tests import papers
from tests.forms import forms_in
from tests.photos import jpeg

WORDS = {
    "kind": "RESEARCH", "title": "镀膜夏天起泡", "contact_name": "密名甲", "phone": "13911112222", "agreed": "y",
}  # fmt: skip


@pytest.fixture(autouse=True)
def patient(app, monkeypatch):
    monkeypatch.setattr(rules, "FASTEST", timedelta(0))


def _token(enterprise_id):
    found = db.session.scalar(
        sa.select(QrCode.token).where(QrCode.enterprise_id == enterprise_id, QrCode.revoked_at.is_(None))
    )
    db.session.rollback()
    return found


def _place(client, enterprise, **values):
    """The address of a new order's receipt."""
    address = f"/q/{_token(enterprise.id)}/order"
    form = next(f for f in forms_in(client.get(address).text) if f.id == "order-form")
    answer = client.post(address, data=form.filled(**(WORDS | values)))
    assert answer.status_code == 303, answer.text
    return answer.location.partition("?")[0]


@pytest.fixture
def receipt(anybody, city):
    return _place(anybody, city.huaxing)


def _need(receipt=None):
    db.session.rollback()
    query = sa.select(Need).join(Order, Order.need_id == Need.id).execution_options(populate_existing=True)
    if receipt:
        query = query.where(Order.receipt == receipt.rpartition("/")[2])
    need = db.session.scalars(query.order_by(Order.created_at)).first()
    db.session.expunge(need)
    db.session.rollback()
    return need


def _step(client, step, need=None, **values):
    data = {"csrf_token": client.token(), "entry_id": str(uuid7()), **values}
    answer = client.post(f"/needs/{(need or _need()).id}/steps/{step}", data=data)
    assert answer.status_code == 303, answer.text
    return answer


def _form(client, receipt, act):
    return next(f for f in forms_in(client.get(receipt).text) if f.id == f"{act}-form")


def _act(client, receipt, act, form=None, **values):
    form = form or _form(client, receipt, act)
    return client.post(f"{receipt}/{act}", data=form.filled(**values))


def _offers(client, receipt):
    return {f.id.removesuffix("-form") for f in forms_in(client.get(receipt).text)}


def _count(model, *where):
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*where))


def _told(kind, username=None):
    db.session.rollback()
    query = sa.select(sa.func.count()).select_from(Notification).where(Notification.kind == kind)
    if username:
        query = query.join(User, User.id == Notification.user_id).where(User.username == username)
    return db.session.scalar(query)


def _to_result(li, zhao, need=None, ending="EXPLAINED"):
    _step(li, "accept", need)
    _step(zhao, "claim", need)
    _step(zhao, "match", need)
    _step(zhao, "propose", need, ending=ending, text="已约中试平台做完两批对比")


# ---- the page ------------------------------------------------------------------------------------------------


def test_it_says_in_the_owners_words_where_the_order_stands(anybody, zhao, li, receipt):
    need = _need()
    page = anybody.get(receipt).text
    assert "收到了，等服务团受理" in page and "还没有人接" in page and "按时" in page
    _step(li, "accept")
    assert "已受理，正在派干部" in anybody.get(receipt).text
    _step(zhao, "claim")
    page = anybody.get(receipt).text
    assert "干部已接单" in page and "赵" in page and "请他回电" in page and "个工作日内联系" in page
    _step(zhao, "match")
    assert "正在找合适的团队" in anybody.get(receipt).text
    _step(zhao, "plan", text="先做两批对比试验")
    assert "先做两批对比试验" in anybody.get(receipt).text
    _step(zhao, "propose", ending="EXPLAINED", text="配方受专利限制，讲明了缘由")
    page = anybody.get(receipt).text
    assert "请您确认结果" in page and "办理答复" in page and "配方受专利限制" in page and "讲明缘由" in page
    assert "等您 1 分钟" in page
    assert _need().id == need.id


def test_what_officers_write_for_themselves_is_not_shown(anybody, zhao, li, receipt):
    need = _need()
    _step(li, "accept")
    _step(zhao, "claim")
    for words, more in (("内部话：对方老板难缠", {}), ("请把样品寄过来", {"shown": "y"})):
        data = {"csrf_token": zhao.token(), "entry_id": str(uuid7()), "text": words, **more}
        assert zhao.post(f"/needs/{need.id}/note", data=data).status_code == 303
    _step(zhao, "release", text="内部话：手上太多")
    page = anybody.get(receipt).text
    assert "内部话" not in page and "请把样品寄过来" in page


def test_lateness_is_said_and_not_hidden(anybody, li, receipt):
    _step(li, "accept")
    with writing():
        db.session.rollback()
        past = clock.now() - timedelta(days=9)
        db.session.execute(
            sa.update(Need).where(Need.id == _need().id).values(due_at=past, warn_at=past - timedelta(days=1))
        )
        db.session.commit()
    page = anybody.get(receipt).text
    assert "有点慢了" in page and "过了 " in page


def test_two_hundred_characters_and_scripts_stay_words(anybody, zhao, li, city):
    receipt = _place(anybody, city.huaxing, title="<script>alert(1)</script>" + "长" * 170)
    _step(li, "accept")
    _step(zhao, "claim")
    _step(zhao, "ask", text="<img src=x onerror=alert(1)>是哪条线？")
    page = anybody.get(receipt).text
    assert "<script>alert" not in page and "<img src=x" not in page and "&lt;img src=x" in page


# ---- what it may say -----------------------------------------------------------------------------------------


def test_what_is_offered_is_what_the_table_offers(anybody, zhao, li, receipt):
    assert _offers(anybody, receipt) == {"add", "recall", "call"}
    _step(li, "return", text="请写清哪条线")
    assert _offers(anybody, receipt) == {"complete", "recall", "call"}
    _act(anybody, receipt, "complete", reply="二号线")
    _step(li, "accept")
    _step(zhao, "claim")
    _step(zhao, "ask", text="什么时候停机？")
    assert _offers(anybody, receipt) == {"answer", "recall", "call"}
    _act(anybody, receipt, "answer", reply="每周三")
    _step(zhao, "match")
    _step(zhao, "propose", ending="SOLVED", text="好了")
    assert _offers(anybody, receipt) == {"rate", "add", "redo", "recall", "call"}
    _act(anybody, receipt, "rate", solved="YES", level="5")
    assert _offers(anybody, receipt) == {"redo"}


def test_a_question_stops_the_clock_and_the_answer_starts_it(anybody, zhao, li, receipt):
    _step(li, "accept")
    _step(zhao, "claim")
    _step(zhao, "ask", text="什么时候停机？")
    page = anybody.get(receipt).text
    assert "有一个问题请您回答" in page and "什么时候停机？" in page and _need().paused_at is not None
    answer = _act(
        anybody, receipt, "answer", reply="每周三下午",
        photos=[(BytesIO(jpeg()), "线.jpg")], documents=[(BytesIO(papers.report()), "停机表.pdf")],
    )  # fmt: skip
    assert answer.status_code == 303 and "发过去了" in anybody.get(answer.location).text
    assert _need().paused_at is None and _told("need_said", "zhao") == 1
    page = anybody.get(receipt).text
    assert "每周三下午" in page and "停机表" in page
    inside = zhao.get(f"/needs/{_need().id}").text
    assert "每周三下午" in inside and "停机表" in inside and "thumb.jpg" in inside


def test_a_form_is_one_act_however_often_and_at_whatever_moment(app, anybody, receipt):
    form = _form(anybody, receipt, "add")
    db.session.remove()
    together, answers = threading.Barrier(5), [None] * 5

    def send(n):
        client = app.test_client()
        together.wait()
        answers[n] = _act(client, receipt, "add", form, reply="还有一条线")

    threads = [threading.Thread(target=send, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [303] * 5
    again = _act(anybody, receipt, "add", form, reply="还有一条线")
    assert again.status_code == 303 and "已经收到过了" in anybody.get(again.location).text
    assert _count(NeedEvent, NeedEvent.step == "add") == 1 and _count(ReceiptAct) == 1


def test_other_words_from_a_sent_form_are_a_new_act_if_that_is_meant(anybody, receipt):
    form = _form(anybody, receipt, "add")
    _act(anybody, receipt, "add", form, reply="还有一条线")
    other = _act(anybody, receipt, "add", form, reply="不，是两条")
    assert other.status_code == 409 and "先前已经发过了" in other.text and "不，是两条" in other.text
    second = next(f for f in forms_in(other.text) if f.id == "add-form")
    assert anybody.post(f"{receipt}/add", data=second.filled()).status_code == 303
    assert _count(NeedEvent, NeedEvent.step == "add") == 2


@pytest.mark.parametrize("ticket", ["", "x", "0198c0de-0000-7000-8000-000000000000.1700000000.abc"])
def test_without_a_ticket_of_ours_the_words_stay_and_one_more_press_is_enough(anybody, receipt, ticket):
    answer = _act(anybody, receipt, "add", reply="还有一条线", ticket=ticket)
    assert answer.status_code == 422 and "还有一条线" in answer.text and "请再按一次" in answer.text
    again = next(f for f in forms_in(answer.text) if f.id == "add-form")
    assert anybody.post(f"{receipt}/add", data=again.filled()).status_code == 303


@pytest.mark.parametrize(
    ("act", "values", "sentence", "kept"),
    [
        ("add", {"reply": " "}, "请写一句，或者放一份文件", ""),
        ("add", {"reply": "长" * 2001}, "最多 2000 个字", "长" * 100),
        ("recall", {"why": "找到别人了"}, "请先勾上这一项", "找到别人了"),
        ("rate", {"comment": "写了半天"}, "真正解决、部分解决，还是没有解决", "写了半天"),
        ("rate", {"solved": "YES", "level": "9", "comment": "写了半天"}, "满意不满意都可以", "写了半天"),
        ("redo", {"missing": ""}, "请说一句哪里没解决", ""),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    anybody, zhao, li, receipt, act, values, sentence, kept
):
    if act in ("rate", "redo"):
        _to_result(li, zhao)
    before = _need().status
    answer = _act(anybody, receipt, act, **values)
    assert answer.status_code == 422 and sentence in answer.text and kept in answer.text
    assert _need().status is before and _count(ReceiptAct) == 0


def test_nothing_is_chosen_for_the_enterprise(anybody, zhao, li, receipt):
    _to_result(li, zhao)
    form = _form(anybody, receipt, "rate")
    assert not {"solved", "level"} & set(form.filled())


def test_what_came_too_late_is_said_in_the_owners_words_and_nothing_typed_is_lost(
    anybody, app, zhao, li, receipt
):
    """Two phones at the same receipt."""
    _to_result(li, zhao)
    other = app.test_client()
    mine, theirs = _form(anybody, receipt, "rate"), _form(other, receipt, "recall")
    assert _act(other, receipt, "recall", theirs, sure="y").status_code == 303
    late = _act(anybody, receipt, "rate", mine, solved="PARTLY", level="3", comment="写了很久的话")
    assert late.status_code == 409 and "您已撤回" in late.text and "写了很久的话" in late.text
    assert _count(NeedRating) == 0 and _need().status is NeedStatus.WITHDRAWN


def test_a_question_that_came_meanwhile_takes_the_typed_word(anybody, zhao, li, receipt):
    _step(li, "accept")
    _step(zhao, "claim")
    form = _form(anybody, receipt, "add")
    _step(zhao, "ask", text="什么时候停机？")
    answer = _act(anybody, receipt, "add", form, reply="")
    assert answer.status_code == 422 and "什么时候停机？" in answer.text
    assert _act(anybody, receipt, "add", form, reply="补一句").status_code == 303


def test_withdrawing_asks_twice_and_tells_those_who_work_on_it(anybody, zhao, li, receipt):
    _step(li, "accept")
    _step(zhao, "claim")
    answer = _act(anybody, receipt, "recall", sure="y", why="自己解决了")
    assert answer.status_code == 303 and "点单已撤回" in anybody.get(answer.location).text
    assert _need().status is NeedStatus.WITHDRAWN and _told("need_recalled", "zhao") == 1
    assert _offers(anybody, receipt) == set()


def test_really_solved_is_said_once_and_kept(anybody, zhao, li, receipt):
    _to_result(li, zhao, ending="SOLVED")
    answer = _act(anybody, receipt, "rate", solved="YES", level="5", comment="真好用")
    assert answer.status_code == 303 and "评价收到了，谢谢您" in anybody.get(answer.location).text
    assert (_need().status, _need().ending) == (NeedStatus.RATED, Ending.SOLVED)
    page = anybody.get(receipt).text
    assert "您的评价" in page and "真好用" in page and "5 星，满分 5 星" in page


def test_dissatisfied_it_is_done_again_at_most_twice_and_raised(anybody, zhao, li, receipt):
    _to_result(li, zhao)
    answer = _act(anybody, receipt, "rate", solved="NO", level="1", comment="没用")
    assert "已经重新派给干部" in anybody.get(answer.location).text
    assert (_need().status, _need().reopened) == (NeedStatus.MATCHING, 1)
    assert _told("need_given_back", "li") == 1
    _step(zhao, "propose", ending="SOLVED", text="换了配方")
    answer = _act(anybody, receipt, "redo", missing="还是起泡")
    assert answer.status_code == 303 and (_need().status, _need().reopened) == (NeedStatus.MATCHING, 2)
    _step(zhao, "propose", ending="SOLVED", text="又换了配方")
    page = anybody.get(receipt).text
    assert "redo-form" not in page and "已经重新办理过 2 次" in page
    rate = _form(anybody, receipt, "rate")
    assert _act(anybody, receipt, "rate", rate, solved="NO", level="2").status_code == 303
    assert (_need().status, _need().reopened, _need().ending) == (NeedStatus.RATED, 2, Ending.IMPOSSIBLE)
    # the third time is refused by the table, whatever a page offered
    late = anybody.post(
        f"{receipt}/redo", data={"missing": "第三次", "ticket": rate_ticket(anybody, receipt)}
    )
    assert late.status_code == 409 and "第三次" in late.text


def rate_ticket(client, receipt):
    """A ticket that is ours and has not been used: whichever form of whichever page it stands in."""
    from flask import current_app

    return rules.issue(str(current_app.config["SECRET_KEY"]).encode(), clock.now())


@pytest.mark.parametrize("act", ["answer", "complete", "rate", "redo"])
def test_an_illegal_move_answers_409_with_the_reason(anybody, receipt, act):
    values = {"reply": "话", "solved": "YES", "level": "5", "missing": "话", "comment": "话"}
    answer = anybody.post(f"{receipt}/{act}", data=values | {"ticket": rate_ticket(anybody, receipt)})
    assert answer.status_code == 409 and "收到了，等服务团受理" in answer.text and "话" in answer.text
    assert _need().status is NeedStatus.SUBMITTED


def test_opening_the_address_of_a_form_leads_to_the_receipt(anybody, receipt):
    for act in ("answer", "complete", "add", "rate", "redo", "recall", "call"):
        assert anybody.get(f"{receipt}/{act}").location == receipt
    assert anybody.get(f"{receipt}/claim").status_code == 404


def test_a_call_is_asked_for_once_an_hour(anybody, zhao, li, receipt):
    _step(li, "accept")
    _step(zhao, "claim")
    form = _form(anybody, receipt, "call")
    answers = [anybody.post(form.action, data=form.filled()) for _ in range(3)]
    assert [a.status_code for a in answers] == [303] * 3
    assert "请他给您回电" in anybody.get(answers[0].location).text
    assert "一小时内已经请过一次" in anybody.get(answers[1].location).text
    assert _told("call_wanted") == 1 == _told("call_wanted", "zhao")
    page = anybody.get(receipt).text
    assert "请过回电" in page and 'id="call-form"' not in page
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(ReceiptAct).values(at=clock.now() - timedelta(minutes=61)))
        db.session.commit()
    anybody.post(form.action, data=form.filled())
    assert _told("call_wanted") == 2
    assert "请你回个电话" in zhao.get("/notices").text


def test_too_many_words_are_told_when_to_come_again(app, anybody, receipt, monkeypatch):
    monkeypatch.setitem(app.config, "ACTS_PER_RECEIPT_HOUR", 2)
    for n in range(2):
        assert _act(anybody, receipt, "add", reply=f"第{n}句").status_code == 303
    answer = _act(anybody, receipt, "add", reply="第三句")
    assert answer.status_code == 429 and "分钟后" in answer.text and "第三句" in answer.text
    assert 3500 < int(answer.headers["Retry-After"]) <= 3601


def test_officers_do_not_speak_for_the_enterprise(zhao, li, receipt):
    _to_result(li, zhao)
    page = zhao.get(receipt).text
    assert "这里只能看" in page and "rate-form" not in page
    data = {"csrf_token": zhao.token(), "solved": "YES", "level": "5", "ticket": rate_ticket(zhao, receipt)}
    for act in ("rate", "call"):
        assert zhao.post(f"{receipt}/{act}", data=data | {"entry_id": str(uuid7())}).status_code == 403
    assert _count(NeedRating) == 0


def test_tickets_are_forgotten_when_no_form_can_carry_them(anybody, receipt):
    _act(anybody, receipt, "add", reply="一句")
    with writing():
        db.session.rollback()
        assert forget_acts(clock.now()) == 0
        assert forget_acts(clock.now() + timedelta(days=32)) == 1
        db.session.rollback()


# ---- merged --------------------------------------------------------------------------------------------------


def test_merged_orders_keep_both_receipts_alive(anybody, zhao, li, city, receipt):
    first = _need(receipt)
    other = _place(anybody, city.huaxing, title="涂层又起泡", contact_name="密名乙")
    second = _need(other)
    _step(li, "merge", second, twin=str(first.id), text="是一件事")
    page = anybody.get(other).text
    assert "合在一起办了" in page and "镀膜夏天起泡" in page
    _step(li, "accept", first)
    _step(zhao, "claim", first)
    _step(zhao, "ask", first, text="什么时候停机？")
    for address in (receipt, other):
        assert "有一个问题请您回答" in anybody.get(address).text
    assert _act(anybody, other, "answer", reply="每周三").status_code == 303
    assert _need(receipt).paused_at is None
    assert "干部已接单" in anybody.get(other).text


def test_neither_of_two_merged_orders_is_ended_for_the_other(anybody, zhao, li, city, receipt):
    first = _need(receipt)
    other = _place(anybody, city.huaxing, title="涂层又起泡", contact_name="密名乙")
    withdrawing = _form(anybody, other, "recall")
    _step(li, "merge", _need(other), twin=str(first.id), text="是一件事")
    assert not {"recall", "rate", "redo"} & _offers(anybody, other)
    assert "recall" in _offers(anybody, receipt)
    # what was open before they became one is refused, with what was typed
    answer = _act(anybody, other, "recall", withdrawing, why="不办了", sure="y")
    assert answer.status_code == 409 and _need(receipt).status is NeedStatus.SUBMITTED
    _to_result(li, zhao, first, ending="SOLVED")
    assert "rate" in _offers(anybody, receipt) and "rate" not in _offers(anybody, other)


def test_of_two_merged_orders_each_reads_its_own_words_and_the_offices(anybody, zhao, li, city, receipt):
    first = _need(receipt)
    other = _place(anybody, city.huaxing, title="涂层又起泡", contact_name="密名乙")
    _act(anybody, other, "add", reply="并案之前说的", photos=[(BytesIO(jpeg()), "甲.jpg")])
    _step(li, "merge", _need(other), twin=str(first.id), text="是一件事")
    _act(anybody, other, "add", reply="并案之后说的", photos=[(BytesIO(jpeg(800, 600)), "乙.jpg")])
    _act(anybody, receipt, "add", reply="主单这边说的", photos=[(BytesIO(jpeg(640, 480)), "丙.jpg")])
    _step(li, "accept", first)
    _step(zhao, "claim", first)
    _step(zhao, "ask", first, text="什么时候停机？")
    mine, theirs = anybody.get(other).text, anybody.get(receipt).text
    assert "并案之前说的" in mine and "并案之后说的" in mine and "主单这边说的" not in mine
    assert "主单这边说的" in theirs and "并案" not in theirs
    assert "什么时候停机" in mine and "什么时候停机" in theirs
    photos = {
        at: set(re.findall(r"/files/([0-9a-f-]+)\.jpg", page))
        for at, page in ((other, mine), (receipt, theirs))
    }
    assert (len(photos[other]), len(photos[receipt])) == (2, 1) and not photos[other] & photos[receipt]
    for at, own in photos.items():
        for photo in photos[other] | photos[receipt]:
            assert anybody.get(f"{at}/files/{photo}.jpg").status_code == (200 if photo in own else 404)
    whole = zhao.get(f"/needs/{first.id}").text  # who works on it reads all of it
    assert "并案之后说的" in whole and "主单这边说的" in whole


def test_the_way_back_and_once_more_says_nothing_twice(anybody, zhao, li, receipt):
    """The browser opens a new form with the old words in it."""
    _step(li, "accept")
    for _again in range(2):
        answer = _act(anybody, receipt, "add", reply="样品周五送到")
        assert answer.status_code == 303
    assert "notice=act_known" in answer.location
    assert _count(NeedEvent, NeedEvent.note == "样品周五送到") == 1
    assert _act(anybody, receipt, "add", reply="样品改周六送到").status_code == 303
    assert _count(NeedEvent, NeedEvent.step == "add") == 2


def test_the_same_word_to_another_question_is_another_answer(anybody, zhao, li, receipt):
    _step(li, "accept")
    _step(zhao, "claim")
    for question in ("周三停机可以吗？", "那周四早上可以吗？"):
        _step(zhao, "ask", text=question)
        answer = _act(anybody, receipt, "answer", reply="可以")
        assert answer.status_code == 303 and "act_known" not in answer.location
        assert _need().paused_at is None
    assert _count(NeedEvent, NeedEvent.note == "可以") == 2


def test_once_more_leads_to_the_code_that_hangs_there_now(anybody, li, city, receipt):
    old = _token(city.huaxing.id)
    assert li.submit(f"/enterprises/{city.huaxing.id}/qr", 0, reason="贴纸掉了", sure="y").status_code == 303
    page = anybody.get(receipt).text
    assert f"/q/{_token(city.huaxing.id)}/order" in page and old not in page


def test_what_is_written_beside_the_stars_is_for_leads_alone(anybody, zhao, li, receipt):
    _to_result(li, zhao, ending="SOLVED")
    assert _act(anybody, receipt, "rate", solved="NO", level="1", comment="来的人态度很差").status_code == 303
    need = _need()
    assert need.status is NeedStatus.MATCHING and need.reopened == 1
    for page in (f"/needs/{need.id}", "/notices"):
        assert "态度很差" not in zhao.get(page).text
    assert "态度很差" in li.get(f"/needs/{need.id}").text
    assert "没有解决" in zhao.get(f"/needs/{need.id}").text


@pytest.mark.parametrize("level", ["PUBLIC", "DESENSITISED"])
def test_nobody_tells_more_of_an_order_than_its_enterprise_has_agreed_to(
    anybody, zhao, li, sun, receipt, level
):
    need = _need()
    edit = f"/needs/{need.id}/edit"
    for client in (zhao, li):
        form = next(f for f in forms_in(client.get(edit).text) if f.id == "need-form")
        answer = client.post(edit, data=form.filled(disclosure=level))
        assert answer.status_code == 422 and "只能收窄" in answer.text
    assert _need().disclosure.name == "MATCHING"
    assert "镀膜夏天起泡" not in sun.get("/needs?scope=shared").text


def test_less_may_be_told_of_it_and_that_stands(anybody, zhao, city):
    _place(anybody, city.huaxing, disclosure="PUBLIC")
    edit = f"/needs/{_need().id}/edit"
    for level, status in (("DESENSITISED", 303), ("PUBLIC", 422), ("MATCHING", 303)):
        form = next(f for f in forms_in(zhao.get(edit).text) if f.id == "need-form")
        assert zhao.post(edit, data=form.filled(disclosure=level)).status_code == status, level


def test_a_promise_into_a_year_without_a_calendar_says_so(anybody, zhao, li, receipt, monkeypatch):
    far = clock.now() + timedelta(days=3 * 365)
    monkeypatch.setattr(progress, "is_published", lambda year: year < far.year)
    _step(li, "accept")
    _step(zhao, "claim")
    assert "放假安排还没公布" not in anybody.get(receipt).text
    with writing():
        db.session.execute(sa.update(Need).where(Need.id == _need().id).values(due_at=far, warn_at=far))
        db.session.commit()
    for page in (anybody.get(receipt).text, zhao.get(f"/needs/{_need().id}").text):
        assert f"{far.year} 年的放假安排还没公布" in page


def test_of_what_has_ended_nobody_says_that_help_is_coming(anybody, li, receipt):
    _step(li, "decline", text="不归我们管，已告知工信局")
    page = anybody.get(receipt).text
    assert "服务团会尽快安排" not in page and "这件事已经结束" in page


# ---- files ---------------------------------------------------------------------------------------------------


def test_what_the_office_sends_is_saved_at_the_receipt_and_nowhere_else(
    anybody, zhao, li, qian, sun, city, receipt
):
    _step(li, "accept")
    _step(zhao, "claim")
    address = f"/needs/{_need().id}/files"
    answer = zhao.submit(
        address, "send-form", message="试验做完了", documents=[(BytesIO(papers.report()), "试验报告.pdf")],
        photos=[(BytesIO(jpeg()), "样品.jpg")],
    )  # fmt: skip
    assert answer.status_code == 303 and "发给企业了" in zhao.get(answer.location).text
    page = anybody.get(receipt).text
    assert "试验做完了" in page
    links = re.findall(rf'href="({receipt}/files/[0-9a-f-]+\.(?:pdf|jpg))"', page)
    assert {link[-3:] for link in links} == {"pdf", "jpg"}
    elsewhere = _place(anybody, city.beichen)
    for link in set(links):
        file = anybody.get(link)
        assert file.status_code == 200 and file.headers["X-Content-Type-Options"] == "nosniff"
        assert (
            "sandbox" in file.headers["Content-Security-Policy"] and "noindex" in file.headers["X-Robots-Tag"]
        )
        assert anybody.get(link.replace(receipt, elsewhere)).status_code == 404
        wrong = link.replace(".pdf", ".tmp").replace(".jpg", ".pdf").replace(".tmp", ".jpg")
        assert anybody.get(wrong).status_code == 404
    assert anybody.get(f"{receipt}/files/{uuid7()}.pdf").status_code == 404
    assert sun.get(address).status_code == 404
    assert zhao.submit(address, "send-form", message="").status_code == 422


def test_what_belongs_to_the_enterprise_otherwise_is_not_at_the_receipt(anybody, city, receipt):
    from tests.photos import kept_photo

    photo = kept_photo(city.huaxing.id)
    assert anybody.get(f"{receipt}/files/{photo}.jpg").status_code == 404


# ---- ratings -------------------------------------------------------------------------------------------------


def test_ratings_are_sums_for_the_officer_and_words_for_the_lead(anybody, zhao, li, zhou, city, receipt):
    places = [receipt, *(_place(anybody, city.huaxing, title=f"难题{n}") for n in range(2))]
    for n, address in enumerate(places):
        _to_result(li, zhao, _need(address), ending="SOLVED")
        _act(anybody, address, "rate", solved="YES", level=str(5 - n), comment=f"实话{n}")
        mine = zhao.get("/me/outcomes?period=all").text
        assert "企业怎么评价" not in mine  # the day is not over
        assert "实话" not in mine and "实话" not in zhao.get(f"/needs/{_need(address).id}").text
    _a_day_later()
    mine = zhao.get("/me/outcomes?period=all").text
    assert "4.0" in mine and "真正解决 3 次" in mine and "凑满 3 次才一起计入" in mine
    listed = li.get("/lead/ratings").text
    assert all(f"实话{n}" in listed for n in range(3)) and listed.index("实话2") < listed.index("实话0")
    assert "实话0" in li.get(f"/needs/{_need(receipt).id}").text
    assert "实话" not in zhou.get("/lead/ratings").text
    assert zhao.get("/lead/ratings").status_code == 403


def _a_day_later():
    """All ratings there are came one day earlier than they did."""
    db.session.rollback()
    with writing():
        for rating in db.session.scalars(sa.select(NeedRating)):
            rating.at -= timedelta(days=1)
        db.session.commit()


def test_one_more_rating_moves_no_sum_before_there_are_three_more(app, anybody, zhao, li, city, monkeypatch):
    """Who looks at three and again at four would know the fourth."""
    monkeypatch.setitem(app.config, "ORDERS_PER_ADDRESS_HOUR", 100)

    def rated(number, level):
        for n in range(number):
            address = _place(anybody, city.huaxing, title=f"难题{level}{n} {uuid7()}")
            _to_result(li, zhao, _need(address), ending="SOLVED")
            _act(anybody, address, "rate", solved="YES", level=level)
        _a_day_later()
        page = zhao.get("/me/outcomes?period=all").text
        return re.search(r'id="rated".*?kpi-value">([\d.]+)<.*?(\d+) 次评价', page)

    assert rated(2, "4") is None
    assert rated(1, "4").groups() == ("4.0", "3")
    assert rated(2, "3").groups() == ("4.0", "3")
    _a_day_later()
    assert rated(1, "3").groups() == ("3.5", "6")


# ---- guests that are none ------------------------------------------------------------------------------------


def test_ten_thousand_guesses_hit_nothing(app, anybody, receipt, city, monkeypatch):
    """Through the rules, which is quick; then over the wire until the door says wait."""
    from fieldapp.codes.queries import find_card
    from fieldapp.orders.queries import find_receipt, receipt_by_number

    right = receipt.rpartition("/")[2]
    assert find_receipt(right) is not None
    with app.test_request_context("/"):
        for n in range(10_000):
            guess = secrets.token_urlsafe(16)
            if n % 3 == 0:
                assert find_receipt(guess) is None
            elif n % 3 == 1:
                assert find_card(guess) is None
            else:
                assert receipt_by_number(city.huaxing.id, rules.new_number()) is None
    db.session.rollback()
    app.extensions["orders.guesses"]._counts.clear()
    answers = [anybody.get(f"/t/{secrets.token_urlsafe(16)}").status_code for _ in range(65)]
    assert answers == [404] * 60 + [429] * 5
    assert anybody.get(receipt).status_code == 200  # who holds one is not kept waiting by who guesses
    app.extensions["orders.guesses"]._counts.clear()


MARKS = ("13911112222", "密名甲", "13977770001", "密名丙", "内部话", "别家的难题", "13988880002", "密名丁")


def test_public_pages_carry_nobodys_name_and_nobody_elses_matter(app, anybody, zhao, li, city, receipt):
    """Planted: who ordered, a contact of the enterprise, an officer's own notes, another enterprise's order."""
    with writing():
        db.session.rollback()
        db.session.add(Contact(enterprise_id=city.huaxing.id, name="密名丙", phone="13977770001"))
        db.session.commit()
    other = _place(anybody, city.beichen, title="别家的难题", contact_name="密名丁", phone="13988880002")
    need = _need(receipt)
    _to_result(li, zhao, need)
    data = {"csrf_token": zhao.token(), "entry_id": str(uuid7()), "text": "内部话：不急"}
    assert zhao.post(f"/needs/{need.id}/note", data=data).status_code == 303
    token = _token(city.huaxing.id)
    for address in (f"/q/{token}", f"/q/{token}/order", f"/q/{token}/track", receipt, "/privacy"):
        page = anybody.get(address).text
        assert not [mark for mark in MARKS if mark in page], address
        if not address.startswith("/t/"):
            assert "镀膜夏天起泡" not in page, address
    page = anybody.get(other).text
    assert "华星" not in page and "镀膜" not in page
    wrong = anybody.post(f"/q/{token}/order", data={"ticket": "x", "title": "坏"})
    assert not [mark for mark in MARKS if mark in wrong.text]


def test_public_pages_are_small(anybody, zhao, li, city, receipt):
    """Page, style, pictures and the scripts they begin with, as they go over the wire."""
    _to_result(li, zhao)
    token = _token(city.huaxing.id)
    packed = {"Accept-Encoding": "gzip"}
    for address in (f"/q/{token}", f"/q/{token}/order", f"/q/{token}/track", receipt, "/privacy"):
        page = anybody.get(address, headers=packed)
        text = anybody.get(address).text
        size = len(page.get_data())
        for part in set(re.findall(r'(?:href|src)="(/s/[^"#]+)', text)):
            size += len(anybody.get(part, headers=packed).get_data())
        for module in set(re.findall(r'data-module="([^"]+)"', text)):
            for name in module.split():
                part = re.sub(
                    r"/js/app\.js$", f"/js/{name}.js", re.search(r'src="(/s/[^"]+/js/app\.js)"', text)[1]
                )
                found = anybody.get(part, headers=packed)
                size += len(found.get_data()) if found.status_code == 200 else 0
        assert size < 60_000, (address, size)


def test_the_card_tells_who_came_lately_and_names_nobody(app, anybody, city, monkeypatch):
    token = _token(city.huaxing.id)
    page = anybody.get(f"/q/{token}").text
    assert "最近谁来过" in page and "一队" in page and "赵" not in page and "隐私说明" in page
    monkeypatch.setitem(app.config, "CARD_NAMES", True)
    assert "赵" in anybody.get(f"/q/{token}").text


def test_a_need_of_another_way_has_no_door(anybody, receipt):
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(Need).where(Need.id == _need().id).values(source=NeedSource.PHONE))
        db.session.commit()
    assert _offers(anybody, receipt) == {"call"}


def test_files_count_as_words(anybody, receipt):
    answer = _act(anybody, receipt, "add", reply="", documents=[(BytesIO(papers.report()), "图纸.pdf")])
    assert answer.status_code == 303
    assert _count(Attachment) == 1 and "图纸" in anybody.get(receipt).text


# ---- files with a step ---------------------------------------------------------------------------------------


@cache  # a report made anew is another file
def _report():
    return papers.report()


def _with_files(**values):
    return values | {
        "documents": [(BytesIO(_report()), "检测方案.pdf")],
        "photos": [(BytesIO(jpeg()), "样机.jpg")],
    }


def _beside(page, words):
    """What stands in that line of the log."""
    return next(
        part
        for part in re.findall(r"<li><span class=\"tl-mark.*?</p></div></li>", page, re.S)
        if words in part
    )


def test_files_go_with_the_step_they_belong_to(anybody, zhao, li, receipt):
    """On the receipt and in the need's log, beside what was said with them; once, however often it is sent."""
    need = _need()
    for client, step in ((li, "accept"), (zhao, "claim"), (zhao, "match")):
        _step(client, step)
    form = zhao.form(f"/needs/{need.id}/steps/plan", "step-form")
    key = str(uuid7())
    for _time in range(2):
        answer = zhao.post(form.action, data=form.filled(**_with_files(text="先做两批对比", entry_id=key)))
        assert answer.status_code == 303, answer.text
    assert _count(Attachment) == 2 and _count(NeedEvent, NeedEvent.step == "plan") == 1
    inside = _beside(zhao.get(f"/needs/{need.id}").text, "先做两批对比")
    assert "检测方案" in inside and "thumb.jpg" in inside
    outside = _beside(anybody.get(receipt).text, "先做两批对比")
    for link in re.findall(rf'href="({receipt}/files/[^"]+)"', outside):
        assert anybody.get(link).status_code == 200
    assert "检测方案" in outside and "照片" in outside
    _step(zhao, "propose", **_with_files(ending="SOLVED", text="做完了"))
    assert "检测方案" in _beside(anybody.get(receipt).text, "做完了")


def test_a_step_with_files_happens_whole_or_not_at_all(zhao, li, receipt):
    for client, step in ((li, "accept"), (zhao, "claim"), (zhao, "match")):
        _step(client, step)
    address = f"/needs/{_need().id}/steps/plan"
    bad = zhao.submit(
        address, "step-form", text="写了半天的方案", documents=[(BytesIO(b"not one"), "假的.pdf")]
    )
    assert bad.status_code == 422 and "写了半天的方案" in bad.text and "文件要再选一次" in bad.text
    empty = zhao.submit(address, "step-form", **_with_files(text=" "))
    assert empty.status_code == 422 and "请写一句" in empty.text
    assert _count(Attachment) == 0 and _count(NeedEvent, NeedEvent.step == "plan") == 0


def test_who_comes_too_late_with_a_step_keeps_the_words_and_may_note_them_down(zhao, li, receipt):
    need = _need()
    for client, step in ((li, "accept"), (zhao, "claim"), (zhao, "match")):
        _step(client, step)
    form = zhao.form(f"/needs/{need.id}/steps/plan", "step-form")
    _step(li, "plan", text="李望先写了")
    late = zhao.post(form.action, data=form.filled(**_with_files(text="写了半天的方案")))
    assert late.status_code == 409 and "写了半天的方案" in late.text and "这一步现在做不了" in late.text
    assert "照片和文件要再选一次" in late.text and _count(Attachment) == 0
    keep = next(f for f in forms_in(late.text) if f.id == "keep-form")
    assert zhao.post(keep.action, data=keep.filled()).status_code == 303
    assert "写了半天的方案" in zhao.get(f"/needs/{need.id}").text


def test_files_are_offered_only_where_the_enterprise_reads_the_words(zhao, li, city, receipt):
    need = _need()
    assert 'name="documents"' in li.get(f"/needs/{need.id}/steps/return").text
    assert 'name="documents"' not in li.get(f"/needs/{need.id}/steps/merge").text
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(Need).where(Need.id == need.id).values(source=NeedSource.VISIT))
        db.session.commit()
    assert 'name="documents"' not in li.get(f"/needs/{need.id}/steps/return").text


# ---- a call that is wanted -----------------------------------------------------------------------------------


def _ask_for_call(anybody, receipt):
    form = _form(anybody, receipt, "call")
    assert anybody.post(form.action, data=form.filled()).status_code == 303


def _wanted(client, need):
    """Where an officer sees that the enterprise wishes to be called: on its page, in the pool."""
    return "call-wanted" in client.get(f"/needs/{need.id}").text, "请回电" in client.get("/needs").text


def test_a_call_that_is_wanted_stands_on_the_page_and_in_the_pool_until_somebody_calls(
    anybody, zhao, li, receipt
):
    need = _need()
    _step(li, "accept")
    _step(zhao, "claim")
    assert _wanted(zhao, need) == (False, False)
    _ask_for_call(anybody, receipt)
    assert _wanted(zhao, need) == _wanted(li, need) == (True, True)
    page = zhao.get(f"/needs/{need.id}").text
    assert "企业请你回电" in _beside(page, "企业请你回电") and "13911112222" not in page
    assert f"/needs/{need.id}/steps/contact" in page and f"/needs/{need.id}/steps/called" not in page
    assert "请来电话" in anybody.get(receipt).text
    phone = next(f for f in forms_in(page) if f.action.endswith("/orderer"))
    assert "139 1111 2222" in zhao.post(phone.action, data=phone.filled()).text
    assert _wanted(zhao, need) == (True, True)  # looking at a number is not calling it
    _step(zhao, "contact", text="约好周三")
    assert _wanted(zhao, need) == (False, False)


def test_once_the_first_contact_is_made_a_call_is_answered_by_a_step_of_its_own(anybody, zhao, li, receipt):
    need = _need()
    for client, step in ((li, "accept"), (zhao, "claim"), (zhao, "match")):
        _step(client, step)
    clock_before = _need().due_at
    _ask_for_call(anybody, receipt)
    _step(zhao, "called", text="内部话：只是问进度")
    assert _wanted(zhao, need) == (False, False) and _need().due_at == clock_before
    assert "给企业回了电话" in zhao.get(f"/needs/{need.id}").text
    assert "内部话" not in anybody.get(receipt).text
    data = {"csrf_token": zhao.token(), "entry_id": str(uuid7()), "text": "再来一次"}
    assert zhao.post(f"/needs/{need.id}/steps/called", data=data).status_code == 409  # nobody asked again


def test_what_is_over_wants_no_call(anybody, zhao, li, receipt):
    need = _need()
    form = _form(anybody, receipt, "call")
    _ask_for_call(anybody, receipt)
    assert _wanted(li, need)[0]
    _step(li, "decline", text="不归我们管")
    assert not _wanted(li, need)[0]
    late = anybody.post(form.action, data=form.filled())
    assert late.status_code == 303


# ---- how late ------------------------------------------------------------------------------------------------


def test_the_receipt_and_the_need_say_how_late_a_promise_was_kept(anybody, zhao, li, receipt):
    need = _need()
    _step(li, "accept")
    _step(zhao, "claim")
    assert "按时" in _beside_promise(anybody.get(receipt).text, "接单")
    with writing():
        db.session.rollback()
        past = timedelta(days=21)
        for event in db.session.scalars(sa.select(NeedEvent).where(NeedEvent.need_id == need.id)):
            event.at -= past
        db.session.get(Need, need.id).clock_from -= past
        db.session.commit()
    _step(zhao, "contact", text="约好周三")
    for page in (anybody.get(receipt).text, zhao.get(f"/needs/{need.id}").text):
        assert re.search(r"晚了 1?\d 个工作日", _beside_promise(page, "联系"))


def _beside_promise(page, words):
    due = re.search(r'<ul class="due".*?</ul>', page, re.S)[0]
    return next(line for line in due.split("<li") if words + "</span>" in line)
