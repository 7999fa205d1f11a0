"""The page: layout, tables and templates."""
