"""The metric book: a statistic stands here once, and everything about it follows.

First form: additive measures over topic tables, by community and up. Rates, periods and disclosure
control over person tables join in later; until then counts of persons below k are withheld and no
cross-tabulation of persons is published.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.contract import Contract, day, flag, number, text
from schemas.protection import SMALLEST_PERSON_COUNT, Sharing


@dataclass(frozen=True)
class Metric:
    """One statistic.

    Attributes:
        id: English name, `<topic>_<what>`.
        zh: Chinese name.
        definition: One sentence, in Chinese: what is counted, over what.
        unit: Unit of the value.
        table: Topic table it is summed from.
        measure: Integer column that is summed (integers add up the same in any order); None: rows
            are counted.
        where: Column → allowed values.
        day_column: City day of the events; None: a stock, as of the newest registers.
        counts_persons: Whether values below k are withheld.
        sharing: Sharing class.
    """

    id: str
    zh: str
    definition: str
    unit: str
    table: str
    measure: str | None
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    day_column: str | None = None
    counts_persons: bool = False
    sharing: Sharing = "conditional"

    @property
    def topic(self) -> str:
        """The topic database it belongs to."""
        return self.table.split("_", 1)[0]


METRICS: tuple[Metric, ...] = (
    Metric("passage_face_count", "人员通行量", "单台相机一次经过计一次，跨相机不关联", "次",
           "passage_device_hours", "passage_count", (("passage_kind", ("face",)),), "shot_day"),
    Metric("passage_face_shot_count", "人脸抓拍量", "去除重复上报后的抓拍张数", "张",
           "passage_device_hours", "shot_count", (("passage_kind", ("face",)),), "shot_day"),
    Metric("passage_motor_count", "机动车流量", "同一号牌在单台设备一次经过计一次", "辆次",
           "passage_device_hours", "passage_count", (("passage_kind", ("motor",)),), "shot_day"),
    Metric("passage_nonmotor_count", "非机动车流量", "去除重复上报后的非机动车抓拍", "辆次",
           "passage_device_hours", "passage_count", (("passage_kind", ("nonmotor",)),), "shot_day"),
    Metric("video_camera_count", "摄像机数", "设备台账中的摄像机", "台",
           "video_devices", "device_count", (("device_kind", ("camera",)),)),
    Metric("video_gate_count", "卡口数", "设备台账中的卡口", "台",
           "video_devices", "device_count", (("device_kind", ("gate",)),)),
    Metric("sensing_device_count", "感知设备数", "烟感、消火栓压力计、水浸传感器", "台",
           "video_devices", "device_count",
           (("device_kind", ("smoke_sensor", "hydrant_sensor", "water_sensor")),)),
    Metric("sensing_online_count", "在线感知设备数", "在线状态为1的感知设备", "台",
           "video_devices", "online_count",
           (("device_kind", ("smoke_sensor", "hydrant_sensor", "water_sensor")),)),
    Metric("governance_case_count", "案件上报数", "按上报日统计的网格案件", "件",
           "governance_case_days", "case_count", (), "report_day"),
    Metric("governance_closed_count", "已结案数", "按上报日统计、现已结案的案件", "件",
           "governance_case_days", "case_count", (("state", ("closed",)),), "report_day"),
    Metric("governance_open_count", "未结案数", "按上报日统计、尚未结案且未作废的案件", "件",
           "governance_case_days", "case_count", (("state", ("open",)),), "report_day"),
    Metric("governance_cancelled_count", "作废数", "按上报日统计、已作废的案件", "件",
           "governance_case_days", "case_count", (("state", ("cancelled",)),), "report_day"),
    Metric("governance_registered_count", "立案数", "按上报日统计、已立案的案件", "件",
           "governance_case_days", "registered_count", (), "report_day"),
    Metric("governance_collector_count", "网格员上报数", "来源为网格员的案件", "件",
           "governance_case_days", "case_count", (("source_type", ("collector",)),), "report_day"),
    Metric("governance_public_count", "居民上报数", "来源为居民（12345、小程序）的案件", "件",
           "governance_case_days", "case_count", (("source_type", ("public",)),), "report_day"),
    Metric("governance_iot_count", "物联预警案件数", "来源为物联设备的案件", "件",
           "governance_case_days", "case_count", (("source_type", ("iot",)),), "report_day"),
    Metric("governance_video_count", "视频智能案件数", "来源为视频智能的案件", "件",
           "governance_case_days", "case_count", (("source_type", ("video",)),), "report_day"),
    Metric("governance_self_handled_count", "自行处置数", "网格员当场处置的案件", "件",
           "governance_case_days", "self_handled_count", (), "report_day"),
    Metric("governance_rework_count", "返工次数", "核查未通过而退回处置的次数", "次",
           "governance_case_days", "rework_count", (), "report_day"),
    Metric("governance_closing_seconds", "结案时长合计", "已结案案件自上报至结案的秒数之和", "s",
           "governance_case_days", "closing_seconds", (), "report_day"),
    Metric("sensing_alarm_count", "感知预警数", "传感器预警，按发生日", "次",
           "sensing_alarm_days", "alarm_count", (), "sensing_day"),
    Metric("sensing_cleared_count", "预警已解除数", "已解除的传感器预警，按发生日", "次",
           "sensing_alarm_days", "cleared_count", (), "sensing_day"),
    Metric("sensing_smoke_alarm_count", "烟雾预警数", "烟感预警，按发生日", "次",
           "sensing_alarm_days", "alarm_count", (("alarm_kind", ("smoke",)),), "sensing_day"),
    Metric("sensing_daylight_gap_count", "白天静默次数",
           "近7日有抓拍的相机、卡口在7至19时连续3个整小时以上无抓拍", "次",
           "sensing_daylight_gaps", None, (), "sensing_day"),
    Metric("sensing_silent_hour_count", "白天静默时长", "白天静默的整小时数之和", "h",
           "sensing_daylight_gaps", "hour_count", (), "sensing_day"),
    Metric("sensing_silent_device_count", "白天静默设备数",
           "当日有白天静默的相机、卡口；跨日累计为台日", "台",
           "sensing_daylight_gaps", "device_count", (), "sensing_day"),
    Metric("fire_low_pressure_count", "消火栓低压读数",
           "静压低于0.14MPa的读数（GB 55036-2022 3.0.3）", "次",
           "sensing_reading_days", "reading_count",
           (("quantity", ("hydrant_pressure",)), ("level", ("warning", "critical", "dry"))),
           "sensing_day"),
    Metric("fire_inspection_count", "消防检查数", "按检查日", "次",
           "fire_inspection_days", "inspection_count", (), "fire_day"),
    Metric("fire_hazard_count", "消防隐患数", "检查发现的隐患，按检查日", "处",
           "fire_inspection_days", "hazard_count", (), "fire_day"),
    Metric("fire_rectified_count", "隐患已整改数", "已整改的隐患，按检查日", "处",
           "fire_inspection_days", "rectified_count", (), "fire_day"),
    Metric("fire_alarm_count", "火警报警数", "消防控制室火警报警，按报警日", "次",
           "fire_alarm_days", "alarm_count", (("alarm_kind", ("fire",)),), "fire_day"),
    Metric("fire_confirmed_count", "确认火警数", "经确认的火警，按报警日", "次",
           "fire_alarm_days", "confirmed_count", (), "fire_day"),
    Metric("fire_incident_count", "消防出动事件数", "出动事件，按接警日；多个单位计一次", "件",
           "fire_incidents", None, (), "received_day"),
    Metric("population_person_count", "实有人口", "户籍与走访两源按公民身份号码去重后的人数", "人",
           "population_counts", "person_count", counts_persons=True),
    Metric("population_registered_count", "户籍人口", "人口类别为户籍的人数", "人",
           "population_counts", "person_count", (("population_category", ("1",)),),
           counts_persons=True),
    Metric("population_floating_count", "流动人口", "人口类别为流动的人数", "人",
           "population_counts", "person_count", (("population_category", ("2",)),),
           counts_persons=True),
    Metric("buildings_building_count", "楼栋数", "建筑物台账中的楼栋", "栋",
           "buildings_counts", "building_count", sharing="unconditional"),
    Metric("buildings_unit_count", "单元数", "楼栋单元之和", "个",
           "buildings_counts", "unit_count", sharing="unconditional"),
    Metric("buildings_dwelling_count", "房屋套数", "楼栋房屋套数之和", "套",
           "buildings_counts", "dwelling_count", sharing="unconditional"),
    Metric("buildings_self_occupied_count", "自住套数", "登记为自住的房屋", "套",
           "buildings_counts", "self_occupied_count", sharing="unconditional"),
    Metric("buildings_rented_count", "出租套数", "登记为出租的房屋", "套",
           "buildings_counts", "rented_count", sharing="unconditional"),
    Metric("buildings_vacant_count", "空置套数", "登记为空置的房屋", "套",
           "buildings_counts", "vacant_count", sharing="unconditional"),
    Metric("buildings_dangerous_count", "危房栋数", "JGJ 125 鉴定为C、D级的楼栋", "栋",
           "buildings_counts", "dangerous_count", sharing="unconditional"),
    Metric("rentals_rental_count", "出租房数", "备案的出租房", "套",
           "rentals_counts", "rental_count"),
    Metric("rentals_whole_count", "整租数", "租赁方式为整租的出租房", "套",
           "rentals_counts", "rental_count", (("rent_way", ("1",)),)),
    Metric("rentals_shared_count", "合租数", "租赁方式为合租的出租房", "套",
           "rentals_counts", "rental_count", (("rent_way", ("2",)),)),
    Metric("rentals_tenant_count", "租住人数", "出租房租住人数之和", "人",
           "rentals_counts", "tenant_count", counts_persons=True),
)  # fmt: skip

BY_ID = {metric.id: metric for metric in METRICS}


class DailyValue(Contract):
    """statistics.daily_values. Grain: metric × area × day, before withholding."""

    value_day = day("日期", required=True)
    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text(
        "区划代码", required=True, note="`<district>-unplaced` holds what has no place"
    )
    value = number("数值", required=True)


class CurrentValue(Contract):
    """statistics.current_values. Grain: metric × area, to date or as of the newest registers."""

    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    value = number("数值", required=True)


class ServedValue(Contract):
    """metric_values of a serving file. Grain: metric × area × period; small counts withheld."""

    metric_id = text("指标", required=True)
    metric_name = text("指标名称", required=True)
    unit = text("单位", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    area_name = text("区划名称", required=True)
    period = text("期间", required=True, codes=("day", "to_date"))
    period_day = day("日期", note="null for to_date")
    value = number("数值", note=f"null when withheld (persons below {SMALLEST_PERSON_COUNT})")
    is_withheld = flag("已隐去", required=True)


__all__ = ["BY_ID", "METRICS", "CurrentValue", "DailyValue", "Metric", "ServedValue"]
