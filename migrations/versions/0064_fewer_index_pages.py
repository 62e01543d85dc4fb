"""A recorded visit enters fewer indices (the trail's everyday acts, answers nobody gave); whose receipts came when

Revision ID: 0064
Revises: 0063
"""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

RARE = sa.text("action NOT IN ('visit_recorded', 'need_submitted', 'promised')")
ANSWERED = sa.text("answer IS NOT NULL")
ANSWERS = "ix_visit_answer_arrived_at_id"


def upgrade() -> None:
    op.drop_index(op.f("ix_audit_event_action"), "audit_event")
    op.create_index(
        op.f("ix_audit_event_action_id"),
        "audit_event",
        ["action", "id"],
        sqlite_where=RARE,
        postgresql_where=RARE,
    )
    op.drop_index(op.f(ANSWERS), "visit")
    op.create_index(
        op.f(ANSWERS),
        "visit",
        ["answer", "arrived_at", "id"],
        sqlite_where=ANSWERED,
        postgresql_where=ANSWERED,
    )
    op.create_index(op.f("ix_entry_user_id_created_at"), "entry", ["user_id", "created_at"])
    op.drop_index(op.f("ix_entry_user_id"), "entry")


def downgrade() -> None:
    """The older program reads a visit's first step from its history alone, so what has none gets its line."""
    op.execute(
        "INSERT INTO visit_event (visit_id, at, by_id, step, note, changes)"
        " SELECT id, created_at, officer_id, 'RECORDED', '', '{}' FROM visit WHERE recorded_at IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM visit_event WHERE visit_event.visit_id = visit.id"
        " AND visit_event.step IN ('PLANNED', 'ARRIVED', 'RECORDED'))"
    )
    op.create_index(op.f("ix_entry_user_id"), "entry", ["user_id"])
    op.drop_index(op.f("ix_entry_user_id_created_at"), "entry")
    op.drop_index(op.f(ANSWERS), "visit")
    op.create_index(op.f(ANSWERS), "visit", ["answer", "arrived_at", "id"])
    op.drop_index(op.f("ix_audit_event_action_id"), "audit_event")
    op.create_index(op.f("ix_audit_event_action"), "audit_event", ["action"])
