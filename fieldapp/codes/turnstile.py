"""How often one address may come: counted in this process, in memory.

Not in the database, on purpose: these doors are read-only, and a GET that wrote a row would cost more than what it
guards. Tokens have 128 random bits and typed codes open only what the person sees anyway, so nothing can be guessed;
the limit keeps a crawler from reading cards faster than a person, and for that it suffices that each process counts
for itself and forgets on a restart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

WINDOW = 60.0  # seconds
MOST_KEYS = 20_000  # addresses remembered; more in one minute means that the oldest start anew


class Turnstile:
    """Lets each key through so many times a minute."""

    def __init__(self, tick: Callable[[], float] = time.monotonic) -> None:
        self._tick = tick
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}  # key → (when its minute began, passes since)

    def wait(self, key: str, most: int) -> int:
        """0 and the pass is counted, or the whole seconds until the key may pass again."""
        moment = self._tick()
        with self._lock:
            began, passes = self._counts.get(key, (moment, 0))
            if moment - began >= WINDOW:
                began, passes = moment, 0
            if passes >= most:
                return max(1, int(began + WINDOW - moment + 0.999))
            if key not in self._counts and len(self._counts) >= MOST_KEYS:
                self._forget(moment)
            self._counts[key] = (began, passes + 1)
        return 0

    def _forget(self, moment: float) -> None:
        self._counts = {key: kept for key, kept in self._counts.items() if moment - kept[0] < WINDOW}
        while len(self._counts) >= MOST_KEYS:
            self._counts.pop(next(iter(self._counts)))
