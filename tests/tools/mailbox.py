"""An SMTP server on loopback, as small as one can be: takes mail, refuses it, keeps silent.

with mailbox.running() as server:
    … {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": server.port, "SMTP_SECURITY": "insecure", "MAIL_FROM": …}
    server.taken  # messages, as the email package reads them
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import socketserver
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from threading import Thread
from typing import Any


@dataclass
class Mailbox:
    """How the server behaves, and what has come."""

    port: int = 0
    refuses: bytes = b""  # what it says to RCPT instead of 250
    silent: float = 0.0  # seconds before its greeting
    taken: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": self.port,
            "SMTP_SECURITY": "insecure",
            "MAIL_FROM": "青助企 <fieldapp@qzq.example.cn>",
        }


@contextmanager
def running() -> Iterator[Mailbox]:
    """The server for the length of a `with`, on a free port."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):  # who asked has gone
                self._talk()

        def _talk(self) -> None:
            time.sleep(box.silent)
            self._say(b"220 mailbox")
            while line := self.rfile.readline():
                command = line.strip().upper()
                if command.startswith(b"RCPT"):
                    box.to.append(line.split(b"<")[1].split(b">")[0].decode())
                    self._say(box.refuses or b"250 ok")
                elif command == b"DATA":
                    self._say(b"354 go on")
                    box.taken.append(self._message())
                    self._say(b"250 taken")
                elif command == b"QUIT":
                    self._say(b"221 bye")
                    return
                else:
                    self._say(b"250 ok")

        def _message(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line.removeprefix(b"."))
            return email.message_from_bytes(b"".join(lines), policy=email.policy.default)

        def _say(self, words: bytes) -> None:
            self.wfile.write(words + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Handler)
    box.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
