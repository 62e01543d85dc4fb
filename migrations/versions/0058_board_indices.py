"""The lead's board counts from indices alone: whose enterprises are where, and what their visits came to

Revision ID: 0058
Revises: 0057
"""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

WHOSE = "ix_enterprise_team_id_officer_id_region_id"
SHORT = "ix_visit_enterprise_id_arrived_at"
LONG = "ix_visit_enterprise_id_arrived_at_status_answer"


def upgrade() -> None:
    there = sa.text("region_id > 0")  # true of every row, see Enterprise
    op.create_index(
        op.f(WHOSE),
        "enterprise",
        ["team_id", "officer_id", "region_id"],
        sqlite_where=there,
        postgresql_where=there,
    )
    op.create_index(op.f(LONG), "visit", ["enterprise_id", "arrived_at", "status", "answer"])
    op.drop_index(op.f(SHORT), "visit")


def downgrade() -> None:
    op.create_index(op.f(SHORT), "visit", ["enterprise_id", "arrived_at"])
    op.drop_index(op.f(LONG), "visit")
    op.drop_index(op.f(WHOSE), "enterprise")
