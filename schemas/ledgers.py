"""The books beside every silver table, and the operator's books: who went where, and does it close.

accepted + moved in = kept + merged + superseded + set aside + moved out: what is kept lies in the
table itself, what is set aside in `<table>_set_aside`, all others in `<table>_merges`. Ledgers name
rows by content, never by file.
"""

from __future__ import annotations

import dataframely as dy

from schemas.contract import Contract, day, instant, integer, text


class Merge(Contract):
    """silver.<table>_merges. Grain: one accepted row not kept, and the row that stands for it.

    A row that a corrected camera clock moves to another day stands twice: `moved_out` on the day of
    the camera's clock, with the corrected time, and `moved_in` on the true day, with the time as
    sent. There it is then kept, merged or superseded like any other.
    """

    event_day = day("业务日", note="null in registers")
    entity_id = text("对象标识", required=True, note="the key; its token where it is personal")
    version_at = instant("该行时间")
    merged_into = text("并入", required=True, note="entity_id of the row that was kept")
    outcome = text("结果", required=True, codes=("merged", "superseded", "moved_out", "moved_in"))
    rule = text("规则", required=True)


class SetAside(Contract):
    """silver.<table>_set_aside. Grain: one accepted row that another table does not bear out."""

    event_day = day("业务日", note="null in registers")
    entity_id = text("对象标识", required=True)
    version_at = instant("该行时间")
    rule = text("规则", required=True)


class QuarantinedRow(Contract):
    """quarantine.<feed>. Grain: one row of one file that broke at least one rule. RESTRICTED."""

    file_id = text("来源文件", required=True)
    row_number = integer("行号", required=True)
    item_number = integer("报文内序号", required=True)
    rules = dy.List(dy.String(), nullable=False, metadata={"zh": "违反的规则", "privacy": "open"})
    row = text(
        "原始行",
        privacy="direct",
        note="allowed columns only, as JSON; null where the text could not be parsed",
    )
    detail = text("说明", note="position and length of unreadable text, never the text itself")


class FileRecord(Contract):
    """ops.files. Grain: one file of one source, taken in once; the intake's commit point."""

    file_id = text("文件标识", required=True, note="sha256 of the bytes as landed")
    source = text("来源", required=True)
    file_name = text("文件名", required=True)
    size_bytes = integer("大小", required=True, unit="B")
    modified_ns = integer("修改时刻", required=True, unit="ns")
    batch_id = text("批次", required=True)
    outcome = text("结果", required=True, codes=("taken_in", "set_aside", "seen_before"))
    reason = text("原因")


class FileAccount(Contract):
    """ops.row_accounts. Grain: one feed of one file and batch: its intake, or a replay of its rows.

    One message file can feed several. A replay arrived with nothing: what it accepted it takes off
    the quarantined, so the entries of a file add up to what lies in the tables.
    """

    file_id = text("文件标识", required=True)
    batch_id = text("批次", required=True)
    feed = text("数据源", required=True)
    arrived = integer("到达", required=True, unit="行")
    accepted = integer("接受", required=True, unit="行")
    quarantined = integer("隔离", required=True, unit="行")
    refused = integer("拒收", required=True, unit="行", note="watch-list messages, counted only")
    days = dy.List(dy.Date(), nullable=False, metadata={"zh": "涉及日期", "privacy": "open"})
    dropped_fields = text("移除字段", note="JSON: field name → how often; never the values")
    unknown_fields = text("未知字段", note="JSON: field name → how often; never the values")


class Build(Contract):
    """ops.builds. Grain: one table, or one day of it: what it was last built from."""

    table_key = text("表", required=True)
    part = text("分区", required=True, note="ISO day, or `all`")
    inputs = text("输入指纹", required=True)
    content = text("内容指纹", required=True)
    rows = integer("行数", required=True)


class DeviceDay(Contract):
    """ops.device_days. Grain: one feed, one day, one state of the day's files: who sent them."""

    feed = text("数据源", required=True)
    event_day = day("业务日", required=True)
    files = text("文件指纹", required=True, note="digest of the files that brought rows of the day")
    devices = dy.List(dy.String(), nullable=False, metadata={"zh": "设备编码", "privacy": "open"})


class Publication(Contract):
    """ops.publications. Grain: one generation of the serving files and its release of exports."""

    generation = text("世代", required=True)
    published_at = instant("发布时间", required=True)
    as_of = instant("数据截止", required=True)
    inputs = text("输入指纹", required=True)
    code = text("规则指纹", required=True)
    areas = text("区划指纹", required=True)
    areas_rebuilt = integer("重建区域数", required=True)
    areas_linked = integer("沿用区域数", required=True)
