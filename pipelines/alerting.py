"""`govlake alerts`: what people were told of, whether they can be reached, telling them now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.alert_book import Message, load, utc_now
from pipelines.alert_sending import NotSent, line, send
from pipelines.alert_settings import NOT_SET_UP, AlertSettingsError, settings_of
from pipelines.consoles import output
from pipelines.errors import RunFailed
from schemas.city_time import CITY_TZ
from warehouse.home import Home, default_home

app = typer.Typer(
    help="Alerts: what is wrong, who was told, whether they can be reached.",
    no_args_is_help=True,
)
console = output()
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
]


@app.command("send")
def send_now(home: HomeOption = None) -> None:
    """Look and send once, as the sensor does every minute: for homes without `govlake serve`."""
    from dagster import DagsterInstance

    from assets.timing import AsOf
    from pipelines.alerts import tick
    from pipelines.preparing import prepare
    from pipelines.settings import as_of_of
    from warehouse.lake import Lake

    place = _home(home)
    prepare(place)
    with DagsterInstance.get() as instance:
        done = tick(Lake(place), instance, AsOf(as_of_of(place)))
    if done is None:
        raise AlertSettingsError(NOT_SET_UP)
    console.print(f"{done.sent} sent, {done.waiting} waiting")
    if done.errors:
        raise RunFailed("; ".join(f"{name}: {error}" for name, error in done.errors.items()))


@app.command()
def test(home: HomeOption = None) -> None:
    """Send a test message through every channel; exit code 1 if one does not take it."""
    settings = settings_of(_home(home))
    if settings is None:
        raise AlertSettingsError(NOT_SET_UP)
    now, failed = utc_now().isoformat(timespec="seconds"), []
    for channel in settings.channels:
        one = Message(f"test-{now}", channel.name, "test", "test", "note", "告警通道测试，无需处理",
                      "", now, now)  # fmt: skip
        try:
            send(channel, settings.site, [one])
        except NotSent as error:
            failed.append(channel.name)
            console.print(f"{channel.name}: not sent: {error}", style="red", highlight=False)
        else:
            console.print(f"{channel.name}: sent", highlight=False)
    if failed:
        raise RunFailed(f"not every channel took the test: {', '.join(failed)}")


@app.command("list")
def list_alerts(home: HomeOption = None) -> None:
    """What people were told of and lasts, what waits to be sent, and how the channels are."""
    place = _home(home)
    settings, book = settings_of(place), load(place)
    if settings is None:
        console.print(NOT_SET_UP, style="yellow")
    if not book.open:
        console.print("nothing is wrong that people were told of")
    for one in sorted(book.open.values(), key=lambda one: (one.since, one.key)):
        told = f"since {_clock(one.since)}, told {_clock(one.told_at)}"
        _say(f"{one.severity:<7}  {one.key}: {one.zh} ({told})")
    for name in [one.name for one in settings.channels] if settings else []:
        state, waiting = book.channels.get(name, {}), len(book.waiting(name))
        words = [f"last sent {_clock(state['sent_at'])}" if "sent_at" in state else "never used"]
        words += [f"{waiting} waiting"] if waiting else []
        words += (
            [f"failed {_clock(state['failed_at'])}: {state['error']}"] if "error" in state else []
        )
        _say(f"{name}: {', '.join(words)}")
    for one in book.outbox:
        _say(f"waiting for {one.channel}: {line(one)}")


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(CITY_TZ):%Y-%m-%d %H:%M}"


def _home(path: Path | None) -> Home:
    return Home(path.resolve() if path else default_home())
