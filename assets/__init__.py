"""The Dagster assets: recipes that read, judge, clean, write and account."""
