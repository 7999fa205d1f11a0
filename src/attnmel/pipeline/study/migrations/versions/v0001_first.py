"""The first version: readers, what was shown, answers, and the hash of the study."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "frozen",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String, nullable=False),
    )
    op.create_table(
        "reader",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("token_sha256", sa.String, nullable=False, unique=True),
    )
    op.create_table(
        "shown",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("reader.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.UniqueConstraint("reader_id", "position", "stage"),
    )
    op.create_table(
        "answer",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("reader.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("suspicion", sa.Integer, nullable=False),
        sa.Column("diagnosis", sa.String, nullable=False),
        sa.Column("confidence", sa.Integer, nullable=False),
        sa.Column("management", sa.String, nullable=False),
        sa.Column("comment", sa.String, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.UniqueConstraint("reader_id", "position", "stage"),
        sa.UniqueConstraint("reader_id", "key"),
    )
