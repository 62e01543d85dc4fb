"""Whatever a packed page is made of changes its enterprise's stamp: a new table is counted, or named here."""

from __future__ import annotations

from fieldapp.db import db
from fieldapp.offline.stamps import tables_that_count

# No page of an enterprise's group shows a row of these.
NOT_SHOWN = {
    "need_token", "need_view",
    "audit_event", "calendar_feed", "entry", "import_batch", "import_row", "late_entry", "late_file", "phone",
    "search_token", "session", "sign_in_throttle", "work_lease", "channel", "quiet_time", "delivery",
    "attachment_copy",  # the bytes; which photos there are is told by attachment, visit_photo and need_file
    "notification",  # on 今日 and the list of notices, which are made anew every time
    "visit_code",  # the record tells that one was given out, but not in the pack
    "officer_rating", "team_rating",  # on the board and among the outcomes
    "receipt_act",  # at receipts, which no phone packs
    "qr_code",  # in the list for scanning, which has a hash of its own
}  # fmt: skip


def test_every_table_changes_a_stamp_or_is_on_no_packed_page(app):
    tables, counted = set(db.metadata.tables), set(tables_that_count())
    assert tables - counted - NOT_SHOWN == set(), "say in offline/stamps.py how its rows count"
    assert counted & NOT_SHOWN == set() and NOT_SHOWN - tables == set()
