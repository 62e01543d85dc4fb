"""Our own scripts stay few and small: htmx and everything a signed-in person's pages can load, as phones get it."""

from __future__ import annotations

import gzip
from pathlib import Path

from fieldapp import pages
from tests.conftest import Client

# What one page loads is measured in a browser (tests/browser/test_scripts.py); here all of it. It only ever shrinks,
# but for faults: by 110 bytes for the locks that Safari's engine leaves behind (docs/offline.md, trap 16), by 51
# for what was typed on a slow line before the scripts came (drafts.js), by 19 for pages of somebody who has gone, whose
# purge was cut short (people.js), by 25 for a pack asked for before the phone has heard whose it is (take.js), by 126
# for what is put back into a newer page and took others' words back (drafts.js, fill.js), a refused visit whose check-in
# has arrived (fill.js), a kept page's hour taken for typing (app.js) and hidden notes told as the server's (box.js), by
# 152 for a visit with nobody in it, which waited for a network only to be sent back (visit.js, app.js), by 14 for how long
# an entry has waited, which a wrong clock does not change (send.js), by 390 for the keyboard: Enter and arrows that did what
# nobody asked for, a focus that was lost with what it stood on (app.js, box.js, place.js), a form sent twice on the way
# back (app.js), and one sent back that was said to wait (transport.js, badge.js)
# or was not offered again (drafts.js).
ALL = 59_287
# The scanner has a page of its own, beside the reader it feeds; ordering is for enterprises, who are never signed in.
APART = {"scan.js", "order.js"}


def sent(path: Path) -> int:
    """Bytes of a script as it goes over the wire."""
    content = pages.script(path).encode() if path.is_relative_to(pages.OWN_SCRIPTS) else path.read_bytes()
    return len(gzip.compress(content, 9, mtime=0))


def test_all_own_scripts_and_htmx_together_do_not_grow():
    files = [path for path in sorted(pages.OWN_SCRIPTS.rglob("*.js")) if path.name not in APART]
    files += (pages.STATIC / "vendor").glob("htmx-*.js")
    sizes = {str(path.relative_to(pages.STATIC)): sent(path) for path in files}
    listed = "\n".join(f"{size:6} {name}" for name, size in sorted(sizes.items(), key=lambda item: -item[1]))
    assert sum(sizes.values()) <= ALL, f"{sum(sizes.values())} bytes gzip -9, {ALL} are allowed:\n{listed}"


def test_comments_stay_at_home_with_gzip_and_without(anybody: Client):
    address = pages.asset("js/app.js")
    packed = anybody.get(address, headers={"Accept-Encoding": "gzip"})
    plain = anybody.get(address)
    assert gzip.decompress(packed.data) == plain.data
    assert b"// " in (pages.OWN_SCRIPTS / "app.js").read_bytes()
    assert b"// " not in plain.data
    assert plain.mimetype == packed.mimetype == "text/javascript"
    assert "immutable" in plain.headers["Cache-Control"]


def test_vendored_scripts_are_served_as_they_came(anybody: Client):
    for path in (pages.STATIC / "vendor").glob("*.js"):
        assert anybody.get(pages.asset(f"vendor/{path.name}")).data == path.read_bytes()
