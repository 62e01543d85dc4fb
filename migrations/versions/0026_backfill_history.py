"""What was recorded before there was a history gets its first line.

Revision ID: 0026
Revises: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE visit SET recorded_at = created_at WHERE recorded_at IS NULL AND arrived_at IS NOT NULL"
    )
    op.execute(
        "INSERT INTO visit_event (visit_id, at, by_id, step, note, changes) "
        "SELECT id, created_at, officer_id, 'RECORDED', '', '{}' FROM visit WHERE arrived_at IS NOT NULL"
    )
    op.execute(
        "INSERT INTO follow_up_note (follow_up_id, at, by_id, step, text) "
        "SELECT id, created_at, author_id, 'PROMISED', '' FROM follow_up"
    )
    op.execute(
        "INSERT INTO follow_up_note (follow_up_id, at, by_id, step, text) "
        "SELECT id, closed_at, assignee_id, status, result FROM follow_up WHERE closed_at IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DELETE FROM follow_up_note")
    op.execute("DELETE FROM visit_event")
