"""What registers need of silver.buildings: buildings found by code or address, and their count."""

import dagster as dg

from assets.building import Outcome, told
from quality.addresses import Buildings
from schemas import tables
from schemas.housing import BUILDING_BY
from schemas.tables import Table
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
BUILDINGS = tables.table("silver", "buildings")
_NEEDED = ["building_id", "address", "building_name", "community_code"]


def known_buildings(lake: Lake) -> Buildings:
    """The buildings of the lake."""
    return Buildings(lake.read(BUILDINGS, _NEEDED), lake.read(AREAS))


def content_of_buildings(lake: Lake) -> list[str]:
    """Digests of all that finding a building depends on."""
    return [builds.content_of(lake, AREAS), builds.content_of(lake, BUILDINGS)]


def told_with_buildings(lake: Lake, table: Table, outcome: Outcome) -> dg.MaterializeResult:
    """What a build did, and of how many rows the building was found, and by what."""
    result = told(outcome)
    ways = lake.read(table, ["building_by"])["building_by"]
    counts = {f"building_by_{way}": int((ways == way).sum()) for way in BUILDING_BY}
    return dg.MaterializeResult(metadata={**(result.metadata or {}), **counts})
