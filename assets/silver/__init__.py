"""Cleaned tables: one row per real-world thing, standard codes, placed, tokens for identities."""
