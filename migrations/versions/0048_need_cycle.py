"""The whole cycle of a need: its clock, what was asked and given back, ratings, files of its log.

Revision ID: 0048
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0041"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("need", schema=None) as batch_op:
        batch_op.add_column(sa.Column("clock", sa.String(24), nullable=True))
        batch_op.add_column(sa.Column("clock_from", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("due_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("warn_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("paused_at", MOMENT, nullable=True))
        batch_op.add_column(
            sa.Column("paused_minutes", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.add_column(sa.Column("asked_days", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("extra_days", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.add_column(sa.Column("warned", sa.String(24), nullable=True))
        batch_op.add_column(sa.Column("status_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("reopened", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(
            sa.Column("referred_to", sa.String(100), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(sa.Column("merged_into_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_need_merged_into_id"), "need", ["merged_into_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_need_due_at_id"), ["due_at", "id"])
        batch_op.create_index(batch_op.f("ix_need_status_due_at_id"), ["status", "due_at", "id"])
        batch_op.create_index(batch_op.f("ix_need_merged_into_id"), ["merged_into_id"])
    with op.batch_alter_table("need_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("step", sa.String(20), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(
            sa.Column("from_enterprise", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.create_table(
        "need_rating",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Integer(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("solved", sa.String(24), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_rating_need_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["user.id"], name=op.f("fk_need_rating_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_rating")),
    )
    with op.batch_alter_table("need_rating", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_need_rating_need_id"), ["need_id"])
        batch_op.create_index(batch_op.f("ix_need_rating_officer_id_at"), ["officer_id", "at"])
    op.create_table(
        "need_file",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_need_file_attachment_id")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["need_event.id"], name=op.f("fk_need_file_event_id")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_file_need_id")),
        sa.PrimaryKeyConstraint("need_id", "attachment_id", name=op.f("pk_need_file")),
    )
    with op.batch_alter_table("need_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_need_file_attachment_id"), ["attachment_id"])
        batch_op.create_index(batch_op.f("ix_need_file_event_id"), ["event_id"])


def downgrade() -> None:
    op.drop_table("need_file")
    op.drop_table("need_rating")
    with op.batch_alter_table("need_event", schema=None) as batch_op:
        for name in ("from_enterprise", "shown", "step"):
            batch_op.drop_column(name)
    with op.batch_alter_table("need", schema=None) as batch_op:
        for name in ("ix_need_merged_into_id", "ix_need_status_due_at_id", "ix_need_due_at_id"):
            batch_op.drop_index(batch_op.f(name))
        batch_op.drop_constraint(batch_op.f("fk_need_merged_into_id"), type_="foreignkey")
        for name in (
            "merged_into_id", "referred_to", "reopened", "status_at", "warned", "extra_days", "asked_days",
            "paused_minutes", "paused_at", "warn_at", "due_at", "clock_from", "clock",
        ):  # fmt: skip
            batch_op.drop_column(name)
