"""The service worker's address, and the page it shows when a page is not on the phone."""

from __future__ import annotations

import json
from functools import lru_cache

from flask import Response

from fieldapp.guards import before_password_change, kept, public
from fieldapp.offline.blueprint import bp
from fieldapp.offline.pack import USUAL
from fieldapp.pages import STATIC, asset, page, static_version

# What the scanner wants besides; it is large, and comes with the pack.
SCANNER = ("js/scan.js", "vendor/barcode-detector", "vendor/zxing-reader")
LEFT_OUT = ("README", "LICENSE")


@lru_cache(maxsize=1)
def assets() -> tuple[list[str], list[str]]:
    """Names under static: (what pages are made with, what the scanner adds)."""
    names = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())
    wanted = [name for name in names if not any(word in name for word in LEFT_OUT)]
    scanner = [name for name in wanted if name.startswith(SCANNER)]
    return [name for name in wanted if name not in scanner], scanner


@bp.get("/sw.js")
@public
@before_password_change
def service_worker() -> Response:
    """A stub at the root, so that the worker may serve every page; what it does lies under static, by version."""
    pages, scanner = assets()
    told = {"version": static_version(), "csp": USUAL, "pages": pages, "scanner": scanner}
    body = f'import{{start}}from"{asset("js/offline/worker.js")}";start({json.dumps(told)});\n'
    response = Response(body, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/offline/nothing")
@public
@before_password_change
@kept
def nothing() -> Response:
    """Shown in the place of a page that is not on the phone: what is, stands in it."""
    return page("offline/nothing.html")
