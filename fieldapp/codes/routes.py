"""The code of one enterprise, labels for many, the scanner, and the public door behind a code."""

from __future__ import annotations

import math
from typing import Any

from flask import Flask, Response, current_app, request, url_for
from flask_login import current_user

from fieldapp.codes import actions, images, lettering
from fieldapp.codes.blueprint import bp
from fieldapp.codes.forms import ReplaceForm, TypedCodeForm
from fieldapp.codes.labels import LAYOUTS, Label, labels_pdf
from fieldapp.codes.models import QrCode
from fieldapp.codes.queries import (
    MOST_LABELS,
    Card,
    Choice,
    Printable,
    current_code,
    find_card,
    find_typed,
    printable,
    revoked_codes,
)
from fieldapp.codes.turnstile import Turnstile
from fieldapp.enterprises.access import can_manage_codes
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.queries import find_enterprise, regions_of
from fieldapp.guards import kept, loosened, needs, neighbourhood, public
from fieldapp.languages import _, lazy
from fieldapp.pages import add_notice, done, named, number_in, page, redirect
from fieldapp.refusals import NotFound, Refusal, TooMany

PREVIEW = 8  # labels drawn on the selection page: one sheet shows how all will look

add_notice("code_replaced", "ok", lazy("新二维码已启用，旧的已经停用。请重新打印标签。"))
add_notice("code_issued", "ok", lazy("二维码已生成，可以打印了。"))


class TooManyLabels(Refusal):
    title = lazy("一次打印太多了")
    message = lazy("一次最多打印 %(most)s 家，请按旗县区分几次打印。", most=MOST_LABELS)


def init(app: Flask) -> None:
    """Each app counts for itself, so that two apps in one test process do not share a minute."""
    app.extensions["codes.cards"] = Turnstile()
    app.extensions["codes.typed"] = Turnstile()


def address_of(token: str) -> str:
    """What a code says: always the configured public URL, whatever Host header this request came with."""
    return f"{current_app.config['PUBLIC_URL']}/q/{token}"


# One enterprise's code.


def _code_of(enterprise: Enterprise) -> QrCode:
    code = current_code(enterprise.id)
    if code is None:
        raise NotFound
    return code


