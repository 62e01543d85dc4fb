"""Moments that 0049 wrote on SQLite get the fraction that every other one has

SQLite keeps moments as texts and compares them letter by letter. CURRENT_TIMESTAMP has no fraction: a need whose clock
stood still since then was never found again by the moment that was read from it, and so could not be moved.

Revision ID: 0060
Revises: 0059
"""

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("UPDATE need SET paused_at = paused_at || '.000000' WHERE length(paused_at) = 19")
    op.execute("UPDATE need SET clock_from = clock_from || '.000000' WHERE length(clock_from) = 19")


def downgrade() -> None:
    """The same moments either way."""
