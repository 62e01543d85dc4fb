"""What makes a need solvable, and how it ended.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("need", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "field",
                sa.Enum(
                    "ELECTRONICS",
                    "BIOMEDICINE",
                    "AEROSPACE",
                    "MATERIALS",
                    "SERVICES",
                    "ENERGY",
                    "ENVIRONMENT",
                    "MANUFACTURING",
                    name="needfield",
                    native_enum=False,
                    length=24,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column("indicators", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
        )
        batch_op.add_column(
            sa.Column(
                "cooperation",
                sa.Enum(
                    "DEVELOPMENT",
                    "JOINT",
                    "LICENCE",
                    "CONSULTING",
                    "OPEN",
                    name="cooperation",
                    native_enum=False,
                    length=24,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "ip_ownership",
                sa.Enum(
                    "ENTERPRISE",
                    "SHARED",
                    "SOLVER",
                    "NEGOTIABLE",
                    name="ipownership",
                    native_enum=False,
                    length=24,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("conditions", sa.Text(), nullable=False, server_default=sa.text("''")))
        batch_op.add_column(
            sa.Column(
                "urgency",
                sa.Enum("NORMAL", "SOON", "URGENT", name="urgency", native_enum=False, length=24),
                nullable=False,
                server_default=sa.text("'NORMAL'"),
            )
        )
        batch_op.add_column(
            sa.Column(
                "disclosure",
                sa.Enum(
                    "PUBLIC", "DESENSITISED", "MATCHING", name="disclosure", native_enum=False, length=24
                ),
                nullable=False,
                server_default=sa.text("'MATCHING'"),
            )
        )
        batch_op.add_column(sa.Column("contact_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "ending",
                sa.Enum(
                    "SOLVED",
                    "EXPLAINED",
                    "SCHEDULED",
                    "IMPOSSIBLE",
                    name="ending",
                    native_enum=False,
                    length=24,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_need_claimed_by_id_status"), ["claimed_by_id", "status"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_need_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_need_status_created_at_id"), ["status", "created_at", "id"], unique=False
        )
        batch_op.create_foreign_key(batch_op.f("fk_need_contact_id"), "contact", ["contact_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("need", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_need_contact_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_need_status_created_at_id"))
        batch_op.drop_index(batch_op.f("ix_need_ended_at"))
        batch_op.drop_index(batch_op.f("ix_need_claimed_by_id_status"))
        batch_op.drop_column("ended_at")
        batch_op.drop_column("ending")
        batch_op.drop_column("contact_id")
        batch_op.drop_column("disclosure")
        batch_op.drop_column("urgency")
        batch_op.drop_column("conditions")
        batch_op.drop_column("ip_ownership")
        batch_op.drop_column("cooperation")
        batch_op.drop_column("indicators")
        batch_op.drop_column("field")
