"""What people were told of, and what is still to be told: one file, `HOME/alerts/book.json`.

A message is written here before it is sent and taken out once a channel took it, so none is lost
between two ticks or in a power cut; one that was taken just before a cut is sent again (`id` is the
same). Not here: what is wrong (`alert_sources.py`), sending (`alert_sending.py`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pipelines.alert_settings import AlertSettings, Severity
from warehouse.home import Home, HomeError

BOOK = "book.json"
Act = Literal["problem", "still", "recovered", "test"]


@dataclass(frozen=True)
class Condition:
    """Something that is wrong now.

    Attributes:
        key: Names it for as long as it lasts: `run/refresh`, `stale/grid_cases`.
        severity: How grave.
        zh: One sentence for people, without a value of any row.
        detail: Where to look; may be empty.
        is_over: It was wrong since the last tick, and is not any more.
    """

    key: str
    severity: Severity
    zh: str
    detail: str = ""
    is_over: bool = False

    @property
    def kind(self) -> str:
        """The part of the key before the first stroke."""
        return self.key.split("/", 1)[0]


@dataclass(frozen=True)
class Open:
    """A condition people were told of and that lasts. Instants are ISO texts in UTC."""

    key: str
    severity: Severity
    zh: str
    since: str
    told_at: str


@dataclass(frozen=True)
class Message:
    """A line for one channel."""

    id: str
    channel: str
    act: Act
    key: str
    severity: Severity
    zh: str
    detail: str
    since: str
    made_at: str


@dataclass
class Book:
    """The file.

    Attributes:
        open: Key → what people know to be wrong.
        outbox: Messages no channel took yet, the oldest first.
        channels: Channel → `{"sent_at": …, "failed_at": …, "error": …}`.
        runs_seen: Failed runs of the last days that were looked at; None before the first tick.
        last_id: Of a message.
    """

    open: dict[str, Open] = field(default_factory=dict)
    outbox: list[Message] = field(default_factory=list)
    channels: dict[str, dict[str, str]] = field(default_factory=dict)
    runs_seen: list[str] | None = None
    last_id: int = 0

    def note(
        self, found: Collection[Condition], settings: AlertSettings, now: datetime,
        unknown: Collection[str] = (),
    ) -> None:  # fmt: skip
        """Put into the outbox what people do not know yet.

        Told once, again after `repeat_hours` while it lasts, and once when it is over.

        Args:
            found: All that is wrong now, whatever its severity.
            settings: Whom to tell, of what.
            now: This tick (UTC).
            unknown: Kinds that could not be looked at: nothing of them counts as over.
        """
        instant = now.isoformat(timespec="seconds")
        lasting = {one.key: one for one in found if not one.is_over}
        for one in found:
            if not settings.is_told(one.severity):
                continue
            known = self.open.get(one.key)
            if known is None:
                known = Open(one.key, one.severity, one.zh, instant, instant)
                self._tell(settings, "problem", one, known.since, instant)
            elif not one.is_over and (
                _is_graver(one, known, settings) or _is_due(known, settings, now)
            ):
                known = Open(one.key, one.severity, one.zh, known.since, instant)
                self._tell(settings, "still", one, known.since, instant)
            self.open[one.key] = known
        for key, known in list(self.open.items()):
            if key in lasting or key.split("/", 1)[0] in unknown:
                continue
            del self.open[key]
            over = Condition(key, known.severity, known.zh)
            self._tell(settings, "recovered", over, known.since, instant)

    def _tell(
        self, settings: AlertSettings, act: Act, one: Condition, since: str, instant: str
    ) -> None:
        for channel in settings.channels:
            if act == "still":  # a channel that was away need not hear every repeat
                self.outbox = [
                    m for m in self.outbox
                    if (m.channel, m.key, m.act) != (channel.name, one.key, "still")
                ]  # fmt: skip
            self.last_id += 1
            self.outbox.append(Message(
                f"{self.last_id}", channel.name, act, one.key, one.severity, one.zh, one.detail,
                since, instant,
            ))  # fmt: skip

    def waiting(self, channel: str) -> list[Message]:
        """What a channel is still to take, the oldest first."""
        return [one for one in self.outbox if one.channel == channel]

    def took(self, channel: str, messages: Collection[Message], now: datetime) -> None:
        """A channel took messages."""
        gone = {one.id for one in messages}
        self.outbox = [one for one in self.outbox if one.id not in gone]
        self.channels[channel] = {"sent_at": now.isoformat(timespec="seconds")}

    def failed(self, channel: str, error: str, now: datetime) -> None:
        """A channel took nothing; its messages wait."""
        known = self.channels.get(channel, {})
        self.channels[channel] = known | {
            "failed_at": now.isoformat(timespec="seconds"), "error": error,
        }  # fmt: skip

    def forget_others(self, channels: Collection[str]) -> int:
        """Drop what waits for channels the site has taken away; how many messages that were."""
        kept = [one for one in self.outbox if one.channel in channels]
        dropped = len(self.outbox) - len(kept)
        self.outbox = kept
        self.channels = {name: one for name, one in self.channels.items() if name in channels}
        return dropped


def _is_graver(one: Condition, known: Open, settings: AlertSettings) -> bool:
    return one.severity != known.severity and one.severity == "error" and settings.is_told("error")


def _is_due(known: Open, settings: AlertSettings, now: datetime) -> bool:
    if not settings.repeat_hours:
        return False
    return now - datetime.fromisoformat(known.told_at) >= timedelta(hours=settings.repeat_hours)


def load(home: Home) -> Book:
    """The book of a home; an empty one where there is none.

    Raises:
        HomeError: it is damaged.
    """
    path = home.alerts / BOOK
    if not path.exists():
        return Book()
    try:
        read: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Book(
            {key: Open(**one) for key, one in read["open"].items()},
            [Message(**one) for one in read["outbox"]],
            read["channels"], read["runs_seen"], read["last_id"],
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise HomeError(
            f"{path} is damaged ({type(error).__name__}): take it away; what lasts is told again"
        ) from None


def save(home: Home, book: Book) -> None:
    """Put the book in place of the one before, on the disk."""
    home.alerts.mkdir(parents=True, exist_ok=True)
    aside = home.alerts / f".{BOOK}"
    with aside.open("w", encoding="utf-8") as handle:
        json.dump(asdict(book), handle, ensure_ascii=False, indent=1)
        handle.flush()
        os.fsync(handle.fileno())
    aside.replace(home.alerts / BOOK)


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Hold the book against the sensor, or a command, that is at work at the same time."""
    home.alerts.mkdir(parents=True, exist_ok=True)
    with (home.alerts / "book.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
