"""What a bench is asked to measure: scripts and parts by name."""

from __future__ import annotations

from dataclasses import dataclass

from .contenders import CONTENDERS, GOVLAKE, Contender

FEEDS = ("face_captures", "vehicle_captures", "nonmotor_captures")
PARTS = {
    "rows": "memory and CPU for ten times the rows",
    "new_day": "one new day with late rows, after a short and a long history",
    "lookups": "one passage, one device's day, before and after upkeep (with new_day)",
}
ALL = "all"


@dataclass(frozen=True)
class Plan:
    """Who does the capture job, and which parts are measured besides.

    Attributes:
        contenders: Govlake first; empty: the capture job is left out.
        parts: Names out of `PARTS`.
    """

    contenders: list[Contender]
    parts: frozenset[str]


def planned(only: str) -> Plan:
    """What `--only` asks for.

    Nothing named: the capture job with every script. Scripts: the capture job with those. `rows`:
    the capture job of govlake alone, at two scales. `all`: everything.

    Raises:
        ValueError: a name is neither a script nor a part.
    """
    names = {name.strip() for name in only.split(",") if name.strip()}
    scripts = {one.module: one for one in CONTENDERS if one.module}
    if unknown := names - {ALL, GOVLAKE, *scripts, *PARTS}:
        known = ", ".join([ALL, GOVLAKE, *scripts, *PARTS])
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {known}")
    everything = ALL in names or not names
    parts = set(PARTS) if ALL in names else names & set(PARTS)
    takes_part = [o for o in CONTENDERS if o.module is None or everything or o.module in names]
    has_contest = everything or "rows" in parts or bool(names - set(PARTS))
    return Plan(takes_part if has_contest else [], frozenset(parts))
