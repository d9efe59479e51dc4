"""The books of repair: by which rules quarantined rows were judged, and what replays made of them.

Not here: judging (`quality`), replaying (`assets/replaying.py`).
"""

from __future__ import annotations

import dataframely as dy

from schemas.contract import Contract, instant, integer, text
from schemas.table import Table

CAUSES = {"rules": "规则、代码表或映射变更", "correction": "更正文件"}


class Judgement(Contract):
    """ops.judgements. Grain: one feed of one file, each time its quarantined rows were judged."""

    feed = text("数据源", required=True)
    file_id = text("来源文件", required=True)
    batch_id = text("批次", required=True)
    judged_at = instant("判定时间", required=True, note="the newest of a feed and file holds")
    judged_by = text("规则指纹", required=True,
                     note="digest of contract, codes, mapping and way of delivery")  # fmt: skip


class Replay(Contract):
    """ops.replays. Grain: one quarantined row that a replay accepted or quarantined anew."""

    batch_id = text("批次", required=True)
    replayed_at = instant("重放时间", required=True)
    username = text("用户名", required=True, privacy="quasi")
    reason = text("理由", required=True)
    cause = text("起因", required=True, codes=CAUSES)
    correction = text("更正文件", note="its file_id in ops.files; null: no file")
    feed = text("数据源", required=True)
    file_id = text("来源文件", required=True)
    row_number = integer("行号", required=True)
    item_number = integer("报文内序号", required=True)
    rules_before = dy.List(
        dy.String(), nullable=False, metadata={"zh": "原违反规则", "privacy": "open"}
    )
    outcome = text("结果", required=True, codes=("accepted", "quarantined"))
    rules_after = dy.List(
        dy.String(), nullable=False, metadata={"zh": "现违反规则", "privacy": "open"}
    )
    content_before = text("原内容键", note="keyed digest of the row; null: it had no readable text")
    content_after = text("现内容键", required=True)


JUDGEMENTS = Table("ops", "judgements", Judgement, "隔离判定登记")
REPLAYS = Table("ops", "replays", Replay, "重放登记")
TABLES = (JUDGEMENTS, REPLAYS)
