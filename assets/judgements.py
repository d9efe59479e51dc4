"""By which rules rows are judged today, and by which those in quarantine were judged last.

Where the two differ, another verdict is possible and the rows are worth judging again; where they
agree it is not. Not here: judging again (`replaying.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import polars as pl

from assets.deliveries import Deliveries, deliveries_of_site
from assets.site_mappings import mappings_of
from quality.judged_by import contract_fingerprint
from schemas.feeds import BY_NAME
from schemas.mappings import Mapping as FileMapping
from schemas.replays import JUDGEMENTS, Judgement
from warehouse.builds import fingerprint
from warehouse.home import Home
from warehouse.lake import Lake, empty

_OF_NO_CONSEQUENCE = ("name", "feed", "files", "ignore")
"""What of a mapping does not change how a row it is for is judged."""


@dataclass(frozen=True)
class Rules:
    """What the site adds to the contracts: its mappings, and how its registers are delivered."""

    mappings: Sequence[FileMapping]
    deliveries: Deliveries

    def mapped(self, feed: str, file_name: str) -> bool:
        """Whether rows of a file are read through a mapping."""
        return bool(self._mappings(feed, file_name))

    def fingerprint(self, feed: str, file_name: str) -> str:
        """Digest of everything that decides how rows of a feed in a file are judged."""
        ways = [
            [repr(getattr(one, part.name)) for part in fields(one)
             if part.name not in _OF_NO_CONSEQUENCE]
            for one in self._mappings(feed, file_name)
        ]  # fmt: skip
        rules = (
            rule for rule in self.deliveries.rules
            if rule[0] == feed and fnmatchcase(file_name, rule[1])
        )  # fmt: skip
        return fingerprint(contract_fingerprint(BY_NAME[feed].contract), ways, next(rules, None))

    def _mappings(self, feed: str, file_name: str) -> list[FileMapping]:
        return [one for one in self.mappings if one.feed.name == feed and one.matches(file_name)]


def rules_of(home: Home) -> Rules:
    """The rules in force at a site.

    Raises:
        MappingError: a mapping cannot be used.
        SettingsError: the table of deliveries cannot.
    """
    return Rules(mappings_of(home), deliveries_of_site(home))


def judgements(batch_id: str, rules: Rules, judged: Iterable[tuple[str, str, str]]) -> pl.DataFrame:
    """Rows of `ops.judgements`: that some files were judged by the rules in force.

    Args:
        batch_id: The batch that judged them.
        rules: The rules in force.
        judged: Feed, file id and file name.
    """
    at = datetime.now(UTC)
    rows = [
        {"feed": feed, "file_id": file_id, "batch_id": batch_id, "judged_at": at,
         "judged_by": rules.fingerprint(feed, name)}
        for feed, file_id, name in judged
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=empty(Judgement).schema)


def due(
    lake: Lake, rules: Rules, feed: str, held: Iterable[str], names: Mapping[str, str]
) -> list[str]:
    """Files whose quarantined rows were judged by other rules than those in force.

    Args:
        lake: The lake.
        rules: The rules in force.
        feed: Their feed.
        held: Ids of files with rows in quarantine.
        names: File id → name in landing.
    """
    last = lake.book(JUDGEMENTS).filter(feed=feed).sort("judged_at").group_by("file_id").last()
    judged_by = dict(last.select("file_id", "judged_by").iter_rows())
    return sorted(
        one for one in held if judged_by.get(one) != rules.fingerprint(feed, names.get(one, ""))
    )
