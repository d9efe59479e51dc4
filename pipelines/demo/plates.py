"""Plates of vehicles that exist only in 示范区, and how cameras misread them.

Random plates use one character of each group that cameras confuse, so two of them are never nearly
equal by chance: near-equal readings are planted, and known.
"""

from __future__ import annotations

import numpy as np

LETTERS = np.array(list("0123456789ACEFGHJKLMNPRUVWXY"))
MISREAD = {"0": "DQO", "8": "B", "1": "TI", "2": "Z", "5": "S"}
_NEW_ENERGY = np.array(list("FACEG"))


def random_plates(rng: np.random.Generator, count: int) -> np.ndarray:
    """Distinct plates: seven characters, one in eight with eight (new energy)."""
    new_energy = count // 8
    plain = _distinct(rng, len(LETTERS) ** 5, count - new_energy)
    green = _distinct(rng, len(_NEW_ENERGY) * len(LETTERS) * 10_000, new_energy)
    texts = np.char.add("闽D", _letters(plain))
    third, rest = np.divmod(green, len(LETTERS) * 10_000)
    fourth, digits = np.divmod(rest, 10_000)
    head = np.char.add(_NEW_ENERGY[third], LETTERS[fourth])
    tail = np.char.zfill(digits.astype(str), 4)
    both = np.concatenate([texts, np.char.add("闽D", np.char.add(head, tail))])
    return both[rng.permutation(count)]


def _distinct(rng: np.random.Generator, below: int, count: int) -> np.ndarray:
    found = np.unique(rng.integers(0, below, count + count // 4 + 50))
    while len(found) < count:  # a small range at a large scale
        found = np.unique(np.r_[found, rng.integers(0, below, count)])
    return rng.permutation(found)[:count]


def _letters(numbers: np.ndarray) -> np.ndarray:
    text = np.full(len(numbers), "", dtype="<U5")
    for _ in range(5):
        numbers, digit = np.divmod(numbers, len(LETTERS))
        text = np.char.add(text, LETTERS[digit])
    return text


def misread(rng: np.random.Generator, plate: str) -> str | None:
    """The plate with one character confused; None if it has none that cameras confuse here."""
    places = [n for n in range(2, 7) if plate[n] in MISREAD] if len(plate) == 7 else []
    if not places:
        return None
    at = places[int(rng.integers(len(places)))]
    other = MISREAD[plate[at]]
    return plate[:at] + other[int(rng.integers(len(other)))] + plate[at + 1 :]


def unread(rng: np.random.Generator, plate: str) -> str:
    """A plate with one character not read, or no plate at all."""
    if rng.random() < 0.5:
        return "无车牌"
    at = int(rng.integers(2, len(plate)))
    return plate[:at] + "-" + plate[at + 1 :]


def spelled(rng: np.random.Generator, plates: list[str]) -> list[str]:
    """Plates as different cameras write them: with a dot, a space, in lower case."""
    draw = rng.random(len(plates))
    found = []
    for plate, chance in zip(plates, draw.tolist(), strict=True):
        if plate == "无车牌" or chance > 0.13:
            found.append(plate)
        elif chance > 0.11:
            found.append(plate.lower())
        else:
            found.append(f"{plate[:2]}{'·' if chance > 0.01 else ' '}{plate[2:]}")
    return found


def mask(plate: str) -> str:
    """First two and last two characters of a read plate."""
    return f"{plate[:2]}***{plate[-2:]}"
