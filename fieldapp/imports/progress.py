"""How far a long import is, told through a small file: the writing transaction itself is not to be seen yet."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from flask import current_app


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` rows."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.done / self.total)) if self.total else 0


def _path(batch_id: int) -> Path:
    return Path(current_app.config["INSTANCE"]) / "imports" / f"{batch_id}.json"


class Publisher:
    """Called with (done, total); writes at most five times a second, the last word always."""

    def __init__(self, batch_id: int) -> None:
        self._path = _path(batch_id)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        moment = time.monotonic()
        if moment - self._last < 0.2 and done < total:
            return
        self._last = moment
        fresh = self._path.with_suffix(".tmp")
        fresh.write_text(json.dumps([done, total]))
        os.replace(fresh, self._path)

    def close(self) -> None:
        self._path.unlink(missing_ok=True)


def read(batch_id: int) -> Progress | None:
    """None when nothing is under way."""
    with contextlib.suppress(OSError, ValueError):
        done, total = json.loads(_path(batch_id).read_text())
        return Progress(int(done), int(total))
    return None
