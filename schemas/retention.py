"""The books of retention: until which day a feed is sealed, which rows expired, what was erased.

An expiry is a dated entry: rows stay booked as arrived and accepted, and `ops.expired_rows` says
where they went, so every account still closes. A sealed day takes no rows any more
(`day_is_still_open`) and is never built again: what was made of it stays as it is.
"""

from __future__ import annotations

from schemas.contract import Contract, day, flag, instant, integer, text
from schemas.table import Table

LAYERS = ("bronze", "quarantine", "landing")


class Seal(Contract):
    """ops.seals. Grain: one feed, each time days of it were sealed; the latest day holds."""

    feed = text("数据源", required=True)
    sealed_through = day("封存截止日", required=True, note="this city day and all before it")
    sealed_at = instant("封存时间", required=True)


class ExpiredRows(Contract):
    """ops.expired_rows. Grain: one feed, layer, file and city day: rows that expired together."""

    batch_id = text("批次", required=True)
    feed = text("数据源", required=True, note="landing: the source")
    layer = text("位置", required=True, codes=LAYERS)
    event_day = day("业务日", required=True, note="bronze: of the rows; else of the delivery")
    file_id = text("来源文件", required=True)
    file_name = text("文件名", note="landing only")
    rows = integer("行数", required=True, unit="行", note="0 in landing")
    expired_at = instant("到期时间", required=True)


class Erasure(Contract):
    """ops.erasures. Grain: one feed, layer and day of a batch: its bytes are off the disk."""

    batch_id = text("批次", required=True)
    feed = text("数据源", required=True, note="landing: the source")
    layer = text("位置", required=True, codes=LAYERS)
    event_day = day("业务日", required=True)
    rows = integer("行数", required=True, unit="行")
    files_removed = integer("删除文件数", required=True, unit="个",
                            note="quarantine lies in no days: all on the last one")  # fmt: skip
    bytes_removed = integer("删除字节数", required=True, unit="B")
    is_vacuumed = flag("已清理", required=True,
                       note="no file is left on the disk but those in force")  # fmt: skip
    erased_at = instant("删除时间", required=True)


SEALS = Table("ops", "seals", Seal, "封存登记")
EXPIRED_ROWS = Table("ops", "expired_rows", ExpiredRows, "到期行登记")
ERASURES = Table("ops", "erasures", Erasure, "删除证据")
TABLES = (SEALS, EXPIRED_ROWS, ERASURES)
