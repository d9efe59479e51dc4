"""Jobs: taking in what landed, refreshing what it touched, upkeep."""

from __future__ import annotations

import dagster as dg

from pipelines.access import access_job
from pipelines.pulling import pull_job
from pipelines.upkeep import upkeep_job

REGISTERS = dg.AssetSelection.groups("bronze") | dg.AssetSelection.assets(
    ["silver", "areas"], ["silver", "devices"], ["silver", "device_places"]
)

TAKE_IN = dg.define_asset_job(
    "take_in",
    selection=REGISTERS,
    description="读取新到文件，逐行判定，写入库层与隔离区；更新区划与设备",
)
REFRESH = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - REGISTERS,
    description="重算受影响的日期：清洗、主题库、统计，并发布",
)

JOBS = [TAKE_IN, REFRESH, upkeep_job, pull_job, access_job]
