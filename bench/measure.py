"""The measuring tools of the benches: servers side by side, a light client, CPU time of another process.

Two numbers are compared only when they come from the same run, in turns of some requests each: a shared machine is
fast one minute and slow the next, a ratio taken in turns is neither.
"""

from __future__ import annotations

import contextlib
import html.parser
import http.client
import os
import re
import statistics
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, that process `pid` has used so far, all threads, to the nanosecond (Linux)."""
    return time.clock_gettime(
        (~pid << 3) | 2
    )  # the kernel's clock id of another process, see clock_getcpuclockid(3)


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def cpu_seconds_of_children(pid: int) -> dict[int, float]:
    """Child process → CPU seconds: a database server's work is done by its children, which come and go."""
    used = {}
    for child in children_of(pid):
        with contextlib.suppress(OSError):
            used[child] = cpu_seconds(child)
    return used


# --- a client light enough not to be what is measured ---------------------------------------------


@dataclass
class Request:
    path: str
    method: str = "GET"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    status: int
    body: bytes
    headers: http.client.HTTPMessage
    seconds: float


class Client:
    """One kept-alive connection to 127.0.0.1 that remembers cookies."""

    def __init__(self, port: int, cookies: dict[str, str] | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies = dict(cookies or {})

    def send(self, request: Request) -> Answer:
        headers = {"Accept-Encoding": "identity", "Accept": "text/html"} | request.headers
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        began = time.perf_counter()
        try:
            self.connection.request(request.method, request.path, request.body or None, headers)
            reply = self.connection.getresponse()
        except http.client.RemoteDisconnected:
            # The server closes connections that were idle for long; a write is never sent twice.
            if request.method != "GET":
                raise
            self.connection.close()
            began = time.perf_counter()
            self.connection.request(request.method, request.path, None, headers)
            reply = self.connection.getresponse()
        body = reply.read()
        seconds = time.perf_counter() - began
        for line in reply.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";", 1)[0].partition("=")
            self.cookies[name] = value
        return Answer(reply.status, body, reply.headers, seconds)

    def get(self, path: str) -> Answer:
        return self.send(Request(path))

    def post(self, path: str, fields: Sequence[tuple[str, str]] | dict[str, str]) -> Answer:
        return self.send(form_request(path, fields))

    def close(self) -> None:
        self.connection.close()


def form_request(path: str, fields: Sequence[tuple[str, str]] | dict[str, str]) -> Request:
    body = urllib.parse.urlencode(fields).encode()
    return Request(path, "POST", body, {"Content-Type": "application/x-www-form-urlencoded"})


