"""Needs that are open get the promise of their state, which counts from today on; files of orders move.

A need that lay for months before anybody was promised anything is not late on the first day. What falls due when is
worked out by the first run of the worker (needs.duties.recount), which knows the calendar.

Revision ID: 0049
Revises: 0048
"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

CLOCKS = {
    "SUBMITTED": "ACCEPT",
    "RETURNED": "ACCEPT",
    "ACCEPTED": "CLAIM",
    "CLAIMED": "CONTACT",
    "MATCHING": "PLAN",
    "AWAITING_ENTERPRISE": "RESOLVE",
    "ON_HOLD": "RESOLVE",
}
WAITING = ("RETURNED", "AWAITING_ENTERPRISE", "ON_HOLD")


def upgrade() -> None:
    for status, clock in CLOCKS.items():
        paused = "CURRENT_TIMESTAMP" if status in WAITING else "NULL"
        op.execute(
            sa.text(
                f"UPDATE need SET clock = :clock, clock_from = CURRENT_TIMESTAMP, paused_at = {paused} "  # noqa: S608
                "WHERE status = :status"
            ).bindparams(clock=clock, status=status)
        )
    # What was in work when it was put aside is known from the log; where it is not, the last promise stands.
    op.execute("UPDATE need SET clock = 'CLAIM' WHERE status = 'ON_HOLD' AND claimed_by_id IS NULL")
    op.execute(
        "UPDATE need SET status_at = (SELECT max(e.at) FROM need_event e WHERE e.need_id = need.id "
        "AND e.after = need.status AND (e.before IS NULL OR e.before <> e.after))"
    )
    op.execute(
        "UPDATE need SET reopened = (SELECT count(*) FROM need_event e WHERE e.need_id = need.id "
        "AND e.before IN ('RESOLVED', 'RATED') "
        "AND e.after NOT IN ('RESOLVED', 'RATED', 'DECLINED', 'REFERRED', 'WITHDRAWN', 'MERGED'))"
    )
    op.execute(
        "INSERT INTO need_file (need_id, attachment_id, event_id, position) "
        "SELECT need_id, attachment_id, NULL, position FROM need_photo"
    )


def downgrade() -> None:
    op.execute(
        "INSERT INTO need_photo (need_id, attachment_id, position) "
        "SELECT f.need_id, f.attachment_id, f.position FROM need_file f WHERE NOT EXISTS "
        "(SELECT 1 FROM need_photo p WHERE p.need_id = f.need_id AND p.attachment_id = f.attachment_id)"
    )
    op.execute("DELETE FROM need_file")
    op.execute(
        "UPDATE need SET clock = NULL, clock_from = NULL, paused_at = NULL, reopened = 0, status_at = NULL"
    )
