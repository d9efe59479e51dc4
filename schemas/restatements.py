"""Restatements 数据修订说明: published numbers of finished periods that changed later, and why."""

from __future__ import annotations

from schemas.contract import Contract, day, instant, number, text
from schemas.periods import PERIOD_ZH

REASONS = {
    "late_rows": "迟到或更正的数据",
    "rule_change": "规则或代码表变更",
    "area_change": "区划变更",
    "replay": "隔离数据修复后重放",
}


class Restatement(Contract):
    """ops.restatements. Grain: one number of a finished period that a publication changed."""

    generation = text("世代", required=True, note="the one that changed it")
    published_at = instant("发布时间", required=True)
    metric_id = text("指标", required=True)
    metric_name = text("指标名称", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    area_name = text("区划名称", required=True)
    period = text("期间", required=True, codes=PERIOD_ZH)
    period_start = day("起始日", required=True)
    was = number("原值", note="null: there was no divisor")
    now = number("现值", note="null: there is no divisor")
    reason = text("原因", required=True, codes=REASONS)
