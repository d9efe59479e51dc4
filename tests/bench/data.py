"""The bench's data: a demo home with captures only, written before anything is timed: `HOME`."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

from pipelines.demo import write_demo
from warehouse.home import Home

from .plan import FEEDS

AS_OF = "2026-11-20T00:00:00+08:00"

if __name__ == "__main__":
    home = Home(Path(sys.argv[1]))
    home.prepare()
    # One key for everybody, so that tokens can be compared.
    home.key("passage")
    summary = write_demo(
        home.root, days=int(sys.argv[2]), scale=float(sys.argv[3]),
        as_of=datetime.fromisoformat(AS_OF), feeds=["captures"],
    )  # fmt: skip
    said = {feed: summary.rows.get(feed, 0) for feed in FEEDS}
    print(json.dumps({**said, "bytes": sum(summary.files.values())}))
