"""What an expectation is, and the small frame it is judged on.

Judging rows one by one costs Great Expectations several times what a mask costs. So rows are first
counted by what the rules want to know of them: whether each holds, and which codes they bear. Such
a profile has a few rows whatever the table has, tells a single broken row as surely as the table
does, and holds no key, no measure and no person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

Severity = Literal["block", "grade", "note"]
SEVERITY_ZH = {"block": "阻断发布", "grade": "影响质量等级", "note": "提示"}

Dimension = Literal["规范性", "完整性", "准确性", "一致性", "时效性", "可访问性"]
DIMENSIONS: tuple[Dimension, ...] = ("规范性", "完整性", "准确性", "一致性", "时效性", "可访问性")
"""The six of GB/T 36344-2018."""

ROWS = "rows"
"""Column of a profile: how many rows are like this."""


@dataclass(frozen=True)
class Rule:
    """What every expectation says of itself.

    Attributes:
        zh: What should hold, a sentence; names it within its suite.
        severity: What happens if it does not hold.
        dimension: Dimension of quality it speaks of.
        remedy: What to do then.
    """

    zh: str
    severity: Severity
    dimension: Dimension
    remedy: str


@dataclass(frozen=True)
class Holds(Rule):
    """Every row keeps it; null counts as kept.

    Attributes:
        that: Boolean over the columns of the table.
    """

    that: pl.Expr


@dataclass(frozen=True)
class OneOf(Rule):
    """Every value of a column is one of its codes; nulls are left alone.

    Attributes:
        column: Column of the table.
        codes: Its codes.
    """

    column: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Within(Rule):
    """A number told of the whole table lies between two bounds.

    Attributes:
        value: The number; None: it cannot be told, which breaks nothing.
        least: Lower bound; None: none.
        most: Upper bound; None: none.
        found: What was found, in words.
    """

    value: float | None
    least: float | None
    most: float | None
    found: str


@dataclass(frozen=True)
class Suite:
    """A table's rules with the profile they are judged on.

    Attributes:
        label: `layer.name`.
        zh: What people call the table.
        rules: What is expected; those over rows and codes have a column in the profile.
        profile: Distinct answers of the rows, with `rows`.
        at: When the table speaks of, as people write it.
    """

    label: str
    zh: str
    rules: tuple[Rule, ...]
    profile: pl.DataFrame
    at: str

    @property
    def row_count(self) -> int:
        """Rows of the table."""
        return int(self.profile[ROWS].sum())


@dataclass(frozen=True)
class Verdict:
    """How an expectation came out.

    Attributes:
        zh: The expectation.
        severity: What its failing means.
        dimension: Dimension of quality.
        remedy: What to do if it failed.
        passed: Whether it holds.
        found: Counts that tell how far it does; never values.
    """

    zh: str
    severity: str
    dimension: str
    remedy: str
    passed: bool
    found: str


def suite(
    label: str, zh: str, at: str, rows: pl.LazyFrame, rules: Iterable[Rule]
) -> Suite:  # fmt: skip
    """The rules of a table over its rows.

    Args:
        label: `layer.name`.
        zh: What people call it.
        at: When it speaks of.
        rows: The table.
        rules: What is expected.

    Raises:
        ValueError: two rules are called the same.
    """
    own = tuple(rules)
    if len({rule.zh for rule in own}) < len(own):
        raise ValueError(f"{label}: two expectations are called the same")
    answers = [
        rule.that.fill_null(value=True).alias(rule.zh)
        if isinstance(rule, Holds)
        else pl.col(rule.column).alias(rule.zh)
        for rule in own
        if isinstance(rule, Holds | OneOf)
    ]
    counted = pl.len().cast(pl.Int64).alias(ROWS)
    if answers:
        profile = rows.select(answers).group_by(pl.all()).agg(counted).collect()
    else:
        profile = rows.select(counted).collect()
    return Suite(label, zh, own, profile.sort(profile.columns, nulls_last=True), at)


def found(rule: Rule, profile: pl.DataFrame) -> str:
    """How far a rule holds, in counts."""
    if isinstance(rule, Within):
        return rule.found
    column = pl.col(rule.zh)
    broken = ~column.is_in(rule.codes) if isinstance(rule, OneOf) else ~column
    several = profile.filter(broken)[ROWS].sum()
    return f"{several} 行不符，共 {profile[ROWS].sum()} 行"


def failing(verdicts: Sequence[Verdict], severity: Severity) -> list[Verdict]:
    """Verdicts of a severity that did not hold."""
    return [one for one in verdicts if one.severity == severity and not one.passed]
