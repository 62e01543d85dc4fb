"""The enterprise's own door: placing an order without an account, and finding it again."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

from flask import Flask, Response, current_app, request, url_for
from flask_login import current_user
from werkzeug.exceptions import ServiceUnavailable

from fieldapp import audit, clock
from fieldapp.attachments.intake import take_files
from fieldapp.codes.queries import Card, find_card
from fieldapp.codes.routes import dead_end_of
from fieldapp.codes.turnstile import Turnstile
from fieldapp.db import db
from fieldapp.enterprises.access import can_see_phones
from fieldapp.entries.actions import content_fingerprint
from fieldapp.forms import typed
from fieldapp.guards import (
    address_hash,
    needs,
    neighbourhood,
    prepare,
    prepares,
    public,
    repeatable,
    takes_body,
)
from fieldapp.languages import _, kept_language, lazy
from fieldapp.needs.actions import IdTaken
from fieldapp.needs.forms import MOST_INDICATORS
from fieldapp.needs.models import Cooperation, Disclosure, NeedKind
from fieldapp.needs.queries import find_need
from fieldapp.orders import actions, rules
from fieldapp.orders.blueprint import bp
from fieldapp.orders.forms import FIRST_KINDS, OrderForm, TrackForm
from fieldapp.orders.models import BudgetBand, CallAt
from fieldapp.orders.queries import crowd, order_of, receipt_by_number, stand_in_line
from fieldapp.pages import add_notice, done, page
from fieldapp.refusals import NotFound

add_notice("order_placed", "ok", lazy("点单已收到。请收好回执号，凭它随时查进度。"))
add_notice("order_known", "ok", lazy("这张单已经提交过了，这是它的进度。"))


def init(app: Flask) -> None:
    app.extensions["orders.numbers"] = Turnstile()
    app.extensions["orders.guesses"] = Turnstile()


@bp.after_request
def _unlisted(response: Response) -> Response:
    """Nothing behind a code is for search engines, nor for the address line of whoever is linked from it."""
    # An answer without this is not ours: a hotel's sign-in page, a proxy.
    response.headers["Order-Receipt"] = "yes" if request.endpoint == "orders.receipt" else "no"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = (
        "no-referrer" if request.endpoint == "orders.receipt" else "same-origin"
    )
    return response


def _key() -> bytes:
    return str(current_app.config["SECRET_KEY"]).encode()


def _form_page(
    card: Card, token: str, form: OrderForm, *, status: int | None = None, **more: Any
) -> Response:
    form.privacy.data = rules.PRIVACY  # what the page shows now
    return page(
        "orders/order.html",
        status=status,
        card=card,
        token=token,
        form=form,
        first=FIRST_KINDS,
        door=rules.door_mark(_key(), card.enterprise_id),
        **more,
    )


def _form(ticket: str = "") -> OrderForm:
    form = OrderForm(request.form if request.method == "POST" else None)
    form.photos.most = current_app.config["ORDER_PHOTOS"]
    if ticket:
        form.ticket.data = ticket
        form.privacy.data = rules.PRIVACY
    return form


@bp.route("/q/<token>/order", methods=["GET", "POST"])
@public
@takes_body("ORDER_BODY", anybody=True)
@prepares(take_files)
def order(token: str) -> Response:
    """One form is one order: its ticket is the need's id, so sent again it leads to the receipt there is."""
    card = find_card(token)
    if card is None or card.revoked:
        written = _("您写的还在这台手机上：扫新的二维码，打开点单页会放回来；没有放回来，请按返回键找回。")
        return dead_end_of(card, written if request.method == "POST" else "")
    now = clock.now()
    if request.method == "GET":
        return _form_page(card, token, _form(rules.issue(_key(), now)))
    ticket = rules.read(_key(), request.form.get("ticket", ""), now)
    content = content_fingerprint()
    known = order_of(ticket.need_id) if ticket else None
    if known is not None and known.fingerprint == content:
        return done(
            to=url_for("orders.receipt", receipt=known.receipt, lang=kept_language()), notice="order_known"
        )
    if "add_indicator" in request.form:  # pressed without script: one more row, and everything as it was
        form = _form()
        if len(form.indicators) < MOST_INDICATORS:
            form.indicators.append_entry()
        return _form_page(card, token, form, status=200, at="indicators")
    prepare()
    form = _form()
    if known is not None:
        return _known(card, token, form, known, content)
    valid = form.validate()
    if ticket is None:
        form.ticket.data = rules.issue(_key(), now - rules.FASTEST)
        return _form_page(
            card, token, form, status=422, trouble=_("页面放得太久了，内容都还在，请再按一次提交。")
        )
    if not valid:
        return _form_page(card, token, form)
    if form.home_page.data or rules.too_fast(ticket, now):
        form.home_page.data = ""  # a browser that fills it in by itself gets through the second time
        return _form_page(
            card, token, form, status=422, trouble=_("提交得太快了，内容都还在，请再按一次提交。")
        )
    address = address_hash(neighbourhood(request.remote_addr or ""))
    wait, twin = _crowd(card, address, content, now)
    if twin and "again" not in request.form and (known := order_of(twin)):
        if twin == ticket.need_id:  # the same form at the same moment
            return _known(card, token, form, known, content)
        # The way back through the browser's history opens a new form, with the old words in it.
        form.ticket.data = rules.issue(_key(), now - rules.FASTEST)
        return _form_page(card, token, form, status=409, earlier=known, same=True)
    if wait:
        trouble = _(
            "这里刚才点单太多了，内容都还在。请 %(when)s再提交，急事请打服务团电话。",
            when=rules.wait_words(wait),
        )
        response = _form_page(card, token, form, status=429, trouble=trouble)
        response.headers["Retry-After"] = str(wait)
        return response
    try:
        receipt = actions.place(
            SimpleNamespace(id=card.enterprise_id, name=card.name),
            card.code_id,
            ticket.need_id,
            now,
            words=_words(form),
            contact={
                "contact_name": typed(form.contact_name),
                "phone": typed(form.phone),
                "call_at": CallAt[form.call_at.data],
                "budget": BudgetBand[form.budget.data],
            },
            files=[*form.photos.photos, *form.documents.documents],
            fingerprint=content,
            address=address,
        )
    except IdTaken:
        # The same form at the same moment: the other one was a little quicker.
        db.session.rollback()
        known = order_of(ticket.need_id)
        if known is None:
            raise ServiceUnavailable from None
        return _known(card, token, form, known, content)
    return done(to=url_for("orders.receipt", receipt=receipt, lang=kept_language()), notice="order_placed")


