"""What phones hold: seeds for what they keep, bodies that came too late, reports of what still waits

Revision ID: 0040
Revises: 0031
Create Date: 2026-11-24 00:20:00
"""

import os

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("phone_seed", sa.LargeBinary(32), nullable=True))
    connection = op.get_bind()
    person = sa.table("user", sa.column("id", sa.Integer), sa.column("phone_seed", sa.LargeBinary))
    for (own_id,) in connection.execute(sa.select(person.c.id)).all():
        connection.execute(sa.update(person).where(person.c.id == own_id).values(phone_seed=os.urandom(32)))
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.alter_column("phone_seed", existing_type=sa.LargeBinary(32), nullable=False)

    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made_of", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("made_version", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("revised_by", sa.Uuid(), nullable=True))

    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("photos_expected", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
        )

    op.create_table(
        "late_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("path", sa.String(300), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["seen_by_id"], ["user.id"], name=op.f("fk_late_entry_seen_by_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_late_entry_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_entry")),
        sa.UniqueConstraint("key", "fingerprint", name=op.f("uq_late_entry_key_fingerprint")),
    )
    with op.batch_alter_table("late_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_late_entry_seen_at_received_at"), ["seen_at", "received_at"])
        batch_op.create_index(batch_op.f("ix_late_entry_user_id"), ["user_id"])

    op.create_table(
        "late_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("late_entry_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(80), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["late_entry_id"], ["late_entry.id"], name=op.f("fk_late_file_late_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_file")),
    )
    with op.batch_alter_table("late_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_late_file_late_entry_id"), ["late_entry_id"])

    op.create_table(
        "phone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(60), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("stuck", sa.Integer(), nullable=False),
        sa.Column("oldest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_phone_user_id")),
        sa.PrimaryKeyConstraint("id", "user_id", name=op.f("pk_phone")),
    )
    with op.batch_alter_table("phone", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_phone_user_id"), ["user_id"])
        batch_op.create_index(batch_op.f("ix_phone_reported_at"), ["reported_at"])


def downgrade() -> None:
    op.drop_table("phone")
    op.drop_table("late_file")
    op.drop_table("late_entry")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_column("photos_expected")
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_column("revised_by")
        batch_op.drop_column("made_version")
        batch_op.drop_column("made_of")
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_column("phone_seed")