@bp.route("/enterprises/<int:enterprise_id>/qr", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
def show(enterprise_id: int) -> Response:
    """The code, and for the lead its replacement."""
    to = can_manage_codes if request.method == "POST" else None
    enterprise = find_enterprise(current_user, enterprise_id, to=to)
    form = ReplaceForm(request.form)
    if request.method == "POST" and form.validate():
        before = number_in(form.code.data or "")
        actions.replace(current_user, enterprise.id, before, form.reason.data)
        notice = "code_replaced" if before else "code_issued"
        return done(to=url_for("codes.show", enterprise_id=enterprise.id), notice=notice)
    code = current_code(enterprise.id)
    symbol = images.matrix(address_of(code.token)) if code else []
    return page(
        "codes/show.html",
        form=form,
        enterprise=enterprise,
        code=code,
        address=address_of(code.token) if code else "",
        symbol=symbol,
        symbol_path=images.path(symbol),
        side=len(symbol) + 2 * images.QUIET,
        may_manage=can_manage_codes(current_user, enterprise),
        revoked=revoked_codes(enterprise.id),
    )


def _file(body: bytes, kind: str, name: str, *, attached: bool) -> Response:
    response = Response(body, mimetype=kind)
    return named(response, name, "qr." + name.rpartition(".")[2], attached=attached)


@bp.get("/enterprises/<int:enterprise_id>/qr.svg")
@needs("OFFICER", "LEAD")
def svg(enterprise_id: int) -> Response:
    enterprise = find_enterprise(current_user, enterprise_id)
    code = _code_of(enterprise)
    body = images.svg(address_of(code.token), enterprise.name, code.short_code)
    return _file(
        body.encode(), "image/svg+xml", f"{enterprise.name}.svg", attached="download" in request.args
    )


@bp.get("/enterprises/<int:enterprise_id>/qr.png")
@needs("OFFICER", "LEAD")
def png(enterprise_id: int) -> Response:
    enterprise = find_enterprise(current_user, enterprise_id)
    code = _code_of(enterprise)
    body = images.png(address_of(code.token), enterprise.name, code.short_code)
    return _file(body, "image/png", f"{enterprise.name}.png", attached="download" in request.args)


# Labels for many.


def _choice() -> Choice:
    """The selection in the address: `ids` repeated or separated by commas, or the filters."""
    args = request.args
    written = [part for text in args.getlist("ids") for part in text.split(",") if part]
    ids = tuple(dict.fromkeys(number for number in map(number_in, written) if number is not None))
    if any(number_in(part) is None for part in written):
        raise NotFound
    if len(ids) > MOST_LABELS:
        raise TooManyLabels
    scope = args.get("scope", "")
    return Choice(
        ids=ids,
        q=lettering.clean(args.get("q", ""))[:100],
        region=number_in(args.get("region", "")),
        scope=scope if scope in {"mine", "pool"} else "",
    )


def _label(item: Printable) -> Label:
    return Label(address_of(item.token), item.name, item.short_code)


def _drawn(item: Printable) -> dict[str, Any]:
    """One label of the preview, its name broken as the printed one is."""
    symbol = images.matrix(address_of(item.token))
    name = lettering.fit(lettering.clean(item.name), 9.2 * 12.5, ((12.5, 3), (9, 5), (7, 7)), "bold")
    return {
        "lines": name.lines,
        "size": {12.5: "", 9: "is-long", 7: "is-longer"}[name.size],
        "code": item.short_code,
        "path": images.path(symbol),
        "side": len(symbol) + 2 * images.QUIET,
    }


@bp.get("/enterprises/qr-labels")
@needs("OFFICER", "LEAD")
def labels() -> Response:
    """Choose what to print, and see the first sheet."""
    choice = _choice()
    found = printable(current_user, choice)
    chosen, more = found[:MOST_LABELS], len(found) > MOST_LABELS
    drawn = [_drawn(item) for item in chosen[:PREVIEW]]
    return page(
        "codes/labels.html",
        choice=choice,
        regions=regions_of(current_user),
        chosen=chosen,
        more=more,
        most=MOST_LABELS,
        sheets=math.ceil(len(chosen) / 8),
        preview=drawn,
    )


@bp.get("/enterprises/qr-labels.pdf")
@needs("OFFICER", "LEAD")
def labels_file() -> Response:
    layout = request.args.get("layout", "a4-8")
    if layout not in LAYOUTS:
        raise NotFound
    chosen = printable(current_user, _choice())
    if not chosen:
        raise NotFound(_("这里没有可以打印的二维码。请先选企业。"))
    if len(chosen) > MOST_LABELS:
        raise TooManyLabels
    actions.record_print(layout, [item.id for item in chosen])
    body = labels_pdf([_label(item) for item in chosen], layout)
    name = chosen[0].name if len(chosen) == 1 else _("二维码标签")
    return _file(body, "application/pdf", f"{name}.pdf", attached=True)


# The scanner.

_scanner = loosened(script_src="'wasm-unsafe-eval'", media_src="'self' blob:")


@bp.get("/scan")
@needs("OFFICER", "LEAD")
@_scanner
@kept
def scan() -> Response:
    return page("codes/scan.html", form=TypedCodeForm())


@bp.post("/scan/code")
@needs("OFFICER", "LEAD")
@_scanner
def typed() -> Response:
    """A typed code opens what the person may see, and says the same of foreign and of absent ones."""
    wait = current_app.extensions["codes.typed"].wait(
        str(current_user.id), current_app.config["CODE_TRIES_PER_MINUTE"]
    )
    if wait:
        raise TooMany(_("编号试得太快了，请 %(wait)s 秒后再试。", wait=wait), retry_after=wait)
    form = TypedCodeForm(request.form)
    if form.validate():
        found = find_typed(current_user, form.code.data)
        if found and not found.revoked:
            return done(to=url_for("casefile.show", enterprise_id=found.enterprise_id))
        form.code.errors = [
            _("这个编号已经停用，请看新贴的二维码，或从企业列表里找。")
            if found
            else _("没有这个编号，或者这家企业不归你负责。请核对二维码下方的 6 位数字。")
        ]
    return page("codes/scan.html", form=form)


# The public door.


@bp.after_request
def _unlisted(response: Response) -> Response:
    """No search engine keeps what is behind a code, and no link followed from it tells where somebody came from."""
    if request.endpoint == "codes.card":
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _dead_end(status: int, picture: str, title: str, sentence: str, **context: Any) -> Response:
    return page(
        "codes/dead_end.html", status=status, picture=picture, title=title, sentence=sentence, **context
    )


def dead_end_of(found: Card | None, more: str = "") -> Response:
    """The page for a code that leads nowhere: unknown (None), or revoked. `more` is said where something was typed."""
    if found is None:
        sentence = _("二维码没有扫全，或者不是青助企的。请把整个二维码放进取景框再扫一次。")
        return _dead_end(404, "circle-help", _("没有这个二维码"), sentence)
    sentence = _("这张二维码已经换成新的。请扫企业门口新贴的那一张；找不到的话，打服务团的电话。")
    return _dead_end(
        410, "circle-pause", _("这张二维码已停用"), sentence, card=found, entitled=found.entitled, more=more
    )


@bp.get("/q/<token>")
@public
def card(token: str) -> Response:
    """Where a code leads: the casefile for those who serve the enterprise, the public card for everybody else.

    Whoever stands here is an enterprise's guest with a phone, so even the refusals are pages of their own.
    """
    if not current_user.is_authenticated:
        wait = current_app.extensions["codes.cards"].wait(
            neighbourhood(request.remote_addr or ""), current_app.config["CARD_VIEWS_PER_MINUTE"]
        )
        if wait:
            sentence = _("这个网络刚才扫得太频繁了，请 %(wait)s 秒后再扫一次。", wait=wait)
            response = _dead_end(429, "hourglass", _("请稍等一下"), sentence)
            response.headers["Retry-After"] = str(wait)
            return response
    found = find_card(token, current_user if current_user.is_authenticated else None)
    if found is None or found.revoked:
        return dead_end_of(found)
    if found.entitled:
        return redirect(url_for("casefile.show", enterprise_id=found.enterprise_id))
    came = current_app.extensions["visits.last_made"](found.enterprise_id)
    return page("codes/card.html", card=found, token=token, came=came)
