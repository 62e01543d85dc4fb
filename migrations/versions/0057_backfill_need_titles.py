"""Titles of needs that are there already are found by their words too, without their enterprise's names in them.

Revision ID: 0057
Revises: 0054
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0054"
branch_labels = None
depends_on = None

# As needs/titles.py had it when this was written, but for the short forms of names: what is found by those is not
# shown (needs/listing.py looks again at what a search of other teams' needs finds).
need = sa.table("need", sa.column("id", sa.Uuid()), sa.column("title"), sa.column("enterprise_id"))
enterprise = sa.table(
    "enterprise", sa.column("id"), sa.column("name"), sa.column("short_name"), sa.column("former_names", sa.JSON())
)  # fmt: skip
token = sa.table("need_token", sa.column("token"), sa.column("need_id", sa.Uuid()))


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def upgrade() -> None:
    connection = op.get_bind()
    rows = connection.execute(
        sa.select(
            need.c.id, need.c.title, enterprise.c.name, enterprise.c.short_name, enterprise.c.former_names
        ).join(enterprise, enterprise.c.id == need.c.enterprise_id)
    ).all()
    batch: list[dict[str, object]] = []
    for row in rows:
        title = _plain(row.title)
        for name in (row.name, row.short_name, *(row.former_names or ())):
            title = title.replace(_plain(name), " ") if _plain(name) else title
        tokens = {part[at : at + 3] for part in title.split() for at in range(len(part))}
        batch += [{"token": one, "need_id": row.id} for one in sorted(tokens)]
        if len(batch) > 5000:
            connection.execute(sa.insert(token), batch)
            batch = []
    if batch:
        connection.execute(sa.insert(token), batch)


def downgrade() -> None:
    op.execute("DELETE FROM need_token")
