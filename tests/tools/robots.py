"""A robot's server on loopback, of DingTalk or of WeCom: answers as theirs do, says no as theirs do, keeps what came.

with robots.running() as server:
    … {"DINGTALK_URL": server.url + "/robot/send", "WECOM_URL": server.url + "/cgi-bin/webhook/send"}
    server.says = robots.refuses(130101)
    server.taken  # the texts that were taken, in order
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "d1ng" * 16
KEY = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
SECRET = "SEC" + "ab12" * 16

# (status, body) for a request that is well formed.
Answer = tuple[int, dict[str, Any] | str]
FINE: Answer = (200, {"errcode": 0, "errmsg": "ok"})


def refuses(code: int) -> Answer:
    """200, as both robots answer to what they do not take."""
    return 200, {"errcode": code, "errmsg": "secret words of the robot"}


@dataclass
class Robots:
    """What the server says, and what has come."""

    port: int = 0
    says: Answer = FINE
    after: float = 0.0  # seconds before it answers
    held: Event | None = None  # answers when this is set
    taken: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # every text that came, taken or not
    came: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "DINGTALK_URL": f"{self.url}/robot/send",
            "WECOM_URL": f"{self.url}/cgi-bin/webhook/send",
        }


def _signed(query: dict[str, list[str]]) -> bool:
    """As DingTalk checks it: the sign once unescaped, the moment within an hour."""
    at = query.get("timestamp", ["0"])[0]
    expected = base64.b64encode(
        hmac.digest(SECRET.encode(), f"{at}\n{SECRET}".encode(), hashlib.sha256)
    ).decode()
    return query.get("sign") == [expected] and abs(time.time() - int(at) / 1000) < 3600


def _answer(robots: Robots, path: str, text: str, length: int) -> Answer:
    address, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
    if address == "/robot/send":
        if query.get("access_token") != [TOKEN]:
            return refuses(300001)
        if not _signed(query):
            return refuses(310000)
    elif query.get("key") != [KEY]:
        return refuses(93000)
    elif length > 2048:
        return refuses(45002)
    return robots.says


@contextmanager
def running() -> Iterator[Robots]:
    """The server for the length of a `with`, on a free port."""
    robots = Robots()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = body["text"]["content"]
            robots.asked.append(text)
            robots.came()
            answer = _answer(robots, self.path, text, len(text.encode()))
            if answer == FINE:
                robots.taken.append(text)
            if robots.held is not None:
                robots.held.wait(60)
            time.sleep(robots.after)
            status, said = answer
            raw = (said if isinstance(said, str) else json.dumps(said)).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
            except OSError:  # who asked has gone
                self.close_connection = True

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    robots.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield robots
    finally:
        if robots.held is not None:
            robots.held.set()
        server.shutdown()
        server.server_close()
        thread.join()
