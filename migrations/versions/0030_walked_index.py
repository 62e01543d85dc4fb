"""The index of the whole list tells by itself whose an enterprise is

Revision ID: 0030
Revises: 0026
Create Date: 2026-11-23 21:40:00
"""

from alembic import op

revision = "0030"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("enterprise", schema=None) as batch_op:
        batch_op.drop_index("ix_enterprise_visit_due_on_id")
        batch_op.create_index(
            batch_op.f("ix_enterprise_visit_due_on_id_team_id_officer_id"),
            ["visit_due_on", "id", "team_id", "officer_id"],
        )


def downgrade() -> None:
    with op.batch_alter_table("enterprise", schema=None) as batch_op:
        batch_op.drop_index("ix_enterprise_visit_due_on_id_team_id_officer_id")
        batch_op.create_index(batch_op.f("ix_enterprise_visit_due_on_id"), ["visit_due_on", "id"])
