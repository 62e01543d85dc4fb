"""Indices of what most new rows do not have hold only the rows that have it

Revision ID: 0059
Revises: 0058
"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

# (table, columns, the one that must be there)
INDICES = (
    ("need", ("visit_id",), "visit_id"),
    ("need", ("claimed_by_id", "status"), "claimed_by_id"),
    ("need", ("claimed_by_id", "ended_at"), "claimed_by_id"),
    ("need", ("ended_at",), "ended_at"),
    ("need", ("merged_into_id",), "merged_into_id"),
    ("need", ("enterprise_id", "paused_at"), "paused_at"),
    ("need", ("paused_at", "id"), "paused_at"),
    ("follow_up", ("assignee_id", "closed_at"), "closed_at"),
    ("follow_up", ("visit_id",), "visit_id"),
    ("follow_up", ("need_id",), "need_id"),
    ("visit", ("enterprise_id", "planned_on"), "planned_on"),
)


def _again(table: str, columns: tuple[str, ...], **where: object) -> None:
    name = op.f(f"ix_{table}_{'_'.join(columns)}")
    op.drop_index(name, table)
    op.create_index(name, table, list(columns), **where)


def upgrade() -> None:
    for table, columns, there in INDICES:
        condition = sa.text(f"{there} IS NOT NULL")
        _again(table, columns, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    for table, columns, _there in INDICES:
        _again(table, columns)
