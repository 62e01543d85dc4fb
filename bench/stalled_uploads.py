"""One slow phone must not stop the others: 24 uploads stand still, and another officer opens a page.

    python -m bench.stalled_uploads [--stalled 24] [--seconds 1]

Against the server as `make run` starts it, where the page must answer in under a second. For contrast the same against
gunicorn's threads with nothing before them (they read the body themselves), and, when nginx is installed, against
gunicorn behind nginx as docs/deployment has it.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.city import OFFICER, city, database, own_enterprises
from bench.measure import Client, heading, sign_in, table
from fieldapp.demo.city import PASSWORD
from tests.tools import processes, server

OTHER = "qiaomu"
PROMISED = 40_000_000  # bytes that each stalled upload announces: a visit with photos that the phone left as they were
PHONES = 8
SENT = 200_000  # and how many of them arrive before it falls silent


def stall(port: int, path: str, cookies: dict[str, str]) -> socket.socket:
    """Begin a signed-in upload of a visit and fall silent in the middle of its first photo."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {PROMISED}\r\n\r\n"
    )
    photo = b'name="photos"; filename="a.jpg"\r\nContent-Type: image/jpeg'
    body = b"--x\r\nContent-Disposition: form-data; " + photo + b"\r\n\r\n\xff\xd8\xff\xe0" + b"a" * SENT
    connection.sendall(head.encode() + body)
    return connection


def one_phone(port: int, cookies: dict[str, str], page: str, patience: float) -> float:
    """Seconds until `page` is there over a connection of its own; infinity when not within `patience`."""
    fresh = Client(port, cookies)
    fresh.connection.timeout = patience
    try:
        return fresh.get(page).seconds
    except OSError:
        return float("inf")
    finally:
        fresh.close()


def measure(port: int, stalled: int, patience: float) -> tuple[float, list[float]]:
    """(slowest page with nothing beside it, each of PHONES pages beside the stalled uploads), in seconds."""
    slow = sign_in(port, OFFICER, PASSWORD)
    other = sign_in(port, OTHER, PASSWORD)
    page = f"/enterprises/{own_enterprises(other)[0]}"
    alone = max(one_phone(port, other.cookies, page, patience) for _ in range(PHONES))
    path = f"/enterprises/{own_enterprises(slow)[0]}/visits/new"
    slow.close()
    other.close()
    open_uploads = [stall(port, path, slow.cookies) for _ in range(stalled)]
    try:
        time.sleep(1)  # time for each of them to take what it can get
        # Several phones: one process of gunicorn's may by luck have taken all the stalled ones.
        beside = [one_phone(port, other.cookies, page, patience) for _ in range(PHONES)]
    finally:
        for connection in open_uploads:
            connection.close()
    return alone, beside


@contextlib.contextmanager
def gunicorn(url: str, folder: Path, threads: int = 4) -> Iterator[server.Server]:
    """gunicorn as docs/deployment configures it, on a port instead of a socket, with nothing before it."""
    conf = Path(__file__).parents[1] / "docs" / "deployment" / "gunicorn.conf.py"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        str(conf),
        "--bind",
        "127.0.0.1:{port}",
        "wsgi:app",
    ]
    settings = {
        "WEB_CONCURRENCY": "2",
        "FIELDAPP_SERVER_THREADS": str(threads),
        "FIELDAPP_TRUSTED_PROXIES": "1",
    }
    here = server.start(url, instance=folder, command=command, settings=settings)
    try:
        yield here
    finally:
        here.stop()


@contextlib.contextmanager
def nginx_before(upstream: int, folder: Path) -> Iterator[int]:
    """nginx with the site of docs/deployment, less TLS, before 127.0.0.1:`upstream`; its port."""
    port = processes.free_port()
    site = (Path(__file__).parents[1] / "docs" / "deployment" / "nginx.conf").read_text()
    # The second server block is the site; the first one only leads to TLS.
    head, _, rest = site.partition("server {\n    listen 80;")
    block = rest.partition("\nserver {\n")[2]
    kept = [
        line for line in block.splitlines() if not line.strip().startswith(("listen", "ssl_", "error_log"))
    ]
    upstreams = head.replace("server unix:/run/fieldapp/gunicorn.sock", f"server 127.0.0.1:{upstream}")
    temp = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = folder / "nginx.conf"
    conf.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}\nhttp {{\n{temp}{upstreams}"
        f"server {{\nlisten 127.0.0.1:{port};\n" + "\n".join(kept) + "\n}\n"
    )
    process = processes.start(
        [shutil.which("nginx") or "/usr/sbin/nginx", "-c", conf], log=folder / "nginx.out"
    )
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(processes.tail(folder / "nginx.out") + processes.tail(folder / "nginx.log"))
        yield port
    finally:
        processes.stop(process)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stalled", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long the page may take")
    wanted = parser.parse_args()
    heading(f"another officer's page while {wanted.stalled} uploads stand still")
    rows: list[list[object]] = []
    patience = 3 * wanted.seconds

    def told(name: str, port: int) -> None:
        alone, beside = measure(port, wanted.stalled, patience)
        in_time = [seconds for seconds in beside if seconds < wanted.seconds]
        answered = f"{len(in_time)} of {PHONES} in time"
        if in_time:
            answered += f", slowest of these {max(in_time) * 1000:.0f} ms"
        verdict = "ok" if len(in_time) == PHONES else "STOPPED"
        rows.append([name, f"{alone * 1000:.0f} ms", answered, verdict])

    with database("sqlite") as where:
        with city(where) as here:
            told("waitress, as `make run`", here.port)
        with gunicorn(where.last_url, where.folder) as alone:
            told("gunicorn 2 × 4 threads alone", alone.port)
        if shutil.which("nginx") or Path("/usr/sbin/nginx").exists():
            with (
                gunicorn(where.last_url, where.folder) as behind,
                nginx_before(behind.port, where.folder) as port,
            ):
                told("nginx before gunicorn 2 × 4 threads", port)
    table(rows, ["server", "alone", f"beside {wanted.stalled} stalled uploads", ""])


if __name__ == "__main__":
    main()
