"""Asking an enterprise to confirm a visit, and the pages where it does so without an account."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Flask, Response, current_app, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.codes import images
from fieldapp.codes.queries import find_card
from fieldapp.codes.routes import dead_end_of
from fieldapp.codes.turnstile import Turnstile
from fieldapp.formats import day as short_day
from fieldapp.guards import needs, neighbourhood, public, repeatable, secret_address
from fieldapp.languages import _, kept_language, lazy
from fieldapp.pages import add_notice, done, page
from fieldapp.refusals import NotAllowed
from fieldapp.visits import confirming
from fieldapp.visits.access import can_ask
from fieldapp.visits.blueprint import bp
from fieldapp.visits.confirm_forms import DIGITS, AnswerForm, CorrectionForm, DigitsForm, SaidForm
from fieldapp.visits.confirming import Asked
from fieldapp.visits.models import Answer
from fieldapp.visits.queries import find_visit
from fieldapp.visits.ratings import Level, Trouble

add_notice("codes_taken_back", "ok", lazy("发出去的码和链接都已作废。"))
add_notice(
    "visit_answered_before", "warn", lazy("这次走访刚才已经回答过，这次填的没有记。下面是当时的回答。")
)
add_notice("answer_corrected", "ok", lazy("已经改好。"))


class OnlyForTheEnterprise(NotAllowed):
    title = lazy("请企业自己确认")
    message = lazy("这一页由企业的人用自己的手机回答。请让对方扫码，或者把链接发给对方。")


def init(app: Flask) -> None:
    app.extensions["visits.answers"] = Turnstile()
    app.extensions["visits.digits"] = Turnstile()


# The officer asks.


@bp.post("/visits/<uuid:visit_id>/confirmation")
@needs("OFFICER", "LEAD")
@repeatable
def ask(visit_id: uuid.UUID) -> Response:
    """A code and a link, shown in this answer and stored nowhere: asked for again, there are new ones."""
    file = find_visit(current_user, visit_id, to=can_ask, whole=False)
    given = confirming.ask(current_user._get_current_object(), file, clock.now())
    base = current_app.config["PUBLIC_URL"]
    symbol = images.matrix(base + url_for("visits.confirm", token=given.shown))
    return page(
        "visits/code.html",
        file=file,
        given=given,
        minutes=current_app.config["VISIT_CODE_MINUTES"],
        days=current_app.config["VISIT_LINK_DAYS"],
        symbol_path=images.path(symbol),
        side=len(symbol) + 2 * images.QUIET,
        address=base + url_for("visits.confirm", token=given.link),
    )


@bp.post("/visits/<uuid:visit_id>/confirmation/revoke")
@needs("OFFICER", "LEAD")
def take_back(visit_id: uuid.UUID) -> Response:
    file = find_visit(current_user, visit_id, to=can_ask, whole=False)
    confirming.take_back(current_user._get_current_object(), file, clock.now())
    return done(to=url_for("visits.show", visit_id=visit_id), notice="codes_taken_back")


# The enterprise answers.


def _no_way(status: int, picture: str, title: str, sentence: str, **context: Any) -> Response:
    return page(
        "codes/dead_end.html", status=status, picture=picture, title=title, sentence=sentence, **context
    )


def too_often(which: str, most: int) -> Response | None:
    """The page that asks to wait, or None when this address may go on."""
    wait = current_app.extensions[which].wait(neighbourhood(request.remote_addr or ""), most)
    if not wait:
        return None
    sentence = _("这个网络刚才打开得太频繁了，请 %(wait)s 秒后再试。", wait=wait)
    response = _no_way(429, "hourglass", _("请稍等一下"), sentence)
    response.headers["Retry-After"] = str(wait)
    return response


def gone(asked: Asked | None) -> Response:
    """A page with a way out for what leads nowhere."""
    if asked is None:
        sentence = _("地址没有复制全，或者不是青助企的。请让来访的干部再出示一次确认码，或者重新发一次链接。")
        return _no_way(404, "circle-help", _("没有这次确认"), sentence)
    sentences = {
        "expired": _(
            "出示的码和链接只管一段时间。请让来访的干部再出示一次，或者打服务团的电话。不确认也没有关系。"
        ),
        "revoked": _(
            "干部收回了这个码，或者换了新的。请扫新的那一个，或者打服务团的电话。不确认也没有关系。"
        ),
        "called off": _("这次走访已经取消，不用确认。有事请打服务团的电话。"),
    }
    # Whose visit it was stays unsaid: an old link says no more than that it is old.
    return _no_way(410, "circle-pause", _("这个链接已经失效"), sentences[asked.gone], card=asked)


def _question(asked: Asked) -> str:
    """Whether somebody came, as one asks it of that way of meeting, and of that day."""
    day = clock.local(asked.arrived_at).date()
    when = _("今天") if day == clock.today() else short_day(day)
    questions = {
        "ON_SITE": _("%(when)s有人来过吗？", when=when),
        "OFFICE": _("%(when)s您来过我们这里吗？", when=when),
        "PHONE": _("%(when)s通过电话吗？", when=when),
        "ONLINE": _("%(when)s开过线上会吗？", when=when),
    }
    return questions[asked.way.name]


def here(token: str, notice: str | None = None) -> Response:
    """Back to the page, in the language it was read in."""
    return done(to=url_for("visits.confirm", token=token, lang=kept_language()), notice=notice)


@bp.route("/v/<token>", methods=["GET", "POST"])
@public
@secret_address
def confirm(token: str) -> Response:
    """Was somebody there? For whoever of the enterprise holds a code of that visit; answered once, and put right for a
    day."""
    if not current_user.is_authenticated:
        crowded = too_often("visits.answers", current_app.config["CARD_VIEWS_PER_MINUTE"])
        if crowded:
            return crowded
    now = clock.now()
    asked = confirming.find_asked(token, now)
    if asked is None or asked.gone:
        return gone(asked)
    if request.method == "POST" and current_user.is_authenticated:
        raise OnlyForTheEnterprise
    correcting = request.values.get("again") == "1" and _may_correct(asked, now)
    if correcting:
        return _correcting(token, asked, now)
    if asked.answer is None:
        return _answering(token, asked, now)
    if request.method == "POST":  # somebody was quicker, or it was sent twice
        sent = AnswerForm(request.form, way=asked.way)
        same = sent.answer.data == asked.answer.name and sent.words == asked.answer_text
        return here(token, None if same else "visit_answered_before")
    return page("visits/answered.html", asked=asked, token=token, may_correct=_may_correct(asked, now))


def _may_correct(asked: Asked, now: Any) -> bool:
    return asked.answer is not None and confirming.may_still_answer(
        asked.answered_at, asked.answer_version, now
    )


def _answering(token: str, asked: Asked, now: Any) -> Response:
    form = AnswerForm(request.form if request.method == "POST" else None, way=asked.way)
    if request.method == "POST" and form.validate():
        written = confirming.answer(
            asked,
            Answer[form.answer.data],
            form.words,
            now,
            level=Level[form.level.data] if form.level.data else None,
            troubles=[Trouble[name] for name in form.troubles.data or []],
        )
        return here(token, None if written else "visit_answered_before")
    return _form_page(token, asked, form)


def _correcting(token: str, asked: Asked, now: Any) -> Response:
    said = {
        "answer": asked.answer.name if asked.answer else None,
        "text": asked.answer_text,
        "version": str(asked.answer_version),
    }
    form = CorrectionForm(request.form if request.method == "POST" else None, way=asked.way, **said)
    if request.method == "POST" and form.validate():
        kept = confirming.correct(asked, form.version.number, Answer[form.answer.data], form.words, now)
        return here(token, "answer_corrected" if kept else "visit_answered_before")
    return _form_page(token, asked, form)


def _form_page(token: str, asked: Asked, form: SaidForm) -> Response:
    return page(
        "visits/confirm.html",
        asked=asked,
        token=token,
        form=form,
        question=_question(asked),
        least=current_app.config["RATINGS_SHOWN_FROM"],
        days=current_app.config["VISIT_LINK_DAYS"],
    )


@bp.route("/q/<token>/visit", methods=["GET", "POST"])
@public
@secret_address
def digits(token: str) -> Response:
    """At the enterprise's own door: the six digits on the officer's phone lead to the visit they are shown for."""
    card = find_card(token)
    if card is None or card.revoked:
        return dead_end_of(card)
    form = DigitsForm(request.form if request.method == "POST" else None)
    if request.method == "POST" and form.validate():
        crowded = too_often("visits.digits", current_app.config["CODE_TRIES_PER_MINUTE"])
        if crowded:
            return crowded
        tidy = form.tidy
        found = (
            confirming.open_by_digits(card.enterprise_id, tidy, clock.now()) if len(tidy) == DIGITS else None
        )
        if found:
            return here(found)
        form.digits.errors = [_("没有这个确认码，或者已经过期。请核对一下；还不行，请干部重新出示。")]
    minutes = current_app.config["VISIT_CODE_MINUTES"]
    return page("visits/digits.html", card=card, token=token, form=form, minutes=minutes)
