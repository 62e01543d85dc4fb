"""Answers: page() for a whole page or its block, done() after a successful write, static files, notices."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit
from uuid import UUID

import minify
from flask import Blueprint, Flask, Response, current_app, g, request, send_file, url_for
from flask_htmx import HTMX
from jinja2.nodes import Impossible
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.routing import IntegerConverter
from werkzeug.security import safe_join

from fieldapp.db import db, known_revisions
from fieldapp.languages import LANGUAGES, html_lang, lazy, speaking
from fieldapp.templating import Environment

STATIC = Path(__file__).parent / "static"
LARGEST_NUMBER = 2**31 - 1  # of a record: what an integer column holds
htmx = HTMX()
bp = Blueprint("pages", __name__)

# What the page after a 303 says first. A key in the address, not a cookie: only signing in and out set cookies.
NOTICES: dict[str, tuple[str, Any]] = {
    "visit_saved": ("ok", lazy("走访已保存。")),
    "need_saved": ("ok", lazy("需求已保存。")),
    "follow_up_done": ("ok", lazy("已记为办好。")),
    "signed_out": ("ok", lazy("已退出登录。")),
    "session_revoked": ("ok", lazy("那台设备已退出登录。")),
    "password_changed": ("ok", lazy("密码已修改，其他设备已退出登录。")),
    "change_password": ("warn", lazy("这是一次性密码，请先改成自己的密码。")),
    "settings_saved": ("ok", lazy("设置已保存。")),
    "user_saved": ("ok", lazy("账号已保存。")),
}


def add_notice(key: str, tone: str, sentence: Any) -> None:
    """Slices add their own sentences when they are registered."""
    NOTICES[key] = (tone, sentence)


def _wants_block() -> bool:
    """Whether htmx asks for a part; a plain form that it sends on the page's behalf wants the whole page."""
    return bool(htmx) and request.headers.get("HX-Request-Type") != "full"


def is_whole() -> bool:
    """Whether the answer is a page, and not a part that htmx puts into one."""
    return not _wants_block()


MOST_PACKED = 120  # enterprises a phone takes along


def packing() -> bool:
    """Whether this page is made for the pack (see offline.pack): no token, no number of the request, nothing that
    differs when nothing has changed. Only code of this process can say so, no header."""
    return "fieldapp.pack" in request.environ


def _environment() -> Environment:
    return cast(Environment, current_app.jinja_env).speaking(speaking())


def _render(template: str, context: dict[str, Any]) -> str:
    current_app.update_template_context(context)
    return _environment().get_template(template).render(context)


def _render_block(template: str, block: str, context: dict[str, Any]) -> str:
    loaded = _environment().get_template(template)
    current_app.update_template_context(context)
    return "".join(loaded.blocks[block](loaded.new_context(context)))


def page(template: str, block: str | None = None, status: int | None = None, **context: Any) -> Response:
    """A whole page; for htmx, when `block` is named, that block of it. An invalid form makes it a 422."""
    form = context.get("form")
    if status is None:
        status = 422 if request.method == "POST" and form is not None and form.errors else 200
    if block and _wants_block():
        return Response(_render_block(template, block, context), status=status)
    return Response(_render(template, context | {"sent_back": status == 422}), status=status)


def in_place() -> bool:
    """Whether htmx asked: a write may then answer with its block where another browser is sent on."""
    return _wants_block()


def part(template: str, block: str, **context: Any) -> Response:
    """The block of a page at an address of its own: one address, one representation."""
    return Response(_render_block(template, block, context))


# (endpoint, names of its values) → its address with places for the values; "" when Flask has to build it.
_shapes: dict[tuple[str, ...], str] = {}


def _shape_of(endpoint: str, names: set[str]) -> str:
    rules = [rule for rule in current_app.url_map.iter_rules(endpoint) if rule.arguments == names]
    if len(rules) != 1 or rules[0].defaults:
        return ""
    shape = re.sub(r"<(?:int|uuid):(\w+)>", r"{\1}", rules[0].rule)
    return "" if "<" in shape else shape


# (endpoint, names and values) → the address. What people type into filters ends up here too: bounded.
_built: dict[tuple[Any, ...], str] = {}
MOST_BUILT = 1000
_PLAIN, _KEPT = {int, UUID}, {int, str}


