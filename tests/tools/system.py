"""What tests need beside Python: browsers, PostgreSQL, Java, a Chinese font. `make test` calls this first.

As root on Debian what is missing is installed. Otherwise Playwright's own Chromium is fetched, and for the rest this
fails with the command to type: a test that silently did not run is worse than none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from playwright._impl._driver import compute_driver_executable

from tests.tools import chromium, engines, postgres, validator


@dataclass(frozen=True)
class Need:
    what: str
    package: str
    present: Callable[[], bool]


def _has_chinese_font() -> bool:
    if shutil.which("fc-list") is None:
        return False
    fonts = subprocess.run(
        ["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False
    ).stdout
    return bool(fonts.strip())


def _driver_starts() -> bool:
    """Playwright's own Node is linked against libatomic, which a bare Debian does not have."""
    node, _script = compute_driver_executable()
    return subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0


NEEDS = (
    Need("libatomic (for Playwright's driver)", "libatomic1", _driver_starts),
    Need("Chromium", "chromium", lambda: chromium.find_executable(whole=True) is not None),
    Need(
        "Chromium without windows", "chromium-headless-shell", lambda: chromium.find_executable() is not None
    ),
    Need("Firefox", "firefox-esr", lambda: engines.find_firefox() is not None),
    Need("WebKitGTK (Safari's engine)", "webkit2gtk-driver", lambda: engines.find_webkit() is not None),
    Need("a screen for it (Xvfb)", "xvfb", lambda: engines.find_screen() is not None),
    Need("PostgreSQL 15 or newer", "postgresql", lambda: postgres.find_binaries() is not None),
    Need("Java (for the HTML checker)", "default-jre-headless", lambda: validator.find_java() is not None),
    Need("a Chinese font", "fonts-noto-cjk", _has_chinese_font),
)


def missing() -> list[Need]:
    return [need for need in NEEDS if not need.present()]


def main() -> int:
    absent = missing()
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing for the tests:", ", ".join(need.what for need in absent), flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for step in (
            ["update"],
            ["install", "--yes", "--no-install-recommends", *(n.package for n in absent)],
        ):
            subprocess.run(["apt-get", "-qq", *step], env=environment, stdin=subprocess.DEVNULL, check=True)
        absent = missing()
    elif any(need.what.startswith("Chromium") for need in absent):
        print("Chromium is missing: fetching Playwright's own.", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
        absent = missing()
    if absent:
        print("The tests need what is not here:", file=sys.stderr)
        for need in absent:
            print(f"  {need.what}", file=sys.stderr)
        packages = " ".join(need.package for need in absent)
        print(f"Type:  sudo apt-get update && sudo apt-get install {packages}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