def _known(card: Card, token: str, form: OrderForm, known: Any, content: bytes) -> Response:
    """The form was sent before. The same words lead to the receipt; other words are not lost: they are a new order,
    if that is what is meant."""
    if known.fingerprint == content:
        return done(
            to=url_for("orders.receipt", receipt=known.receipt, lang=kept_language()), notice="order_known"
        )
    form.validate()
    form.ticket.data = rules.issue(_key(), clock.now() - rules.FASTEST)
    return _form_page(card, token, form, status=409, earlier=known)


def _crowd(card: Card, address: str, content: bytes, now: Any) -> tuple[int, uuid.UUID | None]:
    config = current_app.config
    stand_in_line(card.code_id, address)
    return crowd(
        address, config["ORDERS_PER_ADDRESS_HOUR"], card.code_id, config["ORDERS_PER_CODE_DAY"], content, now
    )


def _words(form: OrderForm) -> dict[str, Any]:
    rows = [row.form for row in form.indicators if typed(row.form["name"])]
    return {
        "title": typed(form.title),
        "kind": NeedKind[form.kind.data],
        "description": typed(form.description),
        "indicators": [
            {part: typed(row[part]) for part in ("name", "now", "target", "unit")} for row in rows
        ],
        "deadline": form.deadline.data,
        "cooperation": Cooperation[form.cooperation.data] if form.cooperation.data else None,
        "disclosure": Disclosure[form.disclosure.data],
    }


@bp.route("/q/<token>/track", methods=["GET", "POST"])
@public
def track(token: str) -> Response:
    """An order found again by its number, at the enterprise's own code."""
    card = find_card(token)
    if card is None:
        return dead_end_of(card)
    form = TrackForm(request.form if request.method == "POST" else None)
    status = None
    if request.method == "POST" and form.validate():
        wait = current_app.extensions["orders.numbers"].wait(
            neighbourhood(request.remote_addr or ""), current_app.config["CODE_TRIES_PER_MINUTE"]
        )
        if wait:
            status = 429
            form.number.errors = [_("试得太快了，请 %(wait)s 秒后再试。", wait=wait)]
        else:
            number = rules.tidy_number(form.number.data or "")
            found = receipt_by_number(card.enterprise_id, number) if len(number) == 8 else None
            if found:
                return done(to=url_for("orders.receipt", receipt=found, lang=kept_language()))
            form.number.errors = [_("这家企业没有这个回执号。请核对一下，或者打服务团的电话。")]
    response = page("orders/track.html", status=status, card=card, token=token, form=form)
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response


@bp.post("/needs/<uuid:need_id>/orderer")
@needs("OFFICER", "LEAD")
@repeatable
def phone(need_id: uuid.UUID) -> Response:
    """Who to call about an order, shown on purpose and logged."""
    need = find_need(current_user, need_id, to=can_see_phones)
    known = order_of(need.id)
    if known is None:
        raise NotFound
    audit.record(
        "phone_shown",
        f"need:{need.id}",
        actor=current_user._get_current_object(),
        enterprise=need.enterprise_id,
    )
    return page("orders/phone.html", "orderer_phone", order=known, need=need)


@bp.get("/privacy")
@public
def privacy() -> Response:
    return page("orders/privacy.html", version=rules.PRIVACY)
