"""What came of the work, and what was promised in a week, are found by whose and when

Revision ID: 0031
Revises: 0030
Create Date: 2026-11-23 22:40:00
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("need", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_need_claimed_by_id_ended_at"), ["claimed_by_id", "ended_at"])
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_up_assignee_id_closed_at"), ["assignee_id", "closed_at"])
        batch_op.create_index(batch_op.f("ix_follow_up_created_at_id"), ["created_at", "id"])


def downgrade() -> None:
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follow_up_created_at_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_assignee_id_closed_at"))
    with op.batch_alter_table("need", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_need_claimed_by_id_ended_at"))
