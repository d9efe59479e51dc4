"""The Dagster assets: recipes that read, judge, clean, write and account."""

import warnings

import dagster as dg

# Single-run backfills and asset kinds are marked beta; the version is pinned, so that is no news.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
