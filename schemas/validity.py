"""Validity: what registers said held when, and which deliveries were whole.

An entry holds from its own time of change until another version, or until its source delivers the
register whole without it (`quality/validity.py`). Stays in silver; only counts are published.
"""

from __future__ import annotations

from schemas.contract import Arrival, Contract, instant, text
from schemas.devices import DEVICE_KINDS
from schemas.grid_staff import STAFF_ROLES
from schemas.population import RESIDENT_CATEGORIES
from schemas.table import Table

HOLDS = {"whole": "整册", "changes": "变更"}
STATED_BY = {"name": "文件名", "column": "更新时间列"}


class DeliveryRow(Arrival):
    """config/deliveries.csv. Grain: files of a register delivered alike.

    What they hold, and where they state as of when: in their names, as in `rentals-20261119.xlsx`,
    or in the rows' time of change.
    """

    feed = text("数据源", ("feed", "数据源"), required=True)
    files = text("文件", ("files", "文件"), required=True,
                 note="pattern below landing/, e.g. rentals/rentals-*.xlsx")  # fmt: skip
    holds = text("内容", ("holds", "内容"), codes=HOLDS, note="null: whole")
    as_of = text("截至写在", ("as_of", "截至写在"), codes=STATED_BY, note="null: name")


class Delivery(Contract):
    """ops.deliveries. Grain: one file of a register and what it states.

    Several whole files of one day are one delivery. The same bytes may come again on another day.
    """

    file_id = text("文件标识", required=True)
    feed = text("数据源", required=True)
    holds = text("内容", required=True, codes=HOLDS)
    as_of = instant("截至", required=True, note="last moment of the day in the file's name, or of "
                    "the day its column states; of changes: the newest time in it")  # fmt: skip
    batch_id = text("批次", required=True)


class RentalPeriod(Contract):
    """silver.rental_periods. Grain: one rental, one stretch of time without change."""

    rental_id = text("备案号", required=True)
    community_code = text("社区编码", note="null: unplaced")
    building_id = text("楼栋编码")
    rent_way = text("租赁方式", required=True)
    rent_channel = text("租赁渠道", required=True)
    valid_from = instant("起", required=True)
    valid_until = instant("止", note="half open; null: still valid")


class ResidentPeriod(Contract):
    """silver.resident_periods. Grain: one person in one place, by the newest word of any source."""

    person_token = text("人员令牌", required=True, privacy="quasi")
    source = text("来源", required=True, note="whose word it is")
    community_code = text("社区编码", note="null: unplaced")
    building_id = text("楼栋编码", privacy="quasi")
    population_category = text("人口类别", required=True, codes=RESIDENT_CATEGORIES,
                               privacy="quasi")  # fmt: skip
    valid_from = instant("起", required=True)
    valid_until = instant("止", note="half open; null: still valid")


class DevicePeriod(Contract):
    """silver.device_periods. Grain: one registered device, one stretch of time without change.

    Where a device stood, for what it saw, is in `device_places`, which has no gaps.
    """

    device_id = text("设备编码", required=True)
    community_code = text("社区编码", note="null: unplaced")
    device_kind = text("设备类型", required=True, codes=DEVICE_KINDS)
    valid_from = instant("起", required=True)
    valid_until = instant("止", note="half open; null: still registered")


class GridStaffPeriod(Contract):
    """silver.grid_staff_periods. Grain: one worker on duty at one grid, without change.

    By days on duty, as the register says them, and by whole deliveries that omit the worker.
    """

    staff_token = text("网格员令牌", required=True, note="one key for this topic alone")
    grid_code = text("网格编码", required=True)
    community_code = text("社区编码", note="null: unplaced")
    staff_role = text("网格员类型", required=True, codes=STAFF_ROLES)
    valid_from = instant("起", required=True, note="start of the first day on duty, or of a change")
    valid_until = instant("止", note="half open: the last day on duty is in; null: still there")


TABLES: tuple[Table, ...] = (
    Table(
        "silver", "rental_periods", RentalPeriod, "出租房沿革", None, ("rental_id", "valid_from")
    ),
    Table(
        "silver",
        "resident_periods",
        ResidentPeriod,
        "人口居住沿革",
        None,
        ("person_token", "valid_from"),
    ),
    Table(
        "silver", "device_periods", DevicePeriod, "设备在册沿革", None, ("device_id", "valid_from")
    ),
    Table(
        "silver", "grid_staff_periods", GridStaffPeriod, "网格员在岗沿革", None,
        ("grid_code", "staff_token", "valid_from"),
    ),
)  # fmt: skip
