"""Who gets in at all: sign-in by default, cross-site posts refused, strict headers on every answer, error pages."""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import secrets
import time
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, g, request, url_for
from flask_login import current_user
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from fieldapp import here, pages
from fieldapp.db import WRITE_METHODS, begin_writing, undo
from fieldapp.languages import _, lazy
from fieldapp.refusals import NotAllowed, NotFound, Refusal, TooMany

log = logging.getLogger("fieldapp")
View = TypeVar("View", bound=Callable[..., Any])

CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
}
RETRY_AFTER = 5  # seconds, when the database could not be asked
PERMISSIONS = "camera=(self), geolocation=(self), microphone=(), payment=(), usb=(), display-capture=()"


class CrossSite(NotAllowed):
    title = lazy("没有提交成功")
    message = lazy("这次提交不是从青助企自己的页面发出的，没有保存。请回到青助企里再操作。")


class StaleToken(NotAllowed):
    title = lazy("页面放得太久了")
    message = lazy(
        "这个页面打开太久，安全校验已过期，内容没有保存。请返回上一页，刷新后再提交；填过的字浏览器通常会留着。"
    )
    outbox_error = "csrf"


class NotYours(NotAllowed):
    message = lazy("这条内容是另一位同事填的，请由本人登录后提交。")
    outbox_error = "user"


def public(view: View) -> View:
    """Opt a view out of sign-in. The authorisation matrix test lists every one of them."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def needs(*roles: str) -> Callable[[View], View]:
    """Only these roles (names of accounts.Role) may open the view; others get 403."""

    def mark(view: View) -> View:
        view.roles = frozenset(roles)  # type: ignore[attr-defined]
        return view

    return mark


def signs_in(view: View) -> View:
    """The sign-in form carries no token: it may have been opened before a session began in another tab.

    Where the post comes from is checked all the same, so nobody can be signed in from a foreign page.
    """
    view.signs_in = True  # type: ignore[attr-defined]
    return view


def loosened(**directives: str) -> Callable[[View], View]:
    """Add sources to this view's CSP, e.g. `@loosened(script_src="'wasm-unsafe-eval'")`."""

    def mark(view: View) -> View:
        view.csp = {name.replace("_", "-"): value for name, value in directives.items()}  # type: ignore[attr-defined]
        return view

    return mark


def secret_address(view: View) -> View:
    """Whoever knows this page's address may open it: no search engine keeps it, and no page that is reached from it is
    told where somebody came from (an older browser then says that its own posts come from "null")."""
    view.secret_address = True  # type: ignore[attr-defined]
    return view


def kept(view: View) -> View:
    """Phones may keep this page, sealed, for the person it was made for, and show it without a network.

    Nothing else is ever kept; tests/house/test_kept.py lists what is.
    """
    view.kept = "always"  # type: ignore[attr-defined]
    return view


def kept_in_pack(view: View) -> View:
    """As `kept`, but only as the pack carries it: there the list is whole, on the page it goes on after thirty."""
    view.kept = "pack"  # type: ignore[attr-defined]
    return view


def asked_by_phones(view: View) -> View:
    """The outbox asks here, not a person: who is signed out hears 401 and why, instead of being sent to sign in."""
    view.asked_by_phones = True  # type: ignore[attr-defined]
    return view


def takes_body(setting: str, *, anybody: bool = False) -> Callable[[View], View]:
    """This view's posts may be as large as that setting says, instead of MAX_BODY; for signed-in people only, unless
    `anybody`."""

    def mark(view: View) -> View:
        view.body_setting = setting  # type: ignore[attr-defined]
        view.body_of_anybody = anybody  # type: ignore[attr-defined]
        return view

    return mark


def prepares(function: Callable[[], Any]) -> Callable[[View], View]:
    """Slow work on what was sent (decoding photos) that must not hold SQLite's write lock.

    For a post of somebody who is signed in and let through, before the entry is opened, and not again for an entry
    that has been carried out: the transaction that looked the session up is ended, `g.prepared = function()` runs
    while no lock and no connection is held, and the next statement begins the transaction that writes. `function` may
    read the database only through `db.reading()`.
    """

    def mark(view: View) -> View:
        view.prepare = function  # type: ignore[attr-defined]
        return view

    return mark


