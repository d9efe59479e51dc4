"""GA/T 1400 messages taken apart: posts, notifications, lists of either, down to single objects.

A message that holds a watch-list entry (布控) is refused whole. Fields of the wrappers are counted
by name; their values are never kept. Not here: reading the objects' own fields (`objects.py`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import polars as pl

from schemas import protection
from warehouse.readers import Broken
from warehouse.readers.texts import count_name, field_name, scalar

ID_FIELDS = {
    "FaceID": "Face",
    "MotorVehicleID": "MotorVehicle",
    "NonMotorVehicleID": "NonMotorVehicle",
}
"""Id field → object name."""

_WATCH_LIST_MARKER = b'"Disposition'
_MARKERS = (b'ListObject"', b'ObjectList"', _WATCH_LIST_MARKER)
_BARE_STARTS = {f'{{"{name}":'.encode(): kind for name, kind in ID_FIELDS.items()}
# They begin with the line break itself: an alternative for the start of text costs 20 times more.
_FIRST_LIST = re.compile(rb"[ \t\r]*\[")
_NEXT_LIST = re.compile(rb"\n[ \t\r]*\[")
_WATCH_LIST = frozenset(protection.WATCH_LIST_FIELDS)
_ODD_FIRSTS = np.frombuffer(b"[ \t\r\v\f", np.uint8)
# In this order objects of one message are numbered, however its writer ordered the lists.
_LIST_ORDER = ("FaceListObject", "FaceObjectList", "MotorVehicleListObject",
               "MotorVehicleObjectList", "NonMotorVehicleListObject",
               "NonMotorVehicleObjectList")  # fmt: skip
_WRAPPERS = {*_LIST_ORDER, "SubscribeNotificationListObject", "SubscribeNotificationObject"}
_DEEPEST_WRAPPER = 8
# Deeper than any object is taken from, counting the lists between wrappers.
_DEEPEST_WATCH_LIST = 3 * _DEEPEST_WRAPPER

_RAW = msgspec.json.Decoder(msgspec.Raw)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])

BROKEN = object()
"""What `parsed` gives for text that is no JSON."""


@dataclass
class Objects:
    """Objects of one feed taken out of messages, as JSON text, in the order they were met."""

    texts: list[bytes] = field(default_factory=list)
    row_numbers: list[int] = field(default_factory=list)
    item_numbers: list[int] = field(default_factory=list)
    trigger_times: list[str | None] = field(default_factory=list)

    def add(self, text: bytes, row_number: int, item_number: int, trigger: str | None) -> None:
        """Add one object."""
        self.texts.append(text)
        self.row_numbers.append(row_number)
        self.item_numbers.append(item_number)
        self.trigger_times.append(trigger)


@dataclass
class Taken:
    """What messages gave: objects by feed, and what was wrong with them."""

    objects: dict[str, Objects] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    refused: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


@dataclass
class _Found:
    """An object where it was met, not yet looked at."""

    kind: str
    value: Any
    trigger_time: str | None


@dataclass(frozen=True)
class Opener:
    """Takes messages apart for the feeds of one source.

    A message is walked as raw JSON text, level by level: the objects in it are never parsed here.

    Attributes:
        feed_of_kind: Object name (`Face`) → feed; empty where objects never come in messages.
        default: Feed of what cannot be told.
    """

    feed_of_kind: Mapping[str, str]
    default: str

    def take_apart(self, document: Any, number: int, taken: Taken) -> None:
        """Objects of a message, numbered in the order above; a watch-list message is refused.

        Args:
            document: What `understood` gave.
            number: Line of the message in its file.
            taken: Takes what is found.
        """
        if _may_hold_watch_list(document) and holds_watch_list(_loaded(document)):
            taken.refused += 1
            return
        found: list[_Found] = []
        messages = _elements(document)
        for message in [document] if messages is None else messages:
            self._collect(message, None, 0, found, taken)
        if not found:
            taken.broken.append(Broken(self.default, number, 1, "a message without objects"))
        for item, one in enumerate(found, start=1):
            feed = self.feed_of_kind.get(one.kind, self.default)
            text = _as_text(one.value)
            if text is None:
                taken.broken.append(Broken(feed, number, item, "not a JSON object"))
                continue
            objects = taken.objects.setdefault(feed, Objects())
            objects.add(text, number, item, one.trigger_time)

    def _collect(
        self, message: Any, trigger: str | None, depth: int, found: list[_Found], taken: Taken
    ) -> None:
        """Walk one message: wrappers, notifications, object lists, or the object itself."""
        members = _members(message)
        if members is None or depth > _DEEPEST_WRAPPER:
            found.append(_Found("", None, trigger))
            return
        own_kind = next((kind for key, kind in ID_FIELDS.items() if key in members), "")
        if own_kind or not self.feed_of_kind:
            found.append(_Found(own_kind, message, trigger))
            return
        if "TriggerTime" in members:
            trigger = scalar(_loaded(members["TriggerTime"])) or trigger
        for name in (*filter(members.__contains__, _LIST_ORDER), *_others(members)):
            kind = name.removesuffix("Object") if name.endswith("Object") else ""
            if kind in self.feed_of_kind:
                found += [_Found(kind, one, trigger) for one in _listed(members[name])]
            elif name in protection.dropped_fields():
                taken.dropped[name] += 1
            elif name in _WRAPPERS:
                for one in _listed(members[name]):
                    self._collect(one, trigger, depth + 1, found, taken)
            elif name not in protection.known_fields():
                count_name(taken.unknown, field_name(name))

    def feed_of(self, text: str) -> str:
        """The feed a line most likely belongs to, by the id field its text mentions."""
        for id_field, kind in ID_FIELDS.items():
            if f'"{id_field}"' in text and kind in self.feed_of_kind:
                return self.feed_of_kind[kind]
        return self.default


def holds_messages(
    data: bytes, offsets: np.ndarray | None = None, begins_as: str | None = None
) -> bool:
    """Whether any line of a block may be more than one bare object.

    Args:
        data: Whole lines.
        offsets: Where every line begins, where that is known; saves a search of the whole block.
        begins_as: `bare_kind` of the block, where it has one.
    """
    if begins_as:
        return _WATCH_LIST_MARKER in data
    if any(marker in data for marker in _MARKERS) or _FIRST_LIST.match(data):
        return True
    if offsets is None:
        return bool(_NEXT_LIST.search(data))
    firsts = np.frombuffer(data, np.uint8)[offsets[:-1]]
    odd = offsets[np.flatnonzero(np.isin(firsts, _ODD_FIRSTS))]
    return any(_FIRST_LIST.match(data, start) for start in odd.tolist())


def bare_kind(data: bytes, offsets: np.ndarray) -> str | None:
    """The kind of object every line begins as, with the id of that kind; None where lines differ.

    Args:
        data: Whole lines.
        offsets: Where every line begins, and where the last one ends.
    """
    starts = offsets[:-1]
    own = next((start for start in _BARE_STARTS if data.startswith(start)), None)
    if own is None or len(data) < len(own) + int(starts[-1]):
        return None
    text = np.frombuffer(data, np.uint8)
    is_own = all((text[starts + n] == byte).all() for n, byte in enumerate(own))
    return _BARE_STARTS[own] if is_own else None


def may_be_message(line: pl.Expr) -> pl.Expr:
    """The same question of every line of a block by itself."""
    marked = [line.str.contains(marker.decode(), literal=True) for marker in _MARKERS]
    return pl.any_horizontal(*marked, line.str.contains(r"^[ \t\r]*\["))


def understood(data: bytes) -> Any:
    """A JSON text to be taken apart: raw, or parsed where only the lenient parser reads it.

    Returns:
        `msgspec.Raw`, a Python value, or `BROKEN`.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        data = data.decode("utf-8", "replace").encode()
    try:
        return _RAW.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return parsed(data)


