"""Standard addresses 标准地址: read, written in one form, found in a register of buildings.

`parse` takes addresses apart, `standard` writes them in one canonical line, `match` finds the
building and the dwelling in a register, `Buildings.find` the building of every row that names one
by code or address.

Sources: components and their order GB/T 35639-2017 地址模型 6.3 (a transcription was read); codes
of address elements GA/T 2000.32-2014 (an extract was read), both in `codes/address_levels.csv`. The
suffixes 幢, 单元, 层, 室 of the canonical line are our choice: the standard's examples use several.
Of GB/T 41427 no text was found and nothing here claims to follow it.
"""

from quality.addresses.buildings import AddressWords, Buildings
from quality.addresses.keys import matching_key, standard
from quality.addresses.levels import SCHEMA, parse
from quality.addresses.marks import LEVELS, Gazetteer
from quality.addresses.register import MATCHED_BY, REASONS, match, match_levels

__all__ = [
    "LEVELS",
    "MATCHED_BY",
    "REASONS",
    "SCHEMA",
    "AddressWords",
    "Buildings",
    "Gazetteer",
    "match",
    "match_levels",
    "matching_key",
    "parse",
    "standard",
]
