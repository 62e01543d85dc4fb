"""Whose job it is for the moment; what a notice is told once by, and whether it waits for the morning

Revision ID: 0051
Revises: 0050
Create Date: 2026-11-28 20:50:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

KEYED = sa.text("key IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "work_lease",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_work_lease")),
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key", sa.String(120), nullable=True))
        batch_op.add_column(sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.alter_column("urgent", existing_type=sa.Boolean(), server_default=None)
        batch_op.create_index(
            batch_op.f("ix_notification_user_id_key"),
            ["user_id", "key"],
            unique=True,
            sqlite_where=KEYED,
            postgresql_where=KEYED,
        )


def downgrade() -> None:
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notification_user_id_key"))
        batch_op.drop_column("urgent")
        batch_op.drop_column("key")
    op.drop_table("work_lease")
