"""Suites judged by Great Expectations, in memory, with nothing leaving the machine.

Importing it takes some 1.6 s of CPU: only what has something to judge imports this module.
Not here: what is expected (`contracts.py`, `history.py`, `statistics.py`), the page (`pages.py`).
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import polars as pl

# Before the import: no usage statistics, whatever the environment says.
os.environ["GX_ANALYTICS_ENABLED"] = "false"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports modules that Python calls deprecated
    import great_expectations as gx
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_in_set import (
        ExpectColumnValuesToBeInSet,
    )
    from great_expectations.expectations.expectation import Expectation

from quality.validation.rules import OneOf, Rule, Severity, Suite, Verdict, Within, found

_GX_SEVERITY: dict[Severity, Any] = {"block": "critical", "grade": "warning", "note": "info"}
_NO_VALUES = {"result_format": "BOOLEAN_ONLY"}
"""Lists of unexpected values would show what stands in the tables."""


class JudgingError(RuntimeError):
    """Great Expectations could not judge; it swallows exceptions, we do not."""


class Judge:
    """One ephemeral context for all suites of a run."""

    def __init__(self) -> None:
        self._context = gx.get_context(mode="ephemeral")
        self._context.enable_analytics(enable=False)
        self._context.variables.progress_bars = {"globally": False}  # pyright: ignore[reportAttributeAccessIssue]
        frames = self._context.data_sources.add_pandas("lake").add_dataframe_asset("profiles")
        self._whole = frames.add_batch_definition_whole_dataframe("all")

    def judge(self, suite: Suite) -> tuple[list[Verdict], ExpectationSuiteValidationResult]:
        """Verdicts in the order of the rules, and the result its page is made of.

        Raises:
            JudgingError: an expectation could not be evaluated.
        """
        batch = self._whole.get_batch(batch_parameters={"dataframe": _frame(suite)})
        checks = [_expectation(rule) for rule in suite.rules]
        expected = gx.ExpectationSuite(name=suite.label, expectations=checks)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas' news about its own future
            result = batch.validate(expected, result_format=_NO_VALUES)  # pyright: ignore[reportArgumentType]
        return self._verdicts(suite, result), result

    def _verdicts(self, suite: Suite, result: ExpectationSuiteValidationResult) -> list[Verdict]:
        by_name = {}
        for one in result.results:
            config = one.expectation_config
            if one.exception_info.get("raised_exception") is not False or config is None:
                raise JudgingError(f"{suite.label}: {one.exception_info}")
            by_name[config.meta["name"]] = one  # pyright: ignore[reportOptionalSubscript]
        verdicts = []
        for rule in suite.rules:
            one, words = by_name[rule.zh], found(rule, suite.profile)
            one.result = {"observed_value": words}
            verdicts.append(Verdict(rule.zh, rule.severity, rule.dimension, rule.remedy,
                                    bool(one.success), words))  # fmt: skip
        return verdicts


def _frame(suite: Suite) -> Any:
    """The profile with the numbers told of the whole table; one row at least."""
    names = suite.profile.columns
    # without rows there is still what is told of the whole table
    nothing = pl.DataFrame({name: [None] for name in names})
    profile = suite.profile if suite.profile.height else nothing
    frame = profile.to_pandas()
    for rule in suite.rules:
        if isinstance(rule, Within):
            frame[rule.zh] = float("nan") if rule.value is None else float(rule.value)
    return frame


def _expectation(rule: Rule) -> Expectation:
    shared: dict[str, Any] = {
        "column": rule.zh,
        "description": f"{rule.zh}（{rule.dimension}）",
        "severity": _GX_SEVERITY[rule.severity],
        "meta": {"name": rule.zh, "dimension": rule.dimension, "severity": rule.severity,
                 "remedy": rule.remedy},
    }  # fmt: skip
    if isinstance(rule, Within):
        return ExpectColumnValuesToBeBetween(min_value=rule.least, max_value=rule.most, **shared)
    values = list(rule.codes) if isinstance(rule, OneOf) else [True]
    return ExpectColumnValuesToBeInSet(value_set=values, **shared)
