"""The demo district 示范区 (fictional, code 350299): real feed files and an independent truth.

It borrows no cleaning: what a correct platform must find is written down while generating.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.demo.broken_files import write_broken_files
from pipelines.demo.capture_days import write_captures
from pipelines.demo.cases import write_cases
from pipelines.demo.devices import build_register, write_devices
from pipelines.demo.fire import write_fire
from pipelines.demo.housing import build_buildings, write_buildings, write_rentals
from pipelines.demo.landing import Landing
from pipelines.demo.places_and_events import write_happenings, write_places
from pipelines.demo.plan import GROUPS, Plan, feeds_named
from pipelines.demo.population import write_population
from pipelines.demo.sensing import write_sensing
from pipelines.demo.site_files import clear_site, write_site
from pipelines.demo.small_places import write_small_places
from pipelines.demo.social import write_social
from pipelines.demo.space import Space, build_space, write_areas
from pipelines.demo.truth import Truth


@dataclass(frozen=True)
class DemoSummary:
    """What a demo wrote.

    Attributes:
        files: Path below `landing/` → size in bytes.
        rows: Feed → rows in its files (`captures`: refused watch-list lines).
        truth: Folder of the truth tables.
    """

    files: dict[str, int]
    rows: dict[str, int]
    truth: Path


def write_demo(
    home: Path,
    *,
    days: int = 30,
    scale: float = 0.01,
    seed: int = 1,
    as_of: datetime,
    feeds: Collection[str] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> DemoSummary:
    """Write the demo district's feed files and their truth.

    Args:
        home: The data home; files go to `home/landing`, truth to `home/demo/truth`.
        days: City days of data, the last being the day before `as_of`.
        scale: 1.0 is the volume of a real district.
        seed: Of all randomness.
        as_of: Aware instant the demo looks back from.
        feeds: Feeds, sources or groups (captures, registers, cases, places,
            events, sensing, fire); None: all.
            Areas and devices are always written.
        progress: Called with a feed and the share of it that is written.

    Returns:
        Files, rows per feed and where the truth lies.

    Raises:
        ValueError: the home holds real feeds, `as_of` has no zone, or a feed is unknown.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    if days < 1 or scale <= 0:
        raise ValueError("a demo needs at least one day and a scale above zero")
    wanted = feeds_named(feeds)
    asked = {
        "days": days,
        "scale": scale,
        "seed": seed,
        "as_of": as_of.isoformat(),
        "feeds": sorted(wanted),
    }
    if (written := _already_written(home, asked)) is not None:
        return written
    _claim(home, asked)
    plan = Plan(home, days, scale, seed, as_of, wanted, Landing(home), Truth(home))
    if progress is not None:
        plan.progress = progress
    _write_feeds(plan)
    plan.truth.close()
    return _conclude(plan)


def _write_feeds(plan: Plan) -> None:
    space = build_space(plan)
    write_areas(plan, space)
    register = build_register(plan, space)
    plan.site = register.site
    write_devices(plan, register)
    write_site(plan)
    if plan.feeds.intersection(GROUPS["captures"]):
        write_captures(plan, register)
    cases = write_cases(plan, space) if "grid_cases" in plan.feeds else None
    write_happenings(plan, register, cases)
    write_sensing(plan, register)
    _write_registers(plan, space)
    write_fire(plan, space)
    write_broken_files(plan)


def _write_registers(plan: Plan, space: Space) -> None:
    buildings, town = build_buildings(plan, space)
    if "buildings" in plan.feeds:
        write_buildings(plan, buildings)
    if "rentals" in plan.feeds:
        write_rentals(plan, town)
    write_places(plan, space, town)
    if "small_places" in plan.feeds:
        write_small_places(plan, town)
    write_social(plan, buildings)
    if any(feed.startswith("population_") for feed in plan.feeds):
        write_population(plan, town, buildings)


def _already_written(home: Path, asked: dict[str, object]) -> DemoSummary | None:
    """The summary of the same demo, if all its files still stand."""
    mark, summary = home / "demo" / "demo.json", home / "demo" / "summary.json"
    if not (mark.exists() and summary.exists()) or json.loads(mark.read_text()) != asked:
        return None
    said = json.loads(summary.read_text())
    landing = home / "landing"
    for name, size in said["files"].items():
        path = landing / name
        if not path.exists() or path.stat().st_size != size:
            return None
    return DemoSummary(said["files"], said["rows"], home / "demo" / "truth")


def _claim(home: Path, asked: dict[str, object]) -> None:
    """Mark the home as a demo, after removing the files of an earlier demo.

    Raises:
        ValueError: there are landing files and no mark of a demo.
    """
    mark, landing = home / "demo" / "demo.json", home / "landing"
    if not mark.exists() and landing.exists() and any(p.is_file() for p in landing.rglob("*")):
        raise ValueError(
            f"{home} already holds landing files that are not a demo's: "
            "demo and real feeds never share a home"
        )
    summary = home / "demo" / "summary.json"
    clear_site(home)
    if summary.exists():
        for name in json.loads(summary.read_text())["files"]:
            (landing / name).unlink(missing_ok=True)
        summary.unlink()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(asked, indent=1, ensure_ascii=False) + "\n")


def _conclude(plan: Plan) -> DemoSummary:
    """Write the summary last: without it a demo counts as unfinished."""
    files, rows = plan.landing.files, plan.truth.rows
    said = {"files": files, "rows": rows, "has_site_settings": plan.is_whole}
    text = json.dumps(said, indent=1, ensure_ascii=False)
    (plan.home / "demo" / "summary.json").write_text(text + "\n")
    return DemoSummary(files, rows, plan.truth.folder)


__all__ = ["DemoSummary", "write_demo"]
