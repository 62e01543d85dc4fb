"""A phone's line to the server, as bad as wanted: a TCP proxy that knows where a request begins and ends.

    line = Line(server.port)
    page.goto(line.url)
    line.mode = "lost"              # every write reaches the server, no answer comes back
    line.fate = Dice(7, …)          # or: decided for each request, at random from a seed

One thread a connection; a connection to the phone has one connection to the server. What happened stands in `seen`.
"""

from __future__ import annotations

import contextlib
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# 400 kbit/s both ways and 400 ms there and back: Lighthouse's slow 3G.
SLOW_3G = (0.4, 50_000)

PORTAL = (
    "<!doctype html><html><head><title>Wi-Fi</title></head><body><h1>欢迎使用企业访客网络</h1>"
    "<form method=post action=/login><input name=phone><button>登录上网</button></form></body></html>"
).encode()

WRITES = ("POST", "PUT", "PATCH", "DELETE")
POLICY = re.compile(rb"(?im)^Content-Security-Policy:[^\r\n]*")
REPORT = b"POST /policy-was-broken "


@dataclass
class Heard:
    """One request of the phone and what became of it."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    fate: str
    up: int = 0  # bytes of the body that came from the phone
    down: int = 0  # bytes of the answer, head and all, that were let through
    ended: float = 0.0  # when its answer had wholly been let through
    status: int = 0  # of the answer the server gave, whether or not it was let through

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


class Gone(Exception):
    """One end hung up, or the fate of this request is that it does."""


Fate = Callable[[Heard], str]


class Dice:
    """A fate at random for each request: {"cut": .1, "lost": .1, …}; the rest passes. The same seed, the same row."""

    def __init__(self, seed: int, chances: dict[str, float], *, only_writes: bool = False) -> None:
        self._random, self._chances, self._only_writes = random.Random(seed), chances, only_writes
        self._lock = threading.Lock()

    def __call__(self, heard: Heard) -> str:
        if self._only_writes and heard.method not in WRITES:
            return "pass"
        with self._lock:
            number = self._random.random()
        for fate, chance in self._chances.items():
            number -= chance
            if number < 0:
                return fate
        return "pass"


class FirstTime:
    """Every entry meets this fate at its first attempt, and no harm afterwards."""

    def __init__(self, fate: str) -> None:
        self._fate = fate
        self._met: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, heard: Heard) -> str:
        with self._lock:
            if heard.method not in WRITES or not heard.key or heard.key in self._met:
                return "pass"
            self._met.add(heard.key)
            return self._fate


def writes_only(fate: str) -> Fate:
    """Pages come, writes meet this fate."""
    return lambda heard: fate if heard.method in WRITES else "pass"


@dataclass
class _Pace:
    """A direction's bytes a second, shared by all connections."""

    rate: float = 0
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for(self, size: int) -> None:
        if not self.rate:
            return
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size / self.rate
            until = self._free_at
        time.sleep(max(0.0, until - time.monotonic()))


class _Reader:
    """Heads, then bodies, from one socket."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self._rest = b""

    def head(self) -> bytes:
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def some(self, most: int) -> bytes:
        if not self._rest:
            self._rest = self._more()
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece

    def line(self) -> bytes:
        while b"\r\n" not in self._rest:
            self._rest += self._more()
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line + b"\r\n"

    def _more(self) -> bytes:
        try:
            data = self.end.recv(65536)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return data


def _headers(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if ":" in line)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


def _hang_up(end: socket.socket) -> None:
    """With a reset, as a line that breaks: nothing more is delivered, nothing is said goodbye to."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


