"""Of two orders merged into one: at whose receipt a word was said

Revision ID: 0062
Revises: 0061
"""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("need_event", sa.Column("through_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("need_event") as table:
        table.drop_column("through_id")