def link(endpoint: str, **values: Any) -> str:
    """`url_for`, quicker where only numbers and UUIDs are to be filled in (a list has dozens of such addresses), and
    where the same address was asked for before. The app stands at its host's root."""
    key = (endpoint, *values)
    shape = _shapes.get(key)
    if shape is None:
        shape = _shapes[key] = _shape_of(endpoint, set(values))
    kinds = {*map(type, values.values())}
    if shape and kinds <= _PLAIN:
        return shape.format_map(values)
    if not kinds <= _KEPT or "_external" in values:
        return url_for(endpoint, **values)
    at = (*key, *values.values())
    address = _built.get(at)
    if address is None:
        if len(_built) >= MOST_BUILT:
            _built.clear()
        address = _built[at] = url_for(endpoint, **values)
    return address


def _standing(endpoint: str) -> str:
    """The address of what needs no value to be filled in."""
    shape = _shape_of(endpoint, set())
    if not shape:
        raise Impossible
    return shape


def redirect(to: str, status: int = 303) -> Response:
    return Response("", status=status, headers={"Location": to})


def done(to: str, notice: str | None = None) -> Response:
    """The answer to a successful write: 303 to a page that may greet with a notice."""
    if notice:
        page, sign, place = to.partition("#")
        to = f"{page}{'&' if '?' in page else '?'}notice={notice}{sign}{place}"
    return redirect(to)


def refusal(status: int, title: Any, message: Any) -> Response:
    """An error page (or, for htmx, the notice line: typed words stay)."""
    db.session.rollback()
    context = {"title": title, "message": message, "status": status}
    if htmx:
        # Wherever the answer was meant to go: what stands there, typed words above all, must not make way for it.
        return Response(
            _render_block("refusal.html", "refused", context),
            status=status,
            headers={"HX-Retarget": "#main", "HX-Reswap": "afterbegin show:top"},
        )
    return Response(_render("refusal.html", context), status=status)


def _translate_redirect(response: Response) -> Response:
    """fetch cannot read where a manual redirect leads, so htmx gets it as a header."""
    if response.status_code in (302, 303) and bool(htmx):
        response.headers["HX-Redirect"] = response.headers.pop("Location", "/")
        response.status_code = 204
        response.set_data(b"")
    return response


