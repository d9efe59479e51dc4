"""The sensor that tells people what is wrong. The command: `alerting.py`.

A tick looks (`alert_sources.py`), notes what people do not know yet (`alert_book.py`) and sends
what waits (`alert_sending.py`). It starts no run and changes no table.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from dagster import DagsterInstance

from assets.timing import AsOf
from pipelines.alert_book import Book, alone, load, save, utc_now
from pipelines.alert_sending import NotSent, portions, send
from pipelines.alert_settings import NOT_SET_UP, AlertSettings, settings_of
from pipelines.alert_sources import conditions_now
from pipelines.settings import resources
from warehouse.home import Home
from warehouse.lake import Lake

BUDGET_S = 40
"""Time a tick may take to send; Dagster ends ticks after 60 seconds."""


@dataclass(frozen=True)
class Ticked:
    """What a tick did: messages taken, messages that wait, and why by channel."""

    sent: int
    waiting: int
    errors: dict[str, str]


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="运行失败、检查未通过、来源超期、发布受阻时告警；恢复后再告知",
)
def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tell people what is wrong; asks for no run."""
    given = resources()
    done = tick(given["lake"], context.instance, given["as_of"])
    if done is None:
        return dg.SkipReason(NOT_SET_UP)
    return dg.SkipReason("; ".join([f"{done.sent} sent, {done.waiting} waiting", *(
        f"{name}: {error}" for name, error in done.errors.items())]))  # fmt: skip


def tick(
    lake: Lake, instance: DagsterInstance, as_of: AsOf, now: datetime | None = None
) -> Ticked | None:
    """Look, note, send; None where the site has no settings for alerts.

    Args:
        lake: The lake.
        instance: Remembers runs and checks.
        as_of: When feeds are judged.
        now: This tick (UTC); for repeats.

    Raises:
        AlertSettingsError: the settings cannot be used.
        HomeError: the book is damaged.
    """
    settings = settings_of(lake.home)
    if settings is None:
        return None
    with alone(lake.home):
        book, now = load(lake.home), now or utc_now()
        found = conditions_now(instance, lake, as_of, book.runs_seen)
        book.note(found.conditions, settings, now, found.unknown)
        book.runs_seen = found.runs_seen
        book.forget_others([one.name for one in settings.channels])
        save(lake.home, book)  # before anything is sent: what is noted cannot be lost
        return deliver(lake.home, book, settings)


def deliver(home: Home, book: Book, settings: AlertSettings) -> Ticked:
    """Send what waits, channel by channel; one that fails is left for the next tick."""
    until, sent, errors = time.monotonic() + BUDGET_S, 0, {}
    for channel in settings.channels:
        for portion in portions(book.waiting(channel.name)):
            if time.monotonic() > until:
                errors[channel.name] = "no time left"
                break
            try:
                send(channel, settings.site, portion)
            except NotSent as error:
                errors[channel.name] = str(error)
                book.failed(channel.name, str(error), utc_now())
                save(home, book)
                break
            sent += len(portion)
            book.took(channel.name, portion, utc_now())
            save(home, book)  # after every sending: a killed tick repeats one portion at most
    return Ticked(sent, len(book.outbox), errors)
