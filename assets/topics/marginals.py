"""Counting persons one attribute at a time: no cross-tabulation of persons is ever made.

A table of marginals holds a row per community, attribute and category. Adding up the categories of
one attribute gives everybody; adding up attributes counts people twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import Deferred, _

from schemas.persons import UNKNOWN

UNKNOWN_ZH = "未填写"


@dataclass(frozen=True)
class Attribute:
    """What persons are counted by.

    Attributes:
        column: The silver column; also the value of `counted_by`.
        names: Code → Chinese name.
        rows: Those it applies to.
    """

    column: str
    names: Mapping[str, str]
    rows: ir.Table


def count_by(attributes: Iterable[Attribute], **more: Deferred) -> ir.Table:
    """Persons by community and by each attribute on its own.

    Args:
        attributes: What to count by.
        more: Further sums over the same rows.

    Returns:
        `community_code, counted_by, category, category_name, person_count` and `more`.
    """
    return ibis.union(*(_counted(one, more) for one in attributes))


def _counted(one: Attribute, more: Mapping[str, Deferred]) -> ir.Table:
    category = _[one.column].fill_null(UNKNOWN)
    own = one.rows.mutate(counted_by=ibis.literal(one.column), category=category)
    counted = own.group_by("community_code", "counted_by", "category").aggregate(
        person_count=_.count(), **more
    )
    return counted.mutate(category_name=_.category.cases(*one.names.items(), else_=UNKNOWN_ZH))


def only(attribute: str, *categories: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The `where` of a metric summed over one attribute of a table of marginals, all if none."""
    by = (("counted_by", (attribute,)),)
    return (*by, ("category", categories)) if categories else by
