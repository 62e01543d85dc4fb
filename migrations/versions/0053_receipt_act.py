"""What an enterprise does at its receipt, once a form.

Revision ID: 0053
Revises: 0056
"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["need_id"], ["enterprise_order.need_id"], name=op.f("fk_receipt_act_need_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_act")),
    )
    with op.batch_alter_table("receipt_act", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipt_act_at"), ["at"])
        batch_op.create_index(batch_op.f("ix_receipt_act_need_id_at"), ["need_id", "at"])


def downgrade() -> None:
    op.drop_table("receipt_act")
