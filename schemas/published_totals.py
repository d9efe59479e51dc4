"""Figures somebody published, to be set against ours or judged on their own arithmetic.

Not here: reading them (`assets/site_settings.py`), judging them (`quality/published_totals.py`).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.contract import Arrival, day, integer, text

FIGURE = r"^-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$"
"""As printed, for its digits say how it was rounded: `9,123`, `2718.9`."""


class PublishedTotalRow(Arrival):
    """config/published_totals.csv. Grain: one figure of one document."""

    document = text("文件", ("document", "文件"), required=True, max_length=200)
    label = text("指标名称", ("label", "指标名称"), required=True, max_length=200,
                 note="what the document calls it")  # fmt: skip
    value = text("数值", ("value", "数值"), required=True, pattern=FIGURE, note="as printed")
    metric_id = text("指标", ("metric_id", "指标"), note="ours for the same thing, if there is one")
    area_code = text("区划代码", ("area_code", "区划代码"), note="null: the district")
    period_start = day("起始日", ("period_start", "起始日"))
    period_end = day("截止日", ("period_end", "截止日"))
    days = integer("天数", ("days", "天数"), least=1, note="of the period, where no days are named")
    part_of = text("所属合计", ("part_of", "所属合计"), note="label of the total it is a part of")
    rate_of = text(
        "日均对象", ("rate_of", "日均对象"), note="label of what it is the average a day of"
    )

    @dy.rule()
    def a_label_of_a_document_stands_once(cls) -> pl.Expr:
        """同一文件中的指标名称只能出现一次"""
        return pl.len().over("document", "label") == 1

    @dy.rule()
    def totals_named_stand_in_the_document(cls) -> pl.Expr:
        """所属合计、日均对象应为同一文件中的另一指标"""
        labels = pl.concat_str("document", "label", separator="\n").implode()
        held = [
            pl.concat_str("document", column, separator="\n").is_in(labels)
            & (pl.col(column) != pl.col("label"))
            for column in ("part_of", "rate_of")
        ]
        return pl.all_horizontal(one.fill_null(value=True) for one in held)

    @dy.rule()
    def ends_on_or_after_its_start(cls) -> pl.Expr:
        """截止日不得早于起始日"""
        return (pl.col("period_end") >= pl.col("period_start")).fill_null(value=True)
