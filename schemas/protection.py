"""What is never let in, and who may see what is.

The platform counts and describes places. It has no column for a picture, a feature vector, an
identity on a capture, ethnicity, a watch-list mark, or any key that follows a person or a vehicle
from one camera to another. Real messages carry such fields; they are removed while parsing and
counted (`codes/ga1400_fields.csv` says which), and a watch-list message is refused whole.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

import polars as pl

from schemas import codes

Sharing = Literal["unconditional", "conditional", "restricted"]
SHARING_ZH = {"unconditional": "无条件共享", "conditional": "有条件共享", "restricted": "不予共享"}
PRIVACY_ZH = {"open": "公开", "quasi": "准标识", "direct": "直接标识", "sensitive": "敏感"}

SMALLEST_PERSON_COUNT = 5
"""k inside the administration: counts of persons below it are withheld (GB/T 37964; k is ours)."""

SMALLEST_PERSON_COUNTS: dict[Sharing, int] = {
    "unconditional": 10,
    "conditional": SMALLEST_PERSON_COUNT,
    "restricted": SMALLEST_PERSON_COUNT,
}
"""k by sharing class: what anybody may have is coarser."""

RESTRICTED_LAYERS = ("bronze", "quarantine", "persons")
"""Directories 0700; only these may hold direct identifiers; never served nor exported."""

# Disposition (布控) messages of GA/T 1400.4 by their outer names (our reading of the standard's
# resource names, unverified). A message that holds one is refused whole.
WATCH_LIST_FIELDS = (
    "DispositionListObject",
    "DispositionObject",
    "DispositionNotificationListObject",
    "DispositionNotificationObject",
    "DispositionObjectList",
    "DispositionNotificationObjectList",
)

# Column names that may appear in no layer. Held by a test over every table of a run.
FORBIDDEN_COLUMN = re.compile(
    r"(^|_)(face_image|image_data|data_base64|feature|template|embedding|vector|similarity"
    r"|ethnic|ethic|nation|watch_?list|disposition|suspect|terrorist|criminal|detainee|victim"
    r"|global_track|person_id|cross_camera)(_|$)"
)


@cache
def dropped_fields() -> frozenset[str]:
    """GA/T 1400 field names that are removed while parsing and counted."""
    fields = codes.table("ga1400_fields")
    action = pl.col("platform_action")
    gone = fields.filter(
        pl.col("object").is_in(["Face", "MotorVehicle", "NonMotorVehicle", "SubImageInfo"])
        & (action.str.starts_with("drop") | action.str.starts_with("never"))
    )
    kept = fields.filter(~(action.str.starts_with("drop") | action.str.starts_with("never")))
    # A name dropped from captures stays dropped, whatever another object does with it.
    return frozenset(gone["field"].to_list()) | (
        frozenset({"PersonObjectList", "PersonObject"}) - frozenset(kept["field"].to_list())
    )


@cache
def known_fields() -> frozenset[str]:
    """Every GA/T 1400 field name of the code table; others are reported as unknown."""
    return frozenset(codes.table("ga1400_fields")["field"].to_list())
