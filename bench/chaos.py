"""Nothing lost, nothing doubled: hundreds of entries with photos, servers killed, lines broken, browsers dead.

    python -m bench.chaos [--entries 400] [--seeds 7 11 42]

A visit is one entry and each of its photos another. Every seed has a server, a bad line and a phone of its own, on
SQLite; what the database holds in the end is compared with what was said, to the row, or this fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.offline import town as towns
from tests.browser.offline.chaos import Chaos
from tests.browser.offline.phone import in_hand
from tests.conftest import Sqlite
from tests.tools import chromium


def run(driver: Any, database: Any, folder: Path, seed: int, entries: int) -> None:
    with towns.opened(database, folder / "town") as town, in_hand(driver, town, folder / "phone") as hand:
        hand.sign_in()
        chaos = Chaos(town, hand, seed, harshness=1.3, kill_browser=True)
        told = chaos.run(entries // 2, heavy=True)
        chaos.check()
        print(told.line(town), "· lost 0, doubled 0", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 11, 42])
    asked = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="fieldapp-chaos-") as name, chromium._driver() as driver:
        root = Path(name)
        (root / "base").mkdir()
        database = Sqlite(root / "base")
        for seed in asked.seeds:
            run(driver, database, root / str(seed), seed, asked.entries)
    return 0


if __name__ == "__main__":
    sys.exit(main())
