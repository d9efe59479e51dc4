"""Site settings for captures: what a site knows of its cameras, as tables in `HOME/config`.

Grain of directions: one direction code of one source. Of clock offsets: one stretch of time of one
camera. Not here: reading them (`assets/site_settings.py`), applying them (`assets/silver`).
"""

from __future__ import annotations

from datetime import UTC, datetime

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.contract import Arrival, instant, integer, text

HEADINGS: dict[str, str] = dict(
    codes.table("ga1400_codes").filter(list="HDirectionType").select("code", "name").rows()
)
"""Heading of travel, code → sense: HDirectionType of GA/T 1400 (`codes/ga1400_codes.csv`).

1 西向东 … 8 东南到西北, 9 其他. Unverified against the standard's own text. Another list in use
(`Direction_police_system_variant`) gives the same digits the opposite sense, which is why codes
are mapped source by source and never guessed.
"""

LONGEST_OFFSET_SECONDS = 86_400
"""A clock further off would move captures past the day next to theirs; it needs a technician."""

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


class DirectionRow(Arrival):
    """config/captures/directions.csv. Grain: one direction code of one source."""

    device_prefix = text("设备编码前缀", ("device_prefix", "设备编码前缀"), required=True,
                         pattern=r"^\d{1,20}$")  # fmt: skip
    direction_code = text("行驶方向", ("direction_code", "行驶方向"), required=True, max_length=2,
                          note="as the source writes it: 1 and 01 are two codes")  # fmt: skip
    heading = text(
        "航向", ("heading", "航向"), required=True, codes=HEADINGS, note="HDirectionType"
    )

    @dy.rule()
    def a_code_of_a_prefix_stands_once(cls) -> pl.Expr:
        """同一前缀的同一方向代码只能出现一次"""
        return pl.len().over("device_prefix", "direction_code") == 1


class ClockOffsetRow(Arrival):
    """config/captures/clock_offsets.csv. Grain: one stretch of time of one camera, half-open."""

    device_id = text("设备编码", ("device_id", "设备编码"), required=True, pattern=r"^\d{20}$")
    valid_from = instant("起", ("valid_from", "起"), note="by the camera's clock; null: open")
    valid_until = instant("止", ("valid_until", "止"), note="by the camera's clock; null: open")
    offset_seconds = integer("时钟偏差", ("offset_seconds", "时钟偏差"), required=True,
                             least=-LONGEST_OFFSET_SECONDS, most=LONGEST_OFFSET_SECONDS, unit="s",
                             note="camera clock minus true time")  # fmt: skip

    @dy.rule()
    def ends_after_it_begins(cls) -> pl.Expr:
        """止应晚于起"""
        return (pl.col("valid_until") > pl.col("valid_from")).fill_null(True)

    @dy.rule()
    def stretches_of_a_camera_do_not_overlap(cls) -> pl.Expr:
        """同一相机的时段不得重叠"""
        start = pl.col("valid_from").fill_null(_FIRST)
        end = pl.col("valid_until").fill_null(_LAST)
        before = end.cum_max().shift(1).over("device_id", order_by=start)
        return (before <= start).fill_null(True)
