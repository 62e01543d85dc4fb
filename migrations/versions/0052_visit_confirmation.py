"""The enterprise confirms a visit: its answer, the codes that lead there, and ratings apart from both

Revision ID: 0052
Revises: 0051
Create Date: 2026-11-28 20:50:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

COUNTS = (
    "answers", "level_1", "level_2", "level_3", "level_4", "level_5",
    "repeated_forms", "standstill", "too_often", "bad_time",
)  # fmt: skip


def _ratings(table: str, whose: str, points_to: str) -> None:
    op.create_table(
        table,
        sa.Column(whose, sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.ForeignKeyConstraint([whose], [f"{points_to}.id"], name=op.f(f"fk_{table}_{whose}")),
        sa.PrimaryKeyConstraint(whose, "month", name=op.f(f"pk_{table}")),
    )


def upgrade() -> None:
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answer", sa.String(24), nullable=True))
        batch_op.add_column(sa.Column("answer_text", sa.Text(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("answer_version", sa.SmallInteger(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.create_index(
            batch_op.f("ix_visit_answer_arrived_at_id"), ["answer", "arrived_at", "id"], unique=False
        )
    op.create_table(
        "visit_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("digits_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("wrong_tries", sa.SmallInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by_id", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["issued_by_id"], ["user.id"], name=op.f("fk_visit_code_issued_by_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_code_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_code")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_visit_code_token_hash")),
    )
    with op.batch_alter_table("visit_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_code_visit_id"), ["visit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_code_digits_hash"), ["digits_hash"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_code_expires_at"), ["expires_at"], unique=False)
    _ratings("officer_rating", "officer_id", "user")
    _ratings("team_rating", "team_id", "team")


def downgrade() -> None:
    op.drop_table("team_rating")
    op.drop_table("officer_rating")
    op.drop_table("visit_code")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_answer_arrived_at_id"))
        batch_op.drop_column("answer_version")
        batch_op.drop_column("answered_at")
        batch_op.drop_column("answer_text")
        batch_op.drop_column("answer")
