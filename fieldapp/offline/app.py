"""The app as phones install it: its manifest."""

from __future__ import annotations

import json

from flask import Response, url_for

from fieldapp.guards import before_password_change, public
from fieldapp.languages import _, html_lang
from fieldapp.offline.blueprint import bp

GROUND = "#f2f6f6"  # as base.html's theme-color says: what shows until the first page is drawn
DAY = 86400


def _icon(name: str, side: int, purpose: str) -> dict[str, str]:
    # An address without the version: an icon that kept its looks is not to be installed again with every release.
    return {
        "src": url_for("pages.static_file", version="app", name=f"img/{name}"),
        "sizes": f"{side}x{side}",
        "type": "image/png",
        "purpose": purpose,
    }


@bp.get("/manifest.webmanifest")
@public
@before_password_change
def manifest() -> Response:
    """Browsers fetch it without cookies, so it says the same to everybody."""
    words = {
        "id": "/",
        "name": _("青助企"),
        "short_name": _("青助企"),
        "description": _("青年科技干部走访助企"),
        "lang": html_lang(),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": GROUND,
        "icons": [
            _icon("logo-192.png", 192, "any"),
            _icon("logo-512.png", 512, "any"),
            _icon("logo-maskable-512.png", 512, "maskable"),
        ],
        "shortcuts": [{"name": _("扫码"), "url": url_for("codes.scan")}],
    }
    response = Response(json.dumps(words, ensure_ascii=False), mimetype="application/manifest+json")
    response.headers["Cache-Control"] = f"public, max-age={DAY}"
    return response
