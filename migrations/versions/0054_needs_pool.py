"""The pool of needs: indices for lights and disclosure, the index of titles, saved views.

Revision ID: 0054
Revises: 0053
"""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

INDICES = (
    ("ix_need_enterprise_id_due_at_warn_at", ["enterprise_id", "due_at", "warn_at"]),
    ("ix_need_enterprise_id_paused_at", ["enterprise_id", "paused_at"]),
    ("ix_need_paused_at_id", ["paused_at", "id"]),
    ("ix_need_disclosure_created_at_id", ["disclosure", "created_at", "id"]),
)


def upgrade() -> None:
    for name, columns in INDICES:
        op.create_index(op.f(name), "need", columns)
    op.create_table(
        "need_token",
        sa.Column(
            "token",
            sa.String(length=8, collation="C").with_variant(sa.String(length=8), "sqlite"),
            nullable=False,
        ),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_token_need_id")),
        sa.PrimaryKeyConstraint("token", "need_id", name=op.f("pk_need_token")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_need_token_need_id_token"), "need_token", ["need_id", "token"])
    op.create_table(
        "need_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_need_view_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_view")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_need_view_user_id_name")),
    )


def downgrade() -> None:
    op.drop_table("need_view")
    op.drop_table("need_token")
    for name, _columns in INDICES:
        op.drop_index(op.f(name), "need")