def csrf_token() -> str:
    """The page's token: HMAC of the session, hidden under a fresh mask so that compression leaks nothing of it. A page
    with many forms has it many times, under the same mask."""
    seed = getattr(current_user._get_current_object(), "csrf_seed", None)
    if not seed or pages.packing():  # the outbox asks for a fresh one before it sends
        return ""
    made_for, token = g.get("csrf_token", (b"", ""))
    if made_for != seed:
        token = _masked_token(seed)
        g.csrf_token = seed, token
    return token


@lru_cache(maxsize=1000)
def _secret(key: str, seed: bytes) -> bytes:
    """What a session's tokens hide."""
    return hmac.digest(key.encode(), b"csrf:" + seed, "sha256")


def _masked_token(seed: bytes) -> str:
    secret = _secret(current_app.config["SECRET_KEY"], seed)
    mask = secrets.token_bytes(32)
    return (mask + _masked(mask, secret)).hex()


def _masked(mask: bytes, secret: bytes) -> bytes:
    """Both have 32 bytes."""
    return (int.from_bytes(mask) ^ int.from_bytes(secret)).to_bytes(32)


def _token_holds(text: str, person: Any) -> bool:
    seed = person.csrf_seed
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return False
    if not seed or len(raw) != 64:
        return False
    secret = _secret(current_app.config["SECRET_KEY"], seed)
    return hmac.compare_digest(_masked(raw[:32], raw[32:]), secret)


def _same_site(asked: Request) -> bool:
    """Browsers say where a post comes from; what they say must be this site."""
    headers = asked.headers
    fetch_site = headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    source = headers.get("Origin") or headers.get("Referer")
    if source is None:
        # Not a browser of this decade. With a session the token decides; without one there is nothing to ride on.
        return True
    if source == "null" and hasattr(current_view(), "secret_address"):
        return True  # the secret in the address decides; a session has its token besides
    return urlsplit(source).netloc == asked.host


def _open_request() -> None:
    noted = here.notes()
    noted.started = time.perf_counter()
    noted.request_id = secrets.token_hex(8)


def _before_the_body() -> Response | None:
    """What a view says about its body must be known before the body is read and before anything is locked."""
    asked = here.request()
    if "\0" in asked.path:
        raise NotFound
    if b"%00" in asked.query_string:  # nobody types one, and PostgreSQL holds none
        asked.query_string = asked.query_string.replace(b"%00", b"")
    view = current_view()
    if view is None or asked.method not in WRITE_METHODS:
        return None
    # Until the work is prepared this request only reads, so not even the look-up of the session takes the lock.
    g.writes_later = hasattr(view, "prepare")
    setting = getattr(view, "body_setting", None)
    answer = None
    config, length = current_app.config, asked.content_length
    small = min(config["MAX_BODY"], config[setting] if setting else 0)
    if setting is not None and (length is None or length > small):
        # Anybody else is heard with the small measure, then asked to sign in; a phone at once: "too large" would make
        # it give its entry up.
        if current_user.is_authenticated or getattr(view, "body_of_anybody", False):
            asked.max_content_length = config[setting]
        elif _is_a_phone(view):
            answer = _signed_out()
        undo()  # a body may take its time; nothing waits for it
    return answer


