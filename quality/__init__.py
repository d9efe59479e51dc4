"""Judgements on rows and tables: pure functions on frames. Knows no storage and no Dagster."""