def named(response: Response, name: str, plain: str, *, attached: bool = True) -> Response:
    """The answer as a file called `name`; RFC 6266: any letters go into filename*, `plain` is for who cannot read it.
    Headers are Latin-1: a Chinese name written out ends the answer in the server, behind the app's back."""
    way = "attachment" if attached else "inline"
    response.headers["Content-Disposition"] = (
        f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    return response


def number_in(text: str, most: int = LARGEST_NUMBER) -> int | None:
    """A record's number as an address or a hidden field says it; None for anything that is none."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 19:
        return None
    number = int(text)
    return number if number <= most else None


def keyset_cursor(when: date | datetime, record_id: Any) -> str:
    """Where the next page of a list starts, as text for an address: a moment or date, and the record's id."""
    return f"{when.isoformat()}_{record_id}"


def keyset_place(cursor: str, kind: Callable[[str], Any]) -> tuple[datetime, Any] | None:
    """What keyset_cursor wrote, a date as its midnight in UTC; None (the first page) for anything that cannot be read
    or that no database holds."""
    when, _sign, record_id = cursor.rpartition("_")
    try:
        moment, key = datetime.fromisoformat(when), kind(record_id)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return None if isinstance(key, int) and not 0 <= key <= LARGEST_NUMBER else (moment, key)


def same_site_path(text: str | None) -> str | None:
    """`next=` when it leads to a path of this site, else None: no scheme, no host, no backslash tricks."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return None
    # Control characters, and the invisible ones that make an address read as something else.
    if len(text) > 1000 or not text.isprintable():
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc else text


# Static files: the version is in the path, so they may be kept for ever.


@lru_cache(maxsize=1)
def static_version() -> str:
    """Changes whenever any static file does."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(STATIC)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:10]


def asset(name: str) -> str:
    return f"/s/{static_version()}/{name}"


OWN_SCRIPTS = STATIC / "js"


@lru_cache(maxsize=128)
def _script(path: str, _mtime: float) -> str:
    return minify.string("application/javascript", Path(path).read_text(encoding="utf-8"))


def script(path: Path) -> str:
    """A script of our own as phones get it: without comments and idle spaces, names inside it shortened."""
    return _script(str(path), path.stat().st_mtime)


@lru_cache(maxsize=256)
def _gzipped(path: str, _mtime: float) -> bytes:
    file = Path(path)
    content = script(file).encode() if _is_own_script(file) else file.read_bytes()
    return gzip.compress(content, 9, mtime=0)


def _is_own_script(path: Path) -> bool:
    return path.suffix == ".js" and path.is_relative_to(OWN_SCRIPTS)


@bp.get("/s/<version>/<path:name>")
def static_file(version: str, name: str) -> Response:
    path = safe_join(str(STATIC), name)
    if path is None or not Path(path).is_file():
        raise NotFound
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if path.endswith((".js", ".mjs")):
        kind = "text/javascript"
    compressible = kind.startswith("text/") or kind in {
        "image/svg+xml",
        "application/json",
        "application/wasm",
    }
    if compressible and "gzip" in request.headers.get("Accept-Encoding", ""):
        response = Response(_gzipped(path, Path(path).stat().st_mtime), mimetype=kind)
        response.headers["Content-Encoding"] = "gzip"
    elif _is_own_script(Path(path)):
        response = Response(script(Path(path)), mimetype=kind)
    else:
        response = send_file(path, mimetype=kind, conditional=True)
    response.headers["Vary"] = "Accept-Encoding"
    # An old page after a deploy asks for an old version: it gets today's file, but does not keep it.
    keep = "public, max-age=31536000, immutable" if version == static_version() else "no-cache"
    response.headers["Cache-Control"] = keep
    return response


@bp.get("/favicon.ico")
def favicon() -> Response:
    return redirect(asset("img/logo.svg"), 302)


@bp.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return Response("ok", mimetype="text/plain")


@bp.get("/readyz")
def readyz() -> Response:
    """The process answers and reaches its database, and that has been migrated to this version. A newer one (of a host
    that was upgraded first) is served: migrations add before they take away."""
    found = db.session.scalar(db.text("SELECT version_num FROM alembic_version"))
    if found in known_revisions()[:-1]:
        return Response(f"the database is at {found}: flask db upgrade", status=503, mimetype="text/plain")
    return Response("ready", mimetype="text/plain")


for _view in (
    static_file,
    favicon,
    healthz,
    readyz,
):  # guards imports this module, so its decorators cannot be used
    _view.__dict__.update(is_public=True, before_password_change=True)


def _compress(response: Response) -> Response:
    """HTML shrinks to a fifth; on a banner's 2G that is the difference. Static files have their own way."""
    if (
        response.direct_passthrough
        or response.is_streamed
        or "Content-Encoding" in response.headers
        or response.mimetype not in {"text/html", "application/json", "image/svg+xml", "text/calendar"}
        or "gzip" not in request.headers.get("Accept-Encoding", "")
    ):
        return response
    data = response.get_data()
    if len(data) < 1024:
        return response
    response.set_data(gzip.compress(data, 4, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response


@lru_cache(maxsize=512)
def icon(name: str, size: str = "") -> Markup:
    """An icon of the sprite; always beside words or inside something that has a label."""
    sizes = {"": "i", "sm": "i i-sm", "lg": "i i-lg"}
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        sizes[size], asset("icons.svg"), name
    )


def _notice() -> tuple[str, Any] | None:
    return NOTICES.get(request.args.get("notice", ""))


def first(app: Flask) -> None:
    """Hooks that must run last on the way out are registered first."""
    app.after_request(_compress)


class _RecordNumber(IntegerConverter):
    """A record's number in an address: what no database column holds is a 404, not an overflow."""

    def __init__(self, url_map: Any, **options: Any) -> None:
        super().__init__(url_map, **({"max": LARGEST_NUMBER} | options))


def init(app: Flask) -> None:
    app.url_map.converters["int"] = _RecordNumber
    htmx.init_app(app)
    app.register_blueprint(bp)
    app.after_request(_translate_redirect)
    env = cast(Environment, app.jinja_env)
    env.trim_blocks = env.lstrip_blocks = True
    env.globals.update(
        asset=asset,
        icon=icon,
        icon_of=icon,
        html_lang=html_lang,
        speaking=speaking,
        LANGUAGES=LANGUAGES,
        url_for=link,
        notice=_notice,
        request_id=lambda: "" if packing() else g.get("request_id", ""),
    )
    env.settled = {"asset": asset, "icon": icon, "icon_of": icon, "url_for": _standing}
    env.globals["ui"] = _Macros(env)

    @app.url_build_error_handlers.append
    def _unbuilt(_error: Exception, endpoint: str, _values: dict[str, Any]) -> str:
        raise LookupError(f"a link leads nowhere: {endpoint}") from None


class _Macros:
    """`ui.field(…)` in every template and block; imports at a template's top are not seen by a block alone."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._found: dict[tuple[str, str], Any] = {}

    def __getattr__(self, name: str) -> Any:
        key = (speaking(), name)
        macro = self._found.get(key)
        if macro is None:
            macro = getattr(self._env.speaking(key[0]).get_template("ui.html").module, name)
            if not self._env.auto_reload:  # else the file may be another by the next page
                self._found[key] = macro
        return macro


__all__ = ["add_notice", "asset", "done", "page", "part", "redirect", "refusal", "same_site_path", "url_for"]
