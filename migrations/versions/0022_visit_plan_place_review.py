"""A visit is planned, made somewhere, recorded, reviewed; its history and who came along.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visit_companion",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["user.id"], name=op.f("fk_visit_companion_officer_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_companion_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", "officer_id", name=op.f("pk_visit_companion")),
    )
    with op.batch_alter_table("visit_companion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_companion_officer_id"), ["officer_id"], unique=False)
    op.create_table(
        "visit_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column(
            "step",
            sa.Enum(
                "PLANNED",
                "REPLANNED",
                "JOINED",
                "LEFT",
                "ARRIVED",
                "RECORDED",
                "AMENDED",
                "RETURNED",
                "ACCEPTED",
                "CANCELLED",
                name="visitstep",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_visit_event_by_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_event_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_event")),
    )
    with op.batch_alter_table("visit_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_event_visit_id"), ["visit_id"], unique=False)
    op.create_table(
        "visit_photo",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_visit_photo_attachment_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_photo_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", "attachment_id", name=op.f("pk_visit_photo")),
    )
    with op.batch_alter_table("visit_photo", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_photo_attachment_id"), ["attachment_id"], unique=False)
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.add_column(sa.Column("planned_on", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column("planned_at", sa.String(length=5), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(
            sa.Column("override_reason", sa.String(length=200), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(sa.Column("lat", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("lng", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("accuracy", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("distance", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("far_reason", sa.String(length=200), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("reviewed_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("review_comment", sa.Text(), nullable=False, server_default=sa.text("''"))
        )
        batch_op.add_column(
            sa.Column("cancel_reason", sa.String(length=200), nullable=False, server_default=sa.text("''"))
        )
        batch_op.alter_column("arrived_at", existing_type=sa.DateTime(timezone=True), nullable=True)
        batch_op.create_index(
            batch_op.f("ix_visit_enterprise_id_planned_on"), ["enterprise_id", "planned_on"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_visit_officer_id_status_planned_on"),
            ["officer_id", "status", "planned_on"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_visit_status_arrived_at_id"), ["status", "arrived_at", "id"], unique=False
        )
        batch_op.create_foreign_key(batch_op.f("fk_visit_reviewed_by_id"), "user", ["reviewed_by_id"], ["id"])


def downgrade() -> None:
    op.drop_table("visit_photo")
    op.drop_table("visit_event")
    op.drop_table("visit_companion")
    op.execute("DELETE FROM visit WHERE arrived_at IS NULL")  # plans: the older form has no room for them
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_visit_reviewed_by_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_visit_status_arrived_at_id"))
        batch_op.drop_index(batch_op.f("ix_visit_officer_id_status_planned_on"))
        batch_op.drop_index(batch_op.f("ix_visit_enterprise_id_planned_on"))
        batch_op.alter_column("arrived_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.drop_column("cancel_reason")
        batch_op.drop_column("review_comment")
        batch_op.drop_column("reviewed_at")
        batch_op.drop_column("reviewed_by_id")
        batch_op.drop_column("recorded_at")
        batch_op.drop_column("far_reason")
        batch_op.drop_column("distance")
        batch_op.drop_column("fixed_at")
        batch_op.drop_column("accuracy")
        batch_op.drop_column("lng")
        batch_op.drop_column("lat")
        batch_op.drop_column("override_reason")
        batch_op.drop_column("planned_at")
        batch_op.drop_column("planned_on")
