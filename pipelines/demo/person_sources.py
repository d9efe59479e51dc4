"""Records of invented people in four sources, and who is truly who.

The household register knows numbers well and telephones badly; visits see where people live now
but rarely a card; property companies know a telephone and a door; people who register themselves
know everything but hurry. Households share names, doors and telephones; there are twins, and
neighbours of one name. Nobody here exists: the region codes and telephones are not given out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, datetime

import numpy as np
import polars as pl

from pipelines.demo.person_habits import SOURCES, Habits
from pipelines.demo.person_names import given_characters, slipped, surnames

RECORDS_PER_PERSON = 2.42
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CHECK = np.array(list("10X98765432"))
_FIRST_DAY = date(1930, 1, 1)
Happens = Callable[[float], pl.Series]
_SLIPS = ("homophone", "nearly", "look", "wrong", "dropped", "swapped")
_SLIP_SHARES = (0.5, 0.1, 0.2, 0.1, 0.05, 0.05)


def person_records(
    records: int, seed: int = 1, as_of: date = date(2026, 1, 1), carelessness: float = 1.0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """About so many records of four sources, in no order.

    Args:
        records: How many records, within about one per cent.
        seed: Seed of all chance.
        as_of: City day the newest record is dated before.
        carelessness: Every share of gaps and slips is multiplied by it (up to 0.9).

    Returns:
        Records (`source, record_id, name, id_number, birth_date, sex, phone, community_code,
        building, unit, room, address, version_at`) and the truth (`source, record_id, person`).
    """
    rng = np.random.default_rng(seed)
    people = invented_people(rng, round(records / RECORDS_PER_PERSON), as_of)
    parts = [
        _of_source(rng, people, name, _careless(habits, carelessness), as_of)
        for name, habits in SOURCES.items()
    ]
    rows = pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=seed)
    return rows.drop("person"), rows.select("source", "record_id", "person")


def _careless(habits: Habits, times: float) -> Habits:
    slips = {
        field.name: min(0.9, times * getattr(habits, field.name))
        for field in fields(habits)
        if field.name not in {"covers", "again", "days_old"}
    }
    return replace(habits, **slips)


def invented_people(rng: np.random.Generator, count: int, as_of: date) -> pl.DataFrame:
    """Households of one to five; the third and later are children and bear the first one's name.

    Args:
        rng: Source of chance.
        count: How many people.
        as_of: City day by which all are born.

    Returns:
        `person, name, is_man, born` (days), `home`, `old_home`, `age`, `phone`, `old_phone`,
        `draw`, `birth_date`, `number`; a household stands together.
    """
    sizes = rng.choice([1, 2, 3, 4, 5], count, p=[0.25, 0.25, 0.28, 0.14, 0.08])
    home = np.repeat(np.arange(count), sizes)[:count]
    place = (np.arange(count) - np.searchsorted(home, home)).astype(np.int64)
    head = np.searchsorted(home, home)
    is_man = rng.random(count) < 0.5
    today = (as_of - _FIRST_DAY).days
    grown = rng.integers(0, today - 22 * 365, count)
    latest = np.minimum(grown[head] + 36 * 365, today - 30)
    child = rng.integers(grown[head] + 20 * 365, latest)
    partner = np.abs(grown[head] + rng.integers(-2500, 2500, count))
    youngest = today - 20 * 365
    partner = np.where(partner > youngest, 2 * youngest - partner, partner)
    born = np.select([place == 0, place == 1], [grown, partner], child)
    is_twin = (place >= 3) & (rng.random(count) < 0.04)
    born = np.where(is_twin, np.roll(born, 1), born)
    family = surnames(rng, count)
    family = np.where(place >= 2, family[head], family)
    first, second = (given_characters(rng, count, is_man) for _ in range(2))
    shares_one = (place >= 3) & (rng.random(count) < 0.35)
    first = np.where(shares_one, np.roll(first, 1), first)
    second = np.where((rng.random(count) < 0.15) & ~shares_one & ~is_twin, "", second)
    names = np.char.add(np.char.add(family, first), second)
    copied = rng.random(count) < 0.005
    names = np.where(copied, np.roll(names, 9), names)  # a near neighbour: homes are numbered so
    age = (today - born) / 365.25
    own = _numbered(rng.permutation(count), 10)
    has_own = (age > 13) & (age < 85) & (rng.random(count) < 0.97)
    phone = np.where(has_own, own, np.where(rng.random(count) < 0.8, own[head], ""))
    changed = rng.random(count) < 0.12
    moves = rng.random(count) < 0.15
    old_home = np.where(moves[head], (home + 7919) % (home[-1] + 1), home)
    old_phone = np.where(changed, _numbered(rng.permutation(count), 11), phone)
    people = pl.DataFrame(
        {
            "person": np.arange(count), "name": names, "is_man": is_man, "born": born,
            "home": home, "old_home": old_home, "age": age,
            "phone": phone, "old_phone": old_phone, "draw": rng.random(count),
        }
    ).with_columns(
        pl.lit(_FIRST_DAY).dt.offset_by(pl.format("{}d", "born")).alias("birth_date"),
        pl.col("phone", "old_phone").replace("", None),
    )  # fmt: skip
    return people.with_columns(number=_numbers(rng, people))


def _numbered(order: np.ndarray, prefix: int) -> np.ndarray:
    """Telephone-like texts of eleven digits that no network gives out."""
    scattered = order.astype(np.int64) * 104_729 % 999_999_937
    return np.char.add(str(prefix), np.char.zfill(scattered.astype(str), 9))


def _numbers(rng: np.random.Generator, people: pl.DataFrame) -> pl.Series:
    """Valid and distinct identity numbers (GB 11643) of regions that do not exist."""
    regions = np.array(["350299", "990101", "990203", "990502", "990908"])
    region = regions[rng.choice(5, len(people), p=[0.55, 0.15, 0.1, 0.1, 0.1])]
    order = people.select("born", "is_man", region=pl.Series(region)).with_columns(
        nth=pl.int_range(pl.len()).over("born", "is_man", "region")
    )
    if order["nth"].max() >= 499:  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
        raise ValueError(
            "more people born on one day than there are numbers: ask for fewer records"
        )
    nth = (order["nth"] * 37 + order["born"] * 211) % 499
    sequence = (nth * 2 + order["is_man"].cast(pl.Int64) + 2).to_numpy()
    body = np.char.add(
        np.char.add(region, people["birth_date"].dt.strftime("%Y%m%d").to_numpy().astype(str)),
        np.char.zfill(sequence.astype(str), 3),
    )
    digits = np.array([[int(c) for c in text] for text in body.tolist()])
    return pl.Series(np.char.add(body, _CHECK[digits @ _WEIGHTS % 11]))


def _of_source(
    rng: np.random.Generator, people: pl.DataFrame, source: str, habits: Habits, as_of: date
) -> pl.DataFrame:
    known = people.filter(pl.Series(rng.random(len(people)) < habits.covers))
    again = known.filter(pl.Series(rng.random(len(known)) < habits.again))
    rows = pl.concat([known, again])
    count = len(rows)

    def happens(share: float) -> pl.Series:
        return pl.Series(rng.random(count) < share)

    home = pl.when(happens(habits.address_old)).then("old_home").otherwise("home")
    minutes = pl.Series(rng.integers(60, habits.days_old * 1440, count)).cast(pl.Int64)
    newest = datetime(as_of.year, as_of.month, as_of.day)
    rows = rows.with_columns(
        source=pl.lit(source),
        record_id=pl.Series([f"{n:07d}" for n in rng.permutation(count).tolist()]),
        name=written_names(rng, rows["name"], happens(habits.name_slip)),
        id_number=_written_numbers(rng, rows, habits, happens),
        birth_date=written_births(rng, rows["birth_date"], habits, happens),
        sex=pl.when(happens(habits.sex_missing))
        .then(pl.lit("0"))
        .when(pl.col("is_man") ^ happens(habits.sex_slip))
        .then(pl.lit("1"))
        .otherwise(pl.lit("2")),
        phone=written_phones(rng, rows, habits, happens),
        at=home,
        minutes=minutes,
    )
    unit = pl.col("at") // 80 % 2 + 1
    floor, door = pl.col("at") // 4 % 20 + 1, pl.col("at") % 4 + 1
    return rows.select(
        "person", "source", "record_id", "name", "id_number", "birth_date", "sex", "phone",
        community_code=pl.format("350299001{}", (pl.col("at") // 4000 % 900 + 100).cast(pl.String)),
        building=pl.format("B{}", pl.col("at") // 160),
        unit=pl.when(~happens(habits.unit_missing)).then(unit.cast(pl.String)),
        room=pl.when(~happens(habits.door_missing)).then((floor * 100 + door).cast(pl.String)),
        address=pl.lit(None, dtype=pl.String),
        version_at=(pl.lit(newest) - pl.duration(minutes="minutes"))
        .dt.replace_time_zone("UTC").dt.cast_time_unit("us"),
    )  # fmt: skip


def written_names(rng: np.random.Generator, names: pl.Series, slips: pl.Series) -> pl.Series:
    """Names as written, those of `slips` with one slip each."""
    kinds = rng.choice(_SLIPS, len(names), p=_SLIP_SHARES).tolist()
    return pl.Series(
        [
            slipped(name, kind, rng) if slip else name
            for name, kind, slip in zip(names, kinds, slips, strict=True)
        ],
        dtype=pl.String,
    )


def _digit_slip(rng: np.random.Generator, text: str) -> str:
    """One digit wrong, or two neighbours transposed."""
    at = int(rng.integers(len(text) - 1))
    if rng.random() < 0.4 and text[at] != text[at + 1]:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    other = (int(text[at]) + int(rng.integers(1, 10))) % 10 if text[at].isdigit() else 0
    return text[:at] + str(other) + text[at + 1 :]


def _slips(rng: np.random.Generator, texts: pl.Series, slips: pl.Series) -> pl.Series:
    return pl.Series(
        [
            _digit_slip(rng, text) if slip and text else text
            for text, slip in zip(texts, slips, strict=True)
        ],
        dtype=pl.String,
    )


def _written_numbers(
    rng: np.random.Generator, rows: pl.DataFrame, habits: Habits, happens: Happens
) -> pl.Series:
    """Numbers as a clerk has them: missing, mistyped, in the old form."""
    number = pl.col("number")
    is_old = happens(habits.number_old) & (rows["birth_date"].dt.year() < 2000)
    known = rows.select(
        pl.when(happens(habits.number_missing))
        .then(None)
        .when(is_old)
        .then(number.str.slice(0, 6) + number.str.slice(8, 9))
        .otherwise(number)
    ).to_series()
    return _slips(rng, known, happens(habits.number_slip))


def written_births(
    rng: np.random.Generator, born: pl.Series, habits: Habits, happens: Happens
) -> pl.Series:
    """Birth dates as written: missing, day and month exchanged, a digit wrong, 1 January.

    Args:
        rng: Source of chance.
        born: Dates of birth.
        habits: How the source knows people.
        happens: Draws rows by share.
    """
    frame = pl.DataFrame({"born": born, "text": born.dt.strftime("%Y%m%d")})
    day_first = frame.select(
        (
            pl.col("text").str.slice(0, 4)
            + pl.col("text").str.slice(6, 2)
            + pl.col("text").str.slice(4, 2)
        ).str.to_date("%Y%m%d", strict=False)
    ).to_series()
    wrong = _slips(rng, frame["text"], happens(habits.birth_slip)).str.to_date(
        "%Y%m%d", strict=False
    )
    return frame.select(
        pl.when(happens(habits.birth_missing))
        .then(None)
        .when(happens(habits.birth_swapped))
        .then(pl.coalesce(day_first, "born"))
        .when(happens(habits.birth_defaulted))
        .then(pl.col("born").dt.truncate("1y"))
        .otherwise(pl.coalesce(wrong, "born"))
    ).to_series()


def written_phones(
    rng: np.random.Generator, rows: pl.DataFrame, habits: Habits, happens: Happens
) -> pl.Series:
    """Telephones as written: none, the one before, a digit wrong.

    Args:
        rng: Source of chance.
        rows: `phone` and `old_phone`.
        habits: How the source knows people.
        happens: Draws rows by share.
    """
    known = rows.select(
        pl.when(happens(habits.phone_missing))
        .then(None)
        .when(happens(habits.phone_old))
        .then("old_phone")
        .otherwise("phone")
    ).to_series()
    return _slips(rng, known, happens(habits.phone_slip))
