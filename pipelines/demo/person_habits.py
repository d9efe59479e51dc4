"""How well four sources know people: shares of their records with gaps and slips. All invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Habits:
    """How a source knows people. Shares of its records, 0 to 1.

    Attributes:
        covers: People it knows at all; `again`: of these, met twice.
        number_missing: No identity number; `number_slip`: a digit wrong or two transposed;
            `number_old`: written in the 15-digit form (births before 2000).
        name_slip: Name written with one slip.
        birth_missing: No birth date; `birth_swapped`: day and month exchanged (where that is a
            date); `birth_slip`: a digit wrong; `birth_defaulted`: 1 January of the year.
        sex_missing: Sex 0; `sex_slip`: the other one.
        phone_missing: No telephone; `phone_slip`: a digit wrong; `phone_old`: of changed ones.
        address_old: Of those who moved, still at the old door; `unit_missing`, `door_missing`.
        days_old: Oldest record.
    """

    covers: float
    again: float = 0.0
    number_missing: float = 0.0
    number_slip: float = 0.0
    number_old: float = 0.0
    name_slip: float = 0.0
    birth_missing: float = 0.0
    birth_swapped: float = 0.0
    birth_slip: float = 0.0
    birth_defaulted: float = 0.0
    sex_missing: float = 0.0
    sex_slip: float = 0.0
    phone_missing: float = 0.0
    phone_slip: float = 0.0
    phone_old: float = 0.0
    address_old: float = 0.0
    unit_missing: float = 0.0
    door_missing: float = 0.0
    days_old: int = 1000


SOURCES = {
    "population_household": Habits(
        0.70, number_missing=0.005, number_old=0.03, name_slip=0.005, birth_slip=0.001,
        phone_missing=0.45, phone_slip=0.005, phone_old=0.8, address_old=0.8, days_old=3000,
    ),
    "population_visits": Habits(
        0.85, again=0.08, number_missing=0.25, number_slip=0.02, number_old=0.01, name_slip=0.05,
        birth_missing=0.12, birth_swapped=0.01, birth_slip=0.015, birth_defaulted=0.01,
        sex_missing=0.02, sex_slip=0.006, phone_missing=0.15, phone_slip=0.015, phone_old=0.15,
        address_old=0.02, unit_missing=0.05, door_missing=0.01, days_old=700,
    ),
    "population_property": Habits(
        0.47, number_missing=0.7, number_slip=0.02, name_slip=0.04, birth_missing=0.55,
        birth_slip=0.01, sex_missing=0.3, sex_slip=0.01, phone_missing=0.03, phone_slip=0.01,
        phone_old=0.3, address_old=0.1, unit_missing=0.1, days_old=1500,
    ),
    "population_self": Habits(
        0.31, number_missing=0.08, number_slip=0.02, name_slip=0.015, birth_missing=0.05,
        birth_swapped=0.015, birth_slip=0.01, birth_defaulted=0.02, sex_missing=0.01,
        sex_slip=0.003, phone_missing=0.01, phone_slip=0.005, phone_old=0.02, address_old=0.03,
        unit_missing=0.15, door_missing=0.03, days_old=400,
    ),
}  # fmt: skip
