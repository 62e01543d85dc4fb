"""Orders that enterprises place at their own door, and the photos of a need

Revision ID: 0041
Revises: 0040
Create Date: 2026-11-24 00:30:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "enterprise_order",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("code_id", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.String(32), nullable=False),
        sa.Column("number", sa.String(8), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("contact_name", sa.String(40), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("call_at", sa.String(24), nullable=False),
        sa.Column("budget", sa.String(24), nullable=False),
        sa.Column("privacy", sa.String(10), nullable=False),
        sa.Column("address", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["code_id"], ["qr_code.id"], name=op.f("fk_enterprise_order_code_id")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_enterprise_order_need_id")),
        sa.PrimaryKeyConstraint("need_id", name=op.f("pk_enterprise_order")),
        sa.UniqueConstraint("number", name=op.f("uq_enterprise_order_number")),
        sa.UniqueConstraint("receipt", name=op.f("uq_enterprise_order_receipt")),
    )
    with op.batch_alter_table("enterprise_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enterprise_order_address_created_at"), ["address", "created_at"])
        batch_op.create_index(batch_op.f("ix_enterprise_order_code_id_created_at"), ["code_id", "created_at"])
    op.create_table(
        "need_photo",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_need_photo_attachment_id")
        ),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_photo_need_id")),
        sa.PrimaryKeyConstraint("need_id", "attachment_id", name=op.f("pk_need_photo")),
    )
    with op.batch_alter_table("need_photo", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_need_photo_attachment_id"), ["attachment_id"])


def downgrade() -> None:
    op.drop_table("need_photo")
    op.drop_table("enterprise_order")
