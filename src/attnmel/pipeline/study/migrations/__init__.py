"""Migrations of the database of a study, by alembic."""
