"""Child processes that end with the test run, whatever ends it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """A loopback TCP port that nobody listens on now. Somebody may take it before you do: be ready to try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    cwd: Path | None = None,
    own_group: bool = False,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command`, both outputs into `log`. Linux ends it when this process dies, even by SIGKILL.

    `own_group` makes it the leader of a group, so that it can be killed with all that it starts.
    """
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None) if linux else None

    def die_with_parent() -> None:
        assert libc is not None
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL if user is None else signal.SIGQUIT, 0, 0, 0)

    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            preexec_fn=die_with_parent if linux else None,
            start_new_session=own_group,
            pass_fds=keep_open,
        )


def stop(
    process: subprocess.Popen[bytes], *, with_signal: int = signal.SIGTERM, patience: float = 10
) -> None:
    """End this one process, by its own pid; after `patience` seconds without asking further."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(with_signal)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(patience)


def clean_environment(**more: str) -> dict[str, str]:
    """This environment without settings of ours, so that a developer's FIELDAPP_… cannot colour a test. Bytecode may be
    kept whatever it says: dozens of servers are started here, and each would compile all of the program again."""
    left_out = {"DATABASE_URL", "PYTHONDONTWRITEBYTECODE"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FIELDAPP_") and k not in left_out}
    return kept | more


def tail(log: Path, lines: int = 30) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no output)"
