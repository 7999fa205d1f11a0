"""Run by alembic: bring the tables behind the connection that `store.migrated` gives to the newest version."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