class _Forms(html.parser.HTMLParser):
    """Forms as a browser would send them: what stands in a <template> belongs to none."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, object]] = []
        self.area: str | None = None
        self.select: str | None = None
        self.templates = 0  # that are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = dict(attrs)
        self.templates += tag == "template"
        if self.templates:
            return
        if tag == "form":
            self.forms.append({"action": at.get("action") or "", "fields": []})
        if not self.forms or "disabled" in at:
            return
        fields: list[tuple[str, str]] = self.forms[-1]["fields"]  # type: ignore[assignment]
        name, kind = at.get("name"), at.get("type", "text")
        if tag == "input" and name and (kind not in {"checkbox", "radio"} or "checked" in at):
            if kind not in {"submit", "button", "file"}:
                fields.append((name, at.get("value") or ""))
        elif tag == "textarea" and name:
            self.area = name
            fields.append((name, ""))
        elif tag == "select" and name:
            self.select = name
        elif tag == "option" and self.select:
            # A browser sends the first option when none is marked.
            chosen = self.select in dict(fields)
            if "selected" in at or not chosen:
                fields[:] = [pair for pair in fields if pair[0] != self.select]
                fields.append((self.select, at.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self.templates -= 1
        elif tag == "textarea":
            self.area = None
        elif tag == "select":
            self.select = None

    def handle_data(self, data: str) -> None:
        if self.area and not self.templates:
            fields: list[tuple[str, str]] = self.forms[-1]["fields"]  # type: ignore[assignment]
            fields[-1] = (self.area, fields[-1][1] + data)


def form_in(page: bytes, having: str) -> tuple[str, dict[str, str]]:
    """Action and prefilled fields of the first form on `page` with a field named `having`."""
    parser = _Forms()
    parser.feed(page.decode())
    for form in parser.forms:
        fields = dict(form["fields"])  # type: ignore[call-overload]
        if having in fields:
            return str(form["action"]), fields
    raise LookupError(
        f"no form with a field {having!r} on the page: {re.sub(rb'<[^>]+>', b' ', page)[:500]!r}"
    )


def sign_in(port: int, username: str, password: str) -> Client:
    """A signed-in client, through the form as a person would."""
    client = Client(port)
    action, fields = form_in(client.get("/login").body, "password")
    answer = client.post(action or "/login", fields | {"username": username, "password": password})
    assert answer.status in {200, 302, 303}, answer.body[:500]
    assert client.cookies, f"signing in as {username} gave no cookie (status {answer.status})"
    return client


# --- taking turns ---------------------------------------------------------------------------------


@dataclass
class Side:
    """One of two things compared: where it listens, whose CPU counts, and an endless supply of requests."""

    name: str
    port: int
    pid: int
    requests: Iterator[Request]
    cookies: dict[str, str] = field(default_factory=dict)
    good: tuple[int, ...] = (200,)
    also_pid: int | None = None  # the database server, counted apart
    cpu: list[float] = field(default_factory=list)  # ms per request, one value a turn
    database_cpu: list[float] = field(default_factory=list)
    wait: list[float] = field(default_factory=list)  # ms a client waited, one value a request
    bytes: int = 0
    _clients: list[Client] = field(default_factory=list)

    def turn(self, count: int, connections: int) -> None:
        """Send `count` requests over `connections` connections at once; every answer must be a good one."""
        while len(self._clients) < connections:
            self._clients.append(Client(self.port, self.cookies))
        work = [next(self.requests) for _ in range(count)]
        shares = [work[i::connections] for i in range(connections)]
        waits: list[float] = []
        failures: list[BaseException] = []

        def run(client: Client, share: list[Request]) -> None:
            try:
                for request in share:
                    answer = client.send(request)
                    if answer.status not in self.good:
                        said = re.sub(r"<[^>]+>|\s+", " ", answer.body.decode(errors="replace"))[:600]
                        raise AssertionError(f"{self.name}: {request.path} answered {answer.status}: {said}")
                    waits.append(answer.seconds * 1000)
                    self.bytes = len(answer.body)
            except BaseException as error:
                failures.append(error)

        before = cpu_seconds(self.pid)
        database_before = cpu_seconds_of_children(self.also_pid) if self.also_pid else {}
        pairs = zip(self._clients, shares, strict=False)
        threads = [threading.Thread(target=run, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        self.cpu.append((cpu_seconds(self.pid) - before) * 1000 / count)
        if self.also_pid:
            after = cpu_seconds_of_children(self.also_pid)
            used = sum(seconds - database_before.get(child, 0) for child, seconds in after.items())
            self.database_cpu.append(used * 1000 / count)
        self.wait += waits

    def forget(self) -> None:
        self.cpu.clear()
        self.database_cpu.clear()
        self.wait.clear()

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()


@dataclass(frozen=True)
class Ratio:
    ours: float
    bare: float
    spread: tuple[float, float]  # lowest and highest ratio of a pair of turns

    @property
    def value(self) -> float:
        return self.ours / self.bare


def compare(ours: Side, bare: Side, *, connections: int, count: int, turns: int) -> Ratio:
    """CPU ms per request of both, measured in turns after one that warms up; medians over the turns."""
    for side in (ours, bare):
        side.forget()
        side.turn(max(count // 2, connections), connections)
        side.forget()
    for _ in range(turns):
        bare.turn(count, connections)
        ours.turn(count, connections)
    pairs = [a / b for a, b in zip(ours.cpu, bare.cpu, strict=True)]
    result = Ratio(statistics.median(ours.cpu), statistics.median(bare.cpu), (min(pairs), max(pairs)))
    return result


def median_ms(run: Callable[[], object], *, times: int) -> float:
    """Median milliseconds of `times` calls."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


# --- telling --------------------------------------------------------------------------------------


def heading(what: str) -> None:
    memory = next(
        line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    load = os.getloadavg()[0]
    print(
        f"{what}: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, "
        f"{int(memory.split()[1]) / 2**20:.0f} GiB, Python {sys.version.split()[0]}, load {load:.1f}"
    )


def table(rows: Sequence[Sequence[object]], headings: Sequence[str]) -> None:
    """Print a Markdown table, ready for bench/README.md."""
    texts = [[f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    print("| " + " | ".join(headings) + " |")
    print("|" + "|".join("---" for _ in headings) + "|")
    for row in texts:
        print("| " + " | ".join(row) + " |", flush=True)


def verdict(value: float, limit: float) -> str:
    return f"{value:.2f} {'ok' if value <= limit else f'OVER {limit}'}"
