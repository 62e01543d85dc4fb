"""出发前打包: everything a day needs in one compressed stream, made page by page while the phone reads it.

A line is a JSON object, and complete in itself, so a stream that is cut has brought what it has brought:
  {"at", "user", "build", "groups": [keys]}      first: all groups of this pack
  {"b": key, "n": name}                           a group begins; an enterprise's name as HTML has it
  {"p": path, "h": hash, "t": told}               a page (likeness.py); with "f" the first of its kind, with "c" its CSP
                                                  where that is not the usual one, with "w" told as it is
  {"g": key, "s": stamp, "k": [paths]}            the group is complete: these are its pages, others of it go
  {"x": hash, "index": [...]}                     the list for searching and scanning
  {"forget": 1}                                   the memory of `told` begins anew
  {"end": 1}                                      whatever belongs to no group of the first line goes
The phone says in the header Pack-Have what it holds: `x<hash>~<key>.<stamp><hash><hash>…~…`, a group each. A group
whose stamp is still true costs nothing; of others, pages with a known hash are left out. In paths and pages of an
enterprise its number and its name are one character each, so that what is alike looks alike.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, current_app, request
from flask_login import current_user
from markupsafe import escape

from fieldapp import clock
from fieldapp.formats import full_moment, hour, iso
from fieldapp.guards import CSP, asked_by_phones, kept, needs
from fieldapp.languages import lazy
from fieldapp.offline.blueprint import bp
from fieldapp.offline.contents import DESK, Group, desk_of, enterprises_taken, forms_on, groups_of, index_of
from fieldapp.offline.likeness import Teller
from fieldapp.offline.stamps import LENGTH, build, short
from fieldapp.pages import page
from fieldapp.refusals import TooMany

HASH = 5  # characters of a page's hash: told apart within one group only
MOST_SAID = 8000  # characters of Pack-Have; more no proxy lets through
TOGETHER = 2048  # bytes gathered before they are sent on
# Private characters that stand for the group's number and name; what holds one already is told as it is.
NUMBER, NAME = "\ue000", "\ue001"
USUAL = "; ".join(f"{name} {sources}" for name, sources in CSP.items())
_HAVE = re.compile(rf"([0-9]{{1,10}}|{DESK})\.([A-Za-z0-9_-]*)")


class Packing(TooMany):
    status = 503
    title = lazy("系统正忙")
    message = lazy("现在打包的人多，请过几秒再试。")
    outbox_error = "busy"


@dataclass
class Have:
    """What the phone says it holds."""

    index: str = ""
    stamps: dict[str, str] = field(default_factory=dict)
    pages: dict[str, frozenset[str]] = field(default_factory=dict)


def read_have(text: str) -> Have:
    """Whatever cannot be read counts as not there."""
    have = Have()
    for part in text[:MOST_SAID].split("~"):
        if part.startswith("x"):
            have.index = part[1:]
        elif found := _HAVE.fullmatch(part):
            key, rest = found.groups()
            length = 0 if key == DESK else LENGTH
            have.stamps[key], hashes = rest[:length], rest[length:]
            have.pages[key] = frozenset(hashes[at : at + HASH] for at in range(0, len(hashes), HASH))
    return have


def init(app: Flask) -> None:
    # A pack takes seconds of a thread: however many phones ask at eight in the morning, half of them stay for the rest.
    app.extensions["offline.packs"] = threading.BoundedSemaphore(max(1, app.config["SERVER_THREADS"] // 2))


@bp.get("/offline/pack")
@needs("OFFICER", "LEAD")
@asked_by_phones
def pack() -> Response:
    slots: threading.BoundedSemaphore = current_app.extensions["offline.packs"]
    if not slots.acquire(blocking=False):
        raise Packing(retry_after=5)
    try:
        ids = enterprises_taken(current_user)
        stream = _Stream(
            app=current_app._get_current_object(),  # type: ignore[attr-defined]
            environ=_environ_of(request.environ),
            user=current_user.id,
            have=read_have(request.headers.get("Pack-Have", "")),
            groups=[desk_of(current_user), *groups_of(current_user, ids)],
            index=index_of(ids),
        )
        squeezed = "gzip" in request.headers.get("Accept-Encoding", "")
        response = Response(_sent(stream.lines(), squeezed), mimetype="application/x-ndjson")
    except BaseException:
        slots.release()
        raise
    response.call_on_close(slots.release)
    if squeezed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["X-Accel-Buffering"] = "no"  # nginx hands on what there is
    return response


def _environ_of(environ: dict[str, Any]) -> dict[str, Any]:
    """What all the nested requests share: the same person at the same place, and nothing else that was asked."""
    kept_names = ("wsgi.url_scheme", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "HTTP_HOST",
                  "HTTP_COOKIE", "HTTP_USER_AGENT", "wsgi.errors")  # fmt: skip
    shared = {name: environ[name] for name in kept_names if name in environ}
    return shared | {
        "REQUEST_METHOD": "GET", "wsgi.version": (1, 0), "wsgi.multithread": True,
        "wsgi.multiprocess": True, "wsgi.run_once": False, "fieldapp.pack": True,
    }  # fmt: skip


def _sent(lines: Iterator[dict[str, Any]], squeezed: bool) -> Iterator[bytes]:
    """The lines as bytes. The first goes at once: the phone shows that something is coming."""
    press = zlib.compressobj(9, wbits=31) if squeezed else None
    held, first = 0, True
    for line in lines:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        held += len(data)
        out = press.compress(data) if press else data
        if press and (first or held >= TOGETHER * 4):
            out += press.flush(zlib.Z_SYNC_FLUSH)
            held, first = 0, False
        if out:
            yield out
    if press:
        yield press.flush()


class Gone(Exception):
    """The session ended while the stream ran: nothing more is told, and no end."""


@dataclass
class _Stream:
    app: Flask
    environ: dict[str, Any]
    user: int
    have: Have
    groups: list[Group]
    index: list[list[Any]]
    names: dict[str, str] = field(init=False)
    teller: Teller = field(default_factory=Teller)

    def __post_init__(self) -> None:
        self.names = {str(row[0]): row[1] for row in self.index}

    def lines(self) -> Iterator[dict[str, Any]]:
        at = int(clock.now().timestamp() * 1000)
        yield {"at": at, "user": self.user, "build": build(), "groups": [group.key for group in self.groups]}
        index = short(json.dumps(self.index).encode())
        try:
            for group in self.groups:
                if group.stamp and self.have.stamps.get(group.key) == group.stamp:
                    continue
                yield from self._group(group)
                if group.key == DESK and index != self.have.index:
                    yield {"x": index, "index": self.index}
        except Gone:
            return
        yield {"end": 1}

    def _group(self, group: Group) -> Iterator[dict[str, Any]]:
        known = self.have.pages.get(group.key, frozenset())
        paths, kept_paths = list(group.paths), []
        veil = _Veil(group.key, self.names.get(group.key, ""))
        yield {"b": group.key, "n": str(escape(veil.name))}
        for path in paths:  # grows while its pages name their forms
            html, digest, csp = self._page(path)
            if not html:
                continue  # not for this person, or gone since the list was made
            kept_paths.append(path)
            if group.key != DESK:
                paths += [form for form in forms_on(html) if form not in paths]
            if digest in known:
                continue
            if self.teller.forget():
                yield {"forget": 1}
            as_it_is = NUMBER in html or NAME in html
            told, first = self.teller.tell(_kind_of(path), html if as_it_is else veil.over(html))
            line: dict[str, Any] = {"p": veil.over(path), "h": digest, "t": told}
            marks = {"f": first, "w": as_it_is}
            yield line | {mark: 1 for mark, on in marks.items() if on} | ({"c": csp} if csp != USUAL else {})
        yield {"g": group.key, "s": group.stamp, "k": [veil.over(path) for path in kept_paths]}

    def _page(self, path: str, hops: int = 2) -> tuple[str, str, str]:
        """(page, hash, CSP) as the same person meets it; "" for what may not be kept."""
        where, _sign, query = path.partition("?")
        environ = self.environ | {"PATH_INFO": where, "QUERY_STRING": query, "wsgi.input": io.BytesIO()}
        began = clock.now()
        with self.app.request_context(environ):
            response = self.app.full_dispatch_request()
            if response.status_code == 303 and "/login" in response.location:
                raise Gone
            if response.status_code == 302 and hops and response.location:
                onward = response.location
            elif response.headers.get("Page-Kept") and response.headers["Page-User"] == str(self.user):
                html = response.get_data(as_text=True)
                moments = {began, clock.now()}
                steady = html
                for moment in moments:
                    steady = _without(steady, moment)
                csp = response.headers["Content-Security-Policy"]
                return html, short((path + "\n" + csp + "\n" + steady).encode(), HASH), csp
            else:
                return "", "", ""
        return self._page(onward, hops - 1)


class _Veil:
    """Puts one character in the place of a group's number, another in that of its name."""

    def __init__(self, key: str, name: str) -> None:
        self.name = name
        self._number = re.compile(rf"(?<=/enterprises/){key}(?!\d)") if key != DESK else None

    def over(self, text: str) -> str:
        if self._number is None:
            return text
        text = self._number.sub(NUMBER, text)
        return text.replace(str(escape(self.name)), NAME) if self.name else text


def _kind_of(path: str) -> str:
    """Which pages look alike."""
    return re.sub(r"(?<=/)(?:\d+|[0-9a-f-]{36})(?=/|$)", "", path.partition("=")[0])


def _without(html: str, moment: Any) -> str:
    """The page without what it says of this very minute."""
    minute = iso(moment)[:16]
    html = html.replace(full_moment(moment), "").replace(f'"{hour(moment)}"', '""')
    return re.sub(re.escape(minute) + r"(?::\d\d)?(?:\.\d+)?(?:[+-]\d\d:\d\d)?", "", html)


@bp.get("/pack")
@needs("OFFICER", "LEAD")
@kept
def pack_page() -> Response:
    """What is on this phone: a shell that is filled in on the phone."""
    return page("offline/pack.html", today=clock.today())