def _guard() -> Response | None:
    view = current_view()
    if view is None:  # no such address: the 404 page, for everybody the same
        return None
    asked = here.request()
    writes = asked.method in WRITE_METHODS
    files_later = writes and g.get("writes_later", False) and getattr(view.prepare, "of_files", False)
    if files_later and not any(file.filename for file in asked.files.values()):
        prepare()  # nothing to wait for: one transaction from the look-up of the session on
    if writes and not _same_site(asked):
        raise CrossSite
    person = current_user._get_current_object()  # the proxy would look for them at every question
    if not person.is_authenticated:
        if getattr(view, "is_public", False):
            return None
        return _ask_to_sign_in()
    if writes:
        meant_for = asked.headers.get("Outbox-User")
        if meant_for is not None and meant_for != str(person.id):
            raise NotYours
        token = asked.headers.get("X-CSRFToken") or asked.form.get("csrf_token", "")
        if not getattr(view, "signs_in", False) and not _token_holds(token, person):
            raise StaleToken
    if person.must_change_password and not getattr(view, "before_password_change", False):
        if _is_a_phone(view):
            return _signed_out()  # a redirect would look to a phone as if its entry had been taken
        return pages.done(to=url_for("accounts.password"), notice="change_password")
    if writes and asked.headers.get("Outbox-For", str(person.id)) != str(person.id):
        person = _stand_in(person)
    roles = getattr(view, "roles", None)
    if roles is not None and person.role.name not in roles:
        raise NotAllowed
    return None


# What an officer records in the field; a lead who brings an officer's outbox in sends nothing else for them.
BROUGHT_IN = frozenset({"visits", "needs", "followups"})


def _stand_in(lead: Any) -> Any:
    """For this one request the officer whose outbox a lead has brought in speaks. `g.brought_by` is the lead."""
    officer = current_app.extensions["officer_of_lead"](lead, request.headers["Outbox-For"])
    if officer is None or request.blueprint not in BROUGHT_IN or "Idempotency-Key" not in request.headers:
        raise NotAllowed
    g.brought_by = lead
    g._login_user = officer  # where Flask-Login keeps whom it has found
    return officer


def prepare() -> None:
    """Do what the view prepares, see `prepares`; from here on this request's transactions write.

    Done once: before the entry is opened for who is signed in; a public view calls it itself when it is time. What
    prepares files (`of_files`) is done at once where none were sent.
    """
    if g.pop("writes_later", False):
        undo()  # nothing has been written yet
        g.prepared = current_view().prepare()
        begin_writing()


def repeatable(view: View) -> View:
    """A post that may happen again and again (showing a number is logged each time): no receipt, nothing kept."""
    view.is_repeatable = True  # type: ignore[attr-defined]
    return view


def current_view() -> Any:
    """The view that this request leads to, or None."""
    return current_app.view_functions.get(here.request().endpoint or "")


def before_password_change(view: View) -> View:
    """Reachable although the one-time password has not been changed yet."""
    view.before_password_change = True  # type: ignore[attr-defined]
    return view


def _is_a_phone(view: Any) -> bool:
    """Whether an outbox sent this, and not a person who can be led to another page."""
    headers = request.headers
    return "Outbox-User" in headers or "Idempotency-Key" in headers or hasattr(view, "asked_by_phones")


def _signed_out() -> Response:
    """`auth`: the session ran out. `ended`: somebody ended it on purpose, and the phone forgets the pages it keeps."""
    response = Response(_("请先登录，内容还在。"), status=401, mimetype="text/plain")
    on_purpose = current_app.extensions["session_was_ended"](request)
    response.headers["Outbox-Error"] = "ended" if on_purpose else "auth"
    return response


def _ask_to_sign_in() -> Response:
    if _is_a_phone(current_view()):
        return _signed_out()
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return pages.redirect(url_for("accounts.login", next=wanted if wanted != "/" else None), 303)


@cache
def _standing_headers(view: Any, secure: bool) -> tuple[tuple[str, str], ...]:
    """What every answer of this view says, whatever it is asked; the last two unless it says so itself."""
    csp = dict(CSP)
    for name, sources in getattr(view, "csp", {}).items():
        csp[name] = f"{csp[name]} {sources}" if name in csp else sources
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in csp.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Permissions-Policy": PERMISSIONS,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return tuple((headers | {"Referrer-Policy": "same-origin", "Cache-Control": "no-store"}).items())


