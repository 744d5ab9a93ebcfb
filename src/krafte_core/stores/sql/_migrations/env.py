"""Run by Alembic: the migrations on the connection that `krafte_core.stores.sql.migrate` brings."""

from __future__ import annotations

from alembic import context

from krafte_core.stores.sql.tables import tables

given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=tables(given["prefix"], given["schema"]),
    version_table=f"{given['prefix']}version",
    version_table_schema=given["schema"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
