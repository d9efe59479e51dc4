"""A pin: somebody decided which generation is served, and nothing flips until the pin is taken off.

`serving/pinned.json` names the generation, the reason and when; exports follow the same name.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse import serving
from warehouse.exports import flip_release
from warehouse.home import Home
from warehouse.serving import MANIFEST, ServingError

PIN = "pinned.json"


@dataclass(frozen=True)
class Pin:
    """Which generation is held, why, and since when (ISO instant)."""

    generation: str
    reason: str
    since: str


def pinned(root: Path) -> Pin | None:
    """The pin of a serving folder; None where generations flip by themselves."""
    path = root / PIN
    return Pin(**json.loads(path.read_text())) if path.exists() else None


def kept(root: Path) -> list[str]:
    """Generations that can be served, the newest first."""
    if not root.exists():
        return []
    whole = [p for p in root.iterdir() if not p.is_symlink() and (p / MANIFEST).exists()]
    return [p.name for p in sorted(whole, key=lambda p: (p.stat().st_mtime, p.name), reverse=True)]


def pin(home: Home, generation: str, reason: str) -> Pin:
    """Hold the serving files and exports at a generation, flipping to it if another is served.

    Args:
        home: The home; its lock is taken.
        generation: A generation that is still kept.
        reason: Why; shown by `govlake status` and `govlake publish list`.

    Raises:
        ServingError: the generation is not kept any more, or no reason was given.
    """
    if not reason.strip():
        raise ServingError("a pin needs a --reason: others will wonder why numbers stand still")
    there = kept(home.serving)
    if generation not in there:
        raise ServingError(
            f"generation {generation} is not kept; there are {', '.join(there) or 'none'}"
        )
    made = Pin(generation, reason.strip(), datetime.now(UTC).isoformat(timespec="seconds"))
    with home.locked(wait=True):
        aside = home.serving / f".{PIN}"
        aside.write_text(json.dumps(asdict(made), ensure_ascii=False))
        aside.replace(home.serving / PIN)  # the pin first: no run may flip in between
        if serving.current(home.serving) != generation:
            serving.flip(home.serving, generation)
        if (home.exports / generation).exists():
            flip_release(home.exports, generation)
    return made


def unpin(home: Home) -> Pin | None:
    """Take the pin off; the next run publishes what the lake then holds. The pin that was there."""
    was = pinned(home.serving)
    with home.locked(wait=True):
        (home.serving / PIN).unlink(missing_ok=True)
    return was