class Line:
    """Modes, for every request unless `fate` says otherwise:

    pass     as if it were not there
    cut      the request never reaches the server; the connection breaks
    half     half of the request's body goes out, then the connection breaks
    lost     the server gets the request and answers; the answer is thrown away and the connection breaks
    partial  the same, but half of the answer arrives
    hang     nothing comes, ever: a black hole
    mute     the server gets the request and answers; the phone hears nothing, the connection stays
    portal   a captive portal answers 200 with a page of its own
    gateway  a proxy on the way answers 502
    off      connections are refused by reset before a byte is read

    With `told_on` set, every policy that passes asks for reports of what breaks it: the browser itself tells, of every
    page and from its first byte, whatever drives it. They end here, whatever the mode but `off`, in `violations`.
    """

    def __init__(self, upstream: int, *, profile: tuple[float, float] = (0, 0)) -> None:
        self.upstream = upstream
        self.mode = "pass"
        self.fate: Fate | None = None
        self.turns: Callable[[Heard], int] | None = (
            None  # which server a request goes to, when not to `upstream`
        )
        self.seen: list[Heard] = []
        self.told_on = False
        self.violations: list[str] = []
        self.latency = 0.0
        self._up, self._down = _Pace(), _Pace()
        self.slow(*profile)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._ear = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._ear.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def slow(self, round_trip: float = 0, bytes_a_second: float = 0) -> None:
        self.latency, self._up.rate, self._down.rate = round_trip, bytes_a_second, bytes_a_second

    def off(self) -> None:
        """The network is gone: what is open breaks, nothing new gets through."""
        self.mode = "off"
        self.break_all()

    def on(self) -> None:
        self.mode, self.fate = "pass", None

    def break_all(self) -> None:
        with self._lock:
            ends = list(self._open)
        for end in ends:
            _hang_up(end)

    def writes(self, path: str = "") -> list[Heard]:
        """Requests that were to change something, in the order they came."""
        return [heard for heard in self.seen if heard.method in WRITES and path in heard.path]

    def close(self) -> None:
        self._closed.set()
        self._ear.close()
        self.break_all()

    # --- inside ---------------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                phone, _ = self._ear.accept()
            except OSError:
                return
            if self.mode == "off":
                _hang_up(phone)
                continue
            threading.Thread(target=self._serve, args=(phone,), daemon=True).start()

    def _serve(self, phone: socket.socket) -> None:
        phone.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server: socket.socket | None = None
        with self._lock:
            self._open.add(phone)
        try:
            if self.latency:
                time.sleep(self.latency)  # the handshake's round trip
            from_phone = _Reader(phone)
            from_server: _Reader | None = None
            while True:
                head = from_phone.head()
                if head.startswith(REPORT):
                    self._take_report(from_phone, phone, head)
                    continue
                heard = self._hear(head)
                if heard.fate in ("cut", "off"):
                    raise Gone
                if heard.fate == "hang":
                    self._swallow(from_phone)
                time.sleep(self.latency / 2)
                if heard.fate in ("portal", "gateway"):
                    self._take_body(from_phone, None, heard)
                    self._answer(phone, heard)
                    continue
                port = self.turns(heard) if self.turns else self.upstream
                if server is None or from_server is None or port != server.getpeername()[1]:
                    if server is not None:
                        server.close()
                    server = socket.create_connection(("127.0.0.1", port), timeout=60)
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with self._lock:
                        self._open.add(server)
                    from_server = _Reader(server)
                server.sendall(head)
                self._take_body(from_phone, server, heard)
                last = self._bring_answer(from_server, phone, heard)
                heard.ended = time.monotonic()
                if last:
                    raise Gone
        except (Gone, OSError):
            pass
        finally:
            for end in (phone, server):
                if end is not None:
                    with self._lock:
                        self._open.discard(end)
                    _hang_up(end)

    def _hear(self, head: bytes) -> Heard:
        first, headers = _headers(head)
        method, path, _ = first.split(" ", 2)
        heard = Heard(time.monotonic(), method, path, headers, "pass")
        fate = self.mode if self.fate is None or self.mode == "off" else self.fate(heard)
        # Lines that break at writes break there; pages come and go as they did.
        heard.fate = "pass" if fate in ("half", "lost", "partial", "mute") and method not in WRITES else fate
        self.seen.append(heard)
        return heard

    def _take_report(self, source: _Reader, phone: socket.socket, head: bytes) -> None:
        left, body = int(_headers(head)[1].get("content-length", 0)), b""
        while len(body) < left:
            body += source.some(left - len(body))
        self.violations.append(body.decode(errors="replace"))
        phone.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def _swallow(self, source: _Reader) -> None:
        while True:
            source.some(65536)

    def _take_body(self, source: _Reader, server: socket.socket | None, heard: Heard) -> None:
        length = int(heard.headers.get("content-length", 0))
        stop_at = length // 2 if heard.fate == "half" else length + 1
        left = length
        while left:
            piece = source.some(min(left, 8192))
            self._up.wait_for(len(piece))
            heard.up += len(piece)
            left -= len(piece)
            if heard.up >= stop_at:
                raise Gone
            if server is not None:
                server.sendall(piece)
        if heard.fate == "half":
            raise Gone

    def _answer(self, phone: socket.socket, heard: Heard) -> None:
        status = "200 OK" if heard.fate == "portal" else "502 Bad Gateway"
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(PORTAL)}\r\n\r\n"
        phone.sendall(head.encode() + PORTAL)
        heard.status, heard.down = int(status[:3]), len(head) + len(PORTAL)

    def _bring_answer(self, server: _Reader, phone: socket.socket, heard: Heard) -> bool:
        """True when the answer ended with its connection."""
        head = server.head()
        if self.told_on:
            head = POLICY.sub(rb"\g<0>; report-uri " + REPORT.split()[1], head)
        first, headers = _headers(head)
        heard.status = int(first.split(" ")[1])
        if heard.fate == "lost":
            raise Gone
        if heard.fate == "mute":
            self._closed.wait(300)
            raise Gone
        time.sleep(self.latency / 2)
        length = headers.get("content-length")
        chunked = "chunked" in headers.get("transfer-encoding", "")
        bodyless = heard.method == "HEAD" or heard.status in (204, 304)
        most = None
        if heard.fate == "partial":
            most = len(head) + int(length or 0) // 2 if length and int(length) else len(head) // 2
        self._give(phone, head, heard, most)
        if bodyless:
            return headers.get("connection", "").lower() == "close"
        if chunked:
            while True:
                size = server.line()
                self._give(phone, size, heard, most)
                left = int(size.strip().split(b";")[0], 16) + 2
                last = left == 2
                while left:
                    piece = server.some(min(left, 8192))
                    left -= len(piece)
                    self._give(phone, piece, heard, most)
                if last:
                    return headers.get("connection", "").lower() == "close"
        if length is not None:
            left = int(length)
            while left:
                piece = server.some(min(left, 8192))
                left -= len(piece)
                self._give(phone, piece, heard, most)
            return headers.get("connection", "").lower() == "close"
        while True:
            self._give(phone, server.some(8192), heard, most)

    def _give(self, phone: socket.socket, piece: bytes, heard: Heard, most: int | None) -> None:
        if most is not None and heard.down + len(piece) >= most:
            phone.sendall(piece[: max(0, most - heard.down)])
            time.sleep(0.01)  # let what was sent be read before the reset overtakes it
            raise Gone
        self._down.wait_for(len(piece))
        phone.sendall(piece)
        heard.down += len(piece)