def parsed(data: bytes) -> Any:
    """JSON, or `BROKEN`. Bytes that are no UTF-8 spoil only the text they stand in."""
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return BROKEN


def holds_watch_list(document: Any, depth: int = 0) -> bool:
    """Whether a disposition (布控) stands anywhere in the outer levels of a message."""
    if isinstance(document, dict):
        if not _WATCH_LIST.isdisjoint(document):
            return True
        values = document.values()
    else:
        values = document if isinstance(document, list) else ()
    return depth <= _DEEPEST_WATCH_LIST and any(
        holds_watch_list(value, depth + 1) for value in values if isinstance(value, (dict, list))
    )


def _may_hold_watch_list(document: Any) -> bool:
    """Whether it is worth looking: every such name begins alike, unless written in escapes."""
    if not isinstance(document, msgspec.Raw):
        return True
    text = bytes(document)
    return b"Disposition" in text or b"\\u" in text


def _loaded(value: Any) -> Any:
    """A raw value as Python objects."""
    return parsed(bytes(value)) if isinstance(value, msgspec.Raw) else value


def _members(value: Any) -> Mapping[str, Any] | None:
    """Names and values of an object; None for anything else."""
    value = _opened(value, b"{", _OBJECT)
    return value if isinstance(value, dict) else None


def _elements(value: Any) -> list[Any] | None:
    """Elements of a list; None for anything else."""
    value = _opened(value, b"[", _LIST)
    return value if isinstance(value, list) else None


def _opened(value: Any, bracket: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """A raw container one level down; other values, and what is nested too deep, as they are."""
    if not isinstance(value, msgspec.Raw) or _first(value) != bracket:
        return value
    try:
        return decoder.decode(value)
    except RecursionError:
        return value


def _first(raw: msgspec.Raw) -> bytes:
    return bytes(memoryview(raw)[:1])


def _others(members: Mapping[str, Any]) -> Iterable[str]:
    return (name for name in members if name not in _LIST_ORDER)


def _as_text(value: Any) -> bytes | None:
    """JSON text of an object; ASCII where written anew, for half a surrogate pair has no UTF-8."""
    if isinstance(value, msgspec.Raw):
        text = bytes(value)
        return text if text.startswith(b"{") else None
    if not isinstance(value, dict):
        return None
    try:
        return json.dumps(value, separators=(",", ":")).encode("ascii")
    except RecursionError:
        return None


def _listed(value: Any) -> list[Any]:
    """A list as it is; one thing as a list of one; nothing as nothing."""
    if value is None or (isinstance(value, msgspec.Raw) and bytes(value) == b"null"):
        return []
    several = _elements(value)
    return [value] if several is None else several
