"""Cleaned tables: one row per real-world thing, standard codes, placed, tokens instead of identities."""
