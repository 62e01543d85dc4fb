"""A view's filters may hold sixty Chinese characters searched for, nine letters each in an address

Revision ID: 0061
Revises: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("need_view") as table:
        table.alter_column(
            "query", type_=sa.String(1000), existing_type=sa.String(500), existing_nullable=False
        )


def downgrade() -> None:
    op.execute("DELETE FROM need_view WHERE length(query) > 500")
    with op.batch_alter_table("need_view") as table:
        table.alter_column(
            "query", type_=sa.String(500), existing_type=sa.String(1000), existing_nullable=False
        )
