"""How this site judges cases: its tables in `HOME/config`, or the defaults of `schemas/codes`.

A site's table replaces the default whole, so that it says everything that counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from assets.site_settings import read_table
from quality.working_time import WorkingTime, last_known_day
from schemas.case_rules import IndicatorRow, ReasonRow, TimeLimitRow, WeightRow, WorkingHoursRow
from warehouse.builds import content_fingerprint, fingerprint
from warehouse.home import Home

TIME_LIMITS = "case_time_limits.csv"
WORKING_HOURS = "working_hours.csv"
WEIGHTS = "evaluation_weights.csv"
INDICATORS = "evaluation_indicators.csv"
REASONS = "evaluation_reasons.csv"


@dataclass(frozen=True)
class Deadlines:
    """What deadlines follow from: limits by stage, kind and code, and office hours."""

    limits: pl.DataFrame
    hours: pl.DataFrame

    @cached_property
    def working_time(self) -> WorkingTime:
        """How working time passes."""
        return WorkingTime(self.hours.select("start", "end").rows())

    @property
    def digest(self) -> str:
        """Digest of all of it, the days known to the calendar included."""
        parts = (content_fingerprint(one) for one in (self.limits, self.hours))
        return fingerprint(*parts, last_known_day())


@dataclass(frozen=True)
class Evaluation:
    """The five indicators: whose they are, what they weigh, what costs points.

    Attributes:
        weights: `indicator, weight`.
        indicators: `case_kind, type_prefix, indicator`.
        reasons: `reason, share_percent`.
    """

    weights: pl.DataFrame
    indicators: pl.DataFrame
    reasons: pl.DataFrame


def deadlines(home: Home) -> Deadlines:
    """Time limits and office hours of this site.

    Raises:
        SettingsError: a table of the site cannot be used.
    """
    return Deadlines(
        read_table(home, TIME_LIMITS, TimeLimitRow, default=True),
        read_table(home, WORKING_HOURS, WorkingHoursRow, default=True),
    )


def evaluation(home: Home) -> Evaluation:
    """Weights, indicators and reasons of this site.

    Raises:
        SettingsError: a table of the site cannot be used.
    """
    return Evaluation(
        read_table(home, WEIGHTS, WeightRow, default=True),
        read_table(home, INDICATORS, IndicatorRow, default=True),
        read_table(home, REASONS, ReasonRow, default=True),
    )