def _headers(response: Response) -> Response:
    asked, headers, view = here.request(), response.headers, current_view()
    own = {name for name, _value in headers}
    for name, value in _standing_headers(view, current_app.config["SECURE_COOKIES"]):
        if name not in own:
            headers.add(name, value)
    if hasattr(view, "secret_address"):
        headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        headers["Referrer-Policy"] = "no-referrer"
    headers.add("X-Request-Id", g.get("request_id", ""))
    keeping = getattr(view, "kept", None)
    if keeping and response.status_code == 200 and asked.method == "GET" and pages.is_whole():
        person = current_user._get_current_object()
        if person.is_authenticated:
            headers.add("Page-User", str(person.id))
            if keeping == "always" or pages.packing():
                headers.add("Page-Kept", "1")
    return response


def _log(response: Response) -> Response:
    """One JSON line a request: no query string, no body, no name, no number."""
    asked, noted = here.request(), here.notes()
    if asked.endpoint in {"pages.static_file", "pages.healthz"} or pages.packing():
        return response
    person, ended = current_user._get_current_object(), time.perf_counter()
    line = {
        "id": noted.get("request_id"),
        "method": asked.method,
        "rule": asked.url_rule.rule if asked.url_rule else None,
        "status": response.status_code,
        "ms": round((ended - noted.get("started", ended)) * 1000, 1),
        "user": person.id if person.is_authenticated else None,
    }
    # Who wrote the line is known: the logger would walk the stack to find out.
    log.handle(log.makeRecord(log.name, logging.INFO, "", 0, json.dumps(line), (), None))
    return response


def _refused(refusal: Refusal) -> Response:
    response = pages.refusal(refusal.status, refusal.title, refusal.message)
    error = getattr(refusal, "outbox_error", None)
    if error:
        response.headers["Outbox-Error"] = error
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


HTTP_SENTENCES = {
    400: (lazy("请求不完整"), lazy("发来的内容读不出来，没有保存。请返回重试；还不行就重新打开页面。")),
    404: (NotFound.title, NotFound.message),
    405: (lazy("这样打不开"), lazy("这个地址不能直接打开。请从页面上的按钮进入。")),
    408: (lazy("网络太慢"), lazy("内容没有传完，没有保存。请到信号好一点的地方再试。")),
    413: (lazy("内容太大了"), lazy("文件太大，没有保存。请换一个小一些的文件再试。")),
    415: (lazy("格式不对"), lazy("这种内容不能接收，没有保存。")),
    429: (TooMany.title, TooMany.message),
    500: (lazy("系统出错了"), lazy("刚才的操作没有保存。请稍后再试；如果一直这样，把下面的编号告诉管理员。")),
    503: (lazy("系统正忙"), lazy("现在人太多或正在维护，刚才的操作没有保存。请过一分钟再试。")),
}


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error
    title, message = HTTP_SENTENCES.get(error.code, HTTP_SENTENCES[400 if error.code < 500 else 500])
    return pages.refusal(error.code, title, message)


def _crashed(error: Exception) -> Response:
    # The traceback goes to the log; its message may hold data, so only its kind goes into the line.
    log.error(json.dumps({"id": g.get("request_id"), "error": type(error).__name__}), exc_info=error)
    # The database is locked, restarting or out of connections: the same entry sent again later will find it well.
    later = isinstance(error, OperationalError | PoolTimeout) and "no such" not in str(error)
    status = 503 if later else 500
    response = pages.refusal(status, *HTTP_SENTENCES[status])
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def first(app: Flask) -> None:
    """Hooks that must run before the body is read."""
    app.before_request(_before_the_body)


def init(app: Flask) -> None:
    if app.config["TRUSTED_PROXIES"]:
        n = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    app.before_request(_open_request)
    app.before_request(_guard)
    app.after_request(_log)
    app.after_request(_headers)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _crashed)
    app.jinja_env.globals["csrf_token"] = csrf_token


def neighbourhood(address: str) -> str:
    """The address, or for IPv6 its /64: a phone changes the rest at will."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return address


def address_hash(address: str) -> str:
    """An address as the throttles keep it: the same for the same address, and not to be found by trying all of them."""
    key = current_app.config["SECRET_KEY"].encode()
    return hmac.digest(key, b"address:" + address.encode(), "sha256").hex()[:32]
