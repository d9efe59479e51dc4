"""The truth beside the demo: what a correct cleaning must find, written down while generating.

Each table is appended to piece by piece, so that a month at full scale stays in bounded memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.demo.truth_places import PLACES_TRUTH
from pipelines.demo.truth_social import SOCIAL

_MERGE = {
    "capture_id": pl.String,
    "merged_into": pl.String,
    "outcome": pl.String,
    "rule": pl.String,
    "shot_day": pl.Date,
}
_SET_ASIDE = {"capture_id": pl.String, "rule": pl.String, "shot_day": pl.Date}
_PASSAGE = {
    "passage_id": pl.String,
    "device_id": pl.String,
    "shot_day": pl.Date,
    "community_code": pl.String,
    "clock_offset_s": pl.Int64,
}
_PLACED = {"community_code": pl.String, "placed_by": pl.String}

SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "arrived": {"feed": pl.String, "file_name": pl.String, "rows": pl.Int64},
    "refused": {"feed": pl.String, "file_name": pl.String, "rows": pl.Int64},
    "quarantined": {
        "feed": pl.String,
        "file_name": pl.String,
        "row_number": pl.Int64,
        "item_number": pl.Int64,
        "rules": pl.List(pl.String),
    },
    "set_aside_files": {"source": pl.String, "file_name": pl.String, "why": pl.String},
    "superseded": {"feed": pl.String, "entity_id": pl.String, "rows": pl.Int64},
    "set_aside": {
        "feed": pl.String,
        "entity_id": pl.String,
        "rule": pl.String,
        "event_day": pl.Date,
        "rows": pl.Int64,
    },
    "devices": {"device_id": pl.String, **_PLACED, "device_kind": pl.String},
    "device_places": {
        "device_id": pl.String,
        **_PLACED,
        "valid_from": pl.Datetime("us", "UTC"),
        "valid_until": pl.Datetime("us", "UTC"),
    },
    "daylight_gaps": {
        "sensing_day": pl.Date,
        "device_id": pl.String,
        "device_kind": pl.String,
        "from_hour": pl.Int64,
        "hour_count": pl.Int64,
    },
    "face_passages": {**_PASSAGE, "shot_count": pl.Int64, "is_tracked": pl.Boolean},
    "face_merges": _MERGE,
    "face_set_aside": _SET_ASIDE,
    "vehicle_passages": {
        **_PASSAGE,
        "reading_count": pl.Int64,
        "plate_mask": pl.String,
        "heading": pl.String,
    },
    "vehicle_merges": _MERGE,
    "vehicle_set_aside": _SET_ASIDE,
    "nonmotor_passages": _PASSAGE,
    "nonmotor_merges": _MERGE,
    "nonmotor_set_aside": _SET_ASIDE,
    "cases": {
        "case_number": pl.String,
        **_PLACED,
        "state": pl.String,
        "type_code": pl.String,
        "report_day": pl.Date,
        "source_type": pl.String,
        "case_kind": pl.String,
        "rework_count": pl.Int64,
        "is_self_handled": pl.Boolean,
    },
    "sensor_alarms": {
        "alarm_id": pl.String,
        "device_id": pl.String,
        "community_code": pl.String,
        "alarm_kind": pl.String,
        "raised_day": pl.Date,
        "is_cleared": pl.Boolean,
    },
    "sensor_readings": {
        "reading_id": pl.String,
        "device_id": pl.String,
        "community_code": pl.String,
        "quantity": pl.String,
        "value": pl.Float64,
        "level": pl.String,
        "read_day": pl.Date,
    },
    "persons": {
        "identity_number": pl.String,
        "is_numbered": pl.Boolean,
        "community_code": pl.String,
        "population_category": pl.String,
        "is_registered_here": pl.Boolean,
        "is_visited": pl.Boolean,
        "is_property_listed": pl.Boolean,
        "is_self_registered": pl.Boolean,
    },
    "residents": {"community_code": pl.String, "person_count": pl.Int64},
    "buildings": {
        "building_id": pl.String,
        **_PLACED,
        "dwelling_count": pl.Int64,
        "self_occupied_count": pl.Int64,
        "rented_count": pl.Int64,
        "vacant_count": pl.Int64,
        "danger_grade": pl.String,
    },
    "rentals": {
        "rental_id": pl.String,
        **_PLACED,
        "building_id": pl.String,
        "building_by": pl.String,
        "rent_way": pl.String,
        "rent_channel": pl.String,
        "rent_yuan_per_month": pl.Float64,
        "tenant_count": pl.Int64,
        "starts_day": pl.Date,
        "ends_day": pl.Date,
    },
    "fire_inspections": {
        "inspection_id": pl.String,
        **_PLACED,
        "inspected_day": pl.Date,
        "hazard_count": pl.Int64,
        "rectified_count": pl.Int64,
    },
    "fire_alarms": {
        "alarm_id": pl.String,
        **_PLACED,
        "alarmed_day": pl.Date,
        "alarm_kind": pl.String,
        "is_confirmed": pl.Boolean,
    },
    **SOCIAL,
    **PLACES_TRUTH,
}
"""Columns of every truth table. `refused` and their arrival stand under the source, not a feed."""


class Truth:
    """Appends to the truth tables under `HOME/demo/truth`.

    Attributes:
        rows: Feed (or source, for refused lines) → rows written to its files.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "demo" / "truth"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rows: dict[str, int] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, list[dict[str, object]]] = {}

    def add(self, table: str, frame: pl.DataFrame) -> None:
        """Append rows; missing columns are null, others are left out."""
        schema = SCHEMAS[table]
        have = [
            pl.col(c).cast(t) if c in frame.columns else pl.lit(None, dtype=t).alias(c)
            for c, t in schema.items()
        ]
        arrow = frame.select(have).to_arrow(compat_level=pl.CompatLevel.oldest())
        if table not in self._writers:
            path = self.folder / f"{table}.parquet"
            self._writers[table] = pq.ParquetWriter(path, arrow.schema, compression="zstd")
        self._writers[table].write_table(cast_table(arrow, self._writers[table].schema))

    def note(self, table: str, **row: object) -> None:
        """Append one row of a small table, written when the truth is closed."""
        self._waiting.setdefault(table, []).append(row)

    def arrive(self, feed: str, file_name: str, rows: int) -> None:
        """Note that a file carries rows of a feed."""
        if rows:
            self.note("arrived", feed=feed, file_name=file_name, rows=rows)
            self.rows[feed] = self.rows.get(feed, 0) + rows

    def refuse(self, source: str, file_name: str, rows: int) -> None:
        """Note watch-list lines: they arrive under the source and are refused."""
        if rows:
            self.arrive(source, file_name, rows)
            self.note("refused", feed=source, file_name=file_name, rows=rows)

    def quarantine(
        self, feed: str, file_name: str, row_number: int, rules: Sequence[str], item: int = 1
    ) -> None:
        """Note a row that breaks exactly these rules."""
        self.note(
            "quarantined",
            feed=feed,
            file_name=file_name,
            row_number=row_number,
            item_number=item,
            rules=sorted(rules),
        )

    def set_aside(self, feed: str, entity_id: str, rule: str, day: date | None, rows: int) -> None:
        """Note rows that another table does not bear out (feeds other than captures)."""
        self.note("set_aside", feed=feed, entity_id=entity_id, rule=rule, event_day=day, rows=rows)

    def close(self) -> None:
        """Write what waits, and every table that stayed empty, with its columns."""
        for table, schema in SCHEMAS.items():
            waiting = self._waiting.get(table, [])
            if waiting or table not in self._writers:
                self.add(table, pl.DataFrame(waiting, schema=schema))
        for writer in self._writers.values():
            writer.close()


def cast_table(arrow: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table in the schema of its first piece."""
    return arrow if arrow.schema.equals(schema) else arrow.cast(schema)
