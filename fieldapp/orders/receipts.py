"""The receipt: where an order stands, and what the enterprise may still say about it. Whoever holds it is heard."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Response, current_app, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.attachments.intake import take_files
from fieldapp.attachments.models import JPEG, PDF, CopySize
from fieldapp.attachments.queries import copy_of
from fieldapp.attachments.routes import as_file, boxed
from fieldapp.codes import images
from fieldapp.db import db
from fieldapp.entries.actions import content_fingerprint
from fieldapp.forms import relabel
from fieldapp.guards import neighbourhood, prepare, prepares, public, takes_body
from fieldapp.languages import _, kept_language, lazy
from fieldapp.needs.access import enterprise_steps
from fieldapp.needs.actions import Said
from fieldapp.needs.clock import limits_of, promises
from fieldapp.needs.models import NeedStatus, Solved
from fieldapp.needs.queries import events_of, need_at_door, ratings_of
from fieldapp.needs.steps import REOPENED_AT_MOST, RESULTS, STEPS, Step, WrongMoment, question_open
from fieldapp.orders import actions, progress, rules
from fieldapp.orders.blueprint import bp
from fieldapp.orders.door_forms import FORMS, DoorForm, RateForm, ReplyForm
from fieldapp.orders.queries import (
    act_of,
    acts_since,
    file_at_door,
    files_at_door,
    find_receipt,
    last_call,
    was_said,
)
from fieldapp.pages import add_notice, done, page, redirect
from fieldapp.refusals import NotAllowed, NotFound

for _key, _tone, _sentence in (
    ("act_reply", "ok", lazy("发过去了，服务团会看到。")),
    ("act_rate", "ok", lazy("评价收到了，谢谢您。")),
    ("act_again", "ok", lazy("评价收到了。没有办好的，已经重新派给干部，并告诉了负责人。")),
    ("act_redo", "ok", lazy("已经重新派给干部，并告诉了负责人。")),
    ("act_recall", "ok", lazy("点单已撤回。")),
    ("act_known", "ok", lazy("这一条已经收到过了，不用再发。")),
    ("call_asked", "ok", lazy("已经告诉对方，请他给您回电。")),
    ("call_late", "warn", lazy("这件事刚刚有了变化，请先看看最新进展；还需要回电的话，再按一次。")),
    ("call_known", "ok", lazy("一小时内已经请过一次，对方知道了，请稍等。")),
):
    add_notice(_key, _tone, _sentence)

CALLS = timedelta(hours=1)  # at most one request in so long
# Two orders that became one are worked on as one, but neither of those who wrote them ends it for the other.
NOT_WHEN_MERGED = frozenset({"recall", "rate", "redo"})


class ForTheEnterprise(NotAllowed):
    message = lazy("这里是企业自己说话的地方。您登录着干部账号，请到需求页面办理。")


def _secret() -> bytes:
    return str(current_app.config["SECRET_KEY"]).encode()


def no_receipt() -> Response:
    """For a receipt that is none: guesses are told to wait, whoever mistyped one is not."""
    wait = current_app.extensions["orders.guesses"].wait(
        neighbourhood(request.remote_addr or ""), current_app.config["CARD_VIEWS_PER_MINUTE"]
    )
    response = page(
        "codes/dead_end.html",
        status=429 if wait else 404,
        picture="hourglass" if wait else "circle-help",
        title=_("请稍等一下") if wait else _("没有这张回执"),
        sentence=_("试得太快了，请 %(wait)s 秒后再试。", wait=wait)
        if wait
        else _("回执的地址不完整，或者不是青助企的。请扫企业墙上的二维码，点“查进度”，输入回执号。"),
    )
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _need_of(found: Any) -> Any:
    """The need that goes on under this receipt: its own, or the one it was merged into."""
    need = need_at_door(found.merged_into_id or found.need_id)
    assert need is not None  # the receipt's foreign keys say so
    return need


def _by_event(files: list[Any]) -> dict[int | None, list[Any]]:
    found: dict[int | None, list[Any]] = {}
    for file in files:
        found.setdefault(file.event_id, []).append(file)
    return found


def _page(
    found: Any, *, form: DoorForm | None = None, act: str = "", status: int | None = None, trouble: str = ""
) -> Response:
    """The receipt as it stands; `form` is what was just refused under `act`, with everything that was typed."""
    now, need = clock.now(), _need_of(found)
    merged = need.id != found.need_id
    events = events_of(need)
    promised = promises(need, events, limits_of(current_app.config))
    files = _by_event(files_at_door(need.id, found.need_id))
    told = [event for event in events if event.from_enterprise or event.shown]
    answer = progress.answer_of(need, told)
    steps = [] if current_user.is_authenticated else [step.name for step in enterprise_steps(need)]
    if merged:
        steps = [name for name in steps if name not in NOT_WHEN_MERGED]
    forms = {name: _blank(name) for name in steps if name in FORMS}
    reply = next((name for name in ("answer", "complete", "add") if name in forms), "")
    if isinstance(form, ReplyForm) and reply:
        act = reply  # asked meanwhile, or no longer: what was typed stands where there is room for it
    if form is not None and act in forms:
        forms[act] = form
    address = f"{current_app.config['PUBLIC_URL']}{url_for('orders.receipt', receipt=found.receipt)}"
    symbol = images.matrix(address)
    call_wait = last_call(found.need_id, now - CALLS)
    return page(
        "orders/receipt.html",
        status=status,
        order=found,
        need=need,
        merged=merged,
        number=rules.shown_number(found.number),
        state=progress.in_words(need),
        sign=progress.sign_of(need, now),
        stages=progress.stages(need, events, promised),
        words=progress.words_given(need, promised, now),
        answer=answer,
        answer_files=_answer_files(answer, events, files),
        message=progress.message_of(need, told, answer),
        message_files=files,
        asked=question_open(need),
        lines=_lines(found, need, events, files),
        rated=_last_rating(need) if not merged else None,
        steps=steps,
        forms=forms,
        form=form,
        act=act,
        reply=reply,
        lost=form.text if form is not None and act not in forms else "",
        trouble=trouble,
        may_call="call" in steps,
        called_at=call_wait,
        given_back_enough=need.status in RESULTS and need.reopened >= REOPENED_AT_MOST,
        symbol_path=images.path(symbol),
        side=len(symbol) + 2 * images.QUIET,
        address=address,
    )


def _lines(
    found: Any, need: Any, events: list[Any], files: dict[int | None, list[Any]]
) -> list[progress.Line]:
    """The conversation under this receipt. Of an order that was merged: its own until then, and from then on what the
    office says there and what is said here."""
    here = [e for e in events if not e.from_enterprise or (e.through_id or need.id) == found.need_id]
    if need.id == found.need_id:
        return progress.lines(here, files)
    own = need_at_door(found.need_id)
    before = progress.lines(events_of(own), _by_event(files_at_door(found.need_id, found.need_id)))
    since = progress.lines([event for event in here if event.before is not None], files)
    return sorted([*before, *since], key=lambda line: line.at)


def _last_rating(need: Any) -> Any | None:
    """What the enterprise itself said last, as long as it stands."""
    return ratings_of(need.id)[-1] if need.status is NeedStatus.RATED else None


def _answer_files(answer: Any | None, events: list[Any], files: dict[int | None, list[Any]]) -> list[Any]:
    """What was sent along with the answer, and since the work on it began."""
    if answer is None:
        return []
    found: list[Any] = []
    for event in events:
        if event.step in ("redo", "reopen"):
            found = []
        if not event.from_enterprise and event.before is not None:
            found += files.get(event.id, [])
        if event is answer:
            break
    return found


def _form(name: str, data: Any = None) -> DoorForm:
    form = FORMS[name](data)
    if isinstance(form, ReplyForm):
        form.photos.most = current_app.config["ORDER_PHOTOS"]
        relabel(form.reply, lazy(STEPS[name].question))
    return form


def _blank(name: str) -> DoorForm:
    form = _form(name)
    form.ticket.data = rules.issue(_secret(), clock.now())
    return form


@bp.get("/t/<receipt>")
@public
def receipt(receipt: str) -> Response:
    """Where the order stands, for whoever holds the receipt."""
    found = find_receipt(receipt)
    return no_receipt() if found is None else _page(found)


@bp.route("/t/<receipt>/<any(complete, answer, add, rate, redo, recall):act>", methods=["GET", "POST"])
@public
@takes_body("ORDER_BODY", anybody=True)
@prepares(take_files)
def act(receipt: str, act: str) -> Response:
    """One form at the receipt is one act, however often it is sent: its ticket is kept with it."""
    found = find_receipt(receipt)
    if found is None:
        return no_receipt()
    if request.method == "GET":
        return redirect(url_for("orders.receipt", receipt=receipt, lang=kept_language()))
    if current_user.is_authenticated:
        raise ForTheEnterprise
    now, step = clock.now(), STEPS[act]
    ticket = rules.read(_secret(), request.form.get("ticket", ""), now)
    content = content_fingerprint()
    if ticket and _known(act_of(ticket.need_id), found, content):
        return done(to=url_for("orders.receipt", receipt=receipt, lang=kept_language()), notice="act_known")
    prepare()
    kept = act_of(ticket.need_id) if ticket else None
    if _known(kept, found, content):
        return done(to=url_for("orders.receipt", receipt=receipt, lang=kept_language()), notice="act_known")
    form = _form(act, request.form)
    if ticket is None or kept is not None:
        form.validate()
        form.ticket.data = rules.issue(_secret(), now)
        trouble = (
            _("页面放得太久了，内容都还在，请再按一次。")
            if ticket is None
            else _("这一条先前已经发过了，这次写的不一样，还没有发。要再发一条，请再按一次。")
        )
        return _page(found, form=form, act=act, status=422 if ticket is None else 409, trouble=trouble)
    if not form.validate():
        return _page(found, form=form, act=act, status=422)
    wait = acts_since(found.need_id, now - timedelta(hours=1), current_app.config["ACTS_PER_RECEIPT_HOUR"])
    if wait is not None:
        return _wait(found, form, act, wait + timedelta(hours=1) - now)
    try:
        if found.merged_into_id and act in NOT_WHEN_MERGED:
            raise WrongMoment
        goes_on = found.merged_into_id or found.need_id
        if was_said(found.need_id, goes_on, act, content, now - timedelta(hours=1)):
            # The way back through the browser's history opens a new form with the old words in it.
            return done(
                to=url_for("orders.receipt", receipt=receipt, lang=kept_language()), notice="act_known"
            )
        after = actions.act(
            found.need_id, _need_of(found), step, ticket.need_id, content, now,
            text=form.text, said=_said(form), files=form.files if isinstance(form, ReplyForm) else [],
        )  # fmt: skip
    except actions.ActKnown:
        # The same form at the same moment: the other one was a little quicker.
        db.session.rollback()
        if _known(act_of(ticket.need_id), found, content):
            return done(
                to=url_for("orders.receipt", receipt=receipt, lang=kept_language()), notice="act_known"
            )
        form.ticket.data = rules.issue(_secret(), now)
        return _page(found, form=form, act=act, status=409, trouble=_too_late(found))
    except WrongMoment:
        db.session.rollback()
        found = find_receipt(receipt)
        return _page(found, form=form, act=act, status=409, trouble=_too_late(found))
    return done(
        to=url_for("orders.receipt", receipt=receipt, lang=kept_language()), notice=_notice(step, after)
    )


def _known(kept: Any | None, found: Any, content: bytes) -> bool:
    return kept is not None and kept.need_id == found.need_id and kept.fingerprint == content


def _said(form: DoorForm) -> Said | None:
    if not isinstance(form, RateForm):
        return None
    return Said(solved=Solved[form.solved.data], level=int(form.level.data))


def _too_late(found: Any) -> str:
    return _(
        "这件事刚刚有了变化，现在是“%(state)s”，这次没有提交。您写的还在下面。",
        state=progress.in_words(_need_of(found)),
    )


def _notice(step: Step, after: NeedStatus) -> str:
    if step.name == "rate":
        return "act_rate" if after is NeedStatus.RATED else "act_again"
    return {"redo": "act_redo", "recall": "act_recall"}.get(step.name, "act_reply")


def _wait(found: Any, form: DoorForm, act: str, left: timedelta) -> Response:
    seconds = max(1, int(left.total_seconds()) + 1)
    trouble = _(
        "发得太多了，内容都还在。请 %(when)s再发，急事请打服务团电话。", when=rules.wait_words(seconds)
    )
    response = _page(found, form=form, act=act, status=429, trouble=trouble)
    response.headers["Retry-After"] = str(seconds)
    return response


@bp.route("/t/<receipt>/call", methods=["GET", "POST"])
@public
def call(receipt: str) -> Response:
    """请他回电: a notice for who holds the order, once an hour at most."""
    found = find_receipt(receipt)
    if found is None:
        return no_receipt()
    if request.method == "GET":
        return redirect(url_for("orders.receipt", receipt=receipt, lang=kept_language()))
    if current_user.is_authenticated:
        raise ForTheEnterprise
    now = clock.now()
    try:
        asked = actions.ask_for_call(found.need_id, _need_of(found), now, now - CALLS)
    except WrongMoment:  # it has ended, or somebody did something at this very moment
        db.session.rollback()
        return done(to=url_for("orders.receipt", receipt=receipt, lang=kept_language()), notice="call_late")
    return done(
        to=url_for("orders.receipt", receipt=receipt, lang=kept_language()),
        notice="call_asked" if asked else "call_known",
    )


def _file(receipt: str, attachment_id: uuid.UUID, media_type: str) -> Any:
    """A file of this receipt: what the enterprise sent with it, and what was sent to it."""
    found = find_receipt(receipt)
    if found is None:
        raise NotFound
    needs = {found.need_id, found.merged_into_id or found.need_id}
    file = file_at_door(needs, attachment_id, own=found.need_id)
    if file is None or file.media_type != media_type:
        raise NotFound
    return file


@bp.get("/t/<receipt>/files/<uuid:attachment_id>.pdf")
@public
@boxed
def receipt_pdf(receipt: str, attachment_id: uuid.UUID) -> Response:
    file = _file(receipt, attachment_id, PDF)
    return as_file(file.id, file.original_name)


@bp.get("/t/<receipt>/files/<uuid:attachment_id>.jpg")
@public
@boxed
def receipt_photo(receipt: str, attachment_id: uuid.UUID) -> Response:
    file = _file(receipt, attachment_id, JPEG)
    response = Response(copy_of(file.id, CopySize.FULL), mimetype=JPEG)
    response.headers["Content-Disposition"] = f'inline; filename="photo-{file.id.hex[-8:]}.jpg"'
    return response
