"""Titles of needs come into their index afterwards: since when one waits for that

Revision ID: 0063
Revises: 0062
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

INDEX = "ix_need_title_waits"

need = sa.table(
    "need",
    sa.column("id", sa.Uuid()),
    sa.column("title"),
    sa.column("title_waits"),
    sa.column("enterprise_id"),
)
enterprise = sa.table(
    "enterprise", sa.column("id"), sa.column("name"), sa.column("short_name"), sa.column("former_names", sa.JSON())
)  # fmt: skip
token = sa.table("need_token", sa.column("token"), sa.column("need_id", sa.Uuid()))


def upgrade() -> None:
    """All there are have been taken in; an older program that still runs goes on doing that itself."""
    op.add_column("need", sa.Column("title_waits", sa.DateTime(timezone=True), nullable=True))
    there = sa.text("title_waits IS NOT NULL")
    op.create_index(op.f(INDEX), "need", ["title_waits"], sqlite_where=there, postgresql_where=there)


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def downgrade() -> None:
    """What waits is taken in as 0057 did it: the older program looks nowhere else."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(
            need.c.id, need.c.title, enterprise.c.name, enterprise.c.short_name, enterprise.c.former_names
        )
        .join(enterprise, enterprise.c.id == need.c.enterprise_id)
        .where(need.c.title_waits.is_not(None))
    ).all()
    for row in rows:
        title = _plain(row.title)
        for name in (row.name, row.short_name, *(row.former_names or ())):
            title = title.replace(_plain(name), " ") if _plain(name) else title
        tokens = {part[at : at + 3] for part in title.split() for at in range(len(part))}
        connection.execute(sa.delete(token).where(token.c.need_id == row.id))
        if tokens:
            connection.execute(
                sa.insert(token), [{"token": one, "need_id": row.id} for one in sorted(tokens)]
            )
    op.drop_index(op.f(INDEX), "need")
    with op.batch_alter_table("need") as table:
        table.drop_column("title_waits")
