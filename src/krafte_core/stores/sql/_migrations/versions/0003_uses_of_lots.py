"""On PostgreSQL, what a lot was used for is read off an index alone, as what a run used always was; SQLite has the rows so anyhow."""

from __future__ import annotations

from alembic import context, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the index."""
    if op.get_bind().dialect.name == "postgresql":
        prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
        op.create_index(f"{prefix}uses_lot", f"{prefix}uses", ["tenant", "lot", "run", "used", "made"], schema=schema)
