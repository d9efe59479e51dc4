"""The site's mappings and database sources, and the readers of files with or without one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import yaml

from schemas.feeds import Feed
from schemas.mappings import FORMS, Mapping, MappingError, mapping_of
from schemas.sources import Source, source_of
from warehouse.home import Home
from warehouse.landing import LandedFile, form_of, mapped_form_of
from warehouse.readers import Naming, Reader, UnreadableFile, usual_naming
from warehouse.readers.objects import ObjectReader
from warehouse.readers.shapes import GeoJsonReader
from warehouse.readers.tables import CsvReader, XlsxReader

FOLDER = "mappings"
SOURCES_FOLDER = "sources"


def mappings_of(home: Home) -> list[Mapping]:
    """Every mapping of the site in name order, then those of its database sources.

    Raises:
        MappingError: one of them cannot be used.
    """
    own = [mapping_of(name, document) for name, document in _documents(home, FOLDER)]
    return own + [source.mapping for source in sources_of(home)]


def sources_of(home: Home) -> list[Source]:
    """Every database source of the site, in name order.

    Raises:
        MappingError: one of them cannot be used.
    """
    return [source_of(name, document) for name, document in _documents(home, SOURCES_FOLDER)]


def _documents(home: Home, folder: str) -> Iterator[tuple[str, Any]]:
    """Name and content of the YAML files of a folder of the site's settings.

    Raises:
        MappingError: one is not readable; its text is not quoted, it could hold a password.
    """
    for path in sorted((home.config / folder).glob("*.y*ml")):
        try:
            yield path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise MappingError(
                f"config/{folder}/{path.name}: not readable as YAML in UTF-8 "
                f"({type(error).__name__}{where}): mend it, or take it away, and run again"
            ) from None


class Readers:
    """Readers of the files of one source, each made once."""

    def __init__(self, feeds: tuple[Feed, ...], mappings: Sequence[Mapping] = ()) -> None:
        self.feeds = feeds
        self.mappings = [one for one in mappings if one.feed in feeds]
        self._made: dict[tuple[object, ...], Reader] = {}

    def mapping_of(self, file: LandedFile) -> Mapping | None:
        """The mapping a file is for.

        Raises:
            UnreadableFile: several claim it.
        """
        found = [one for one in self.mappings if one.matches(file.name)]
        if len(found) > 1:
            names = ", ".join(one.name for one in found)
            raise UnreadableFile(f"several mappings are for this file: {names}; let one claim it")
        return found[0] if found else None

    def of(self, file: LandedFile, may_lack: Collection[str] = ()) -> Reader:
        """The reader of a file, by its form and its mapping.

        Args:
            file: A landing file of the source.
            may_lack: Columns the file need not bring though the contract asks for them.

        Raises:
            UnreadableFile: no feed of this folder takes such files.
        """
        mapping = self.mapping_of(file)
        form = mapped_form_of(file.path, FORMS) if mapping else form_of(file.path, self.feeds)
        if form is None:
            own = {form for feed in self.feeds for form in feed.forms}
            forms = ", ".join(FORMS if mapping else sorted(own))
            raise UnreadableFile(f"no reader for this kind of file; expected: {forms}")
        folder = file.name.split("/", 1)[0]
        default = folder if folder in {f.name for f in self.feeds} else None
        key = (form, f"mapping {mapping.name}" if mapping else default, *sorted(may_lack))
        if key not in self._made:
            self._made[key] = (
                _mapped(form, mapping, may_lack)
                if mapping
                else self._usual(form, default, may_lack)
            )
        return self._made[key]

    def _usual(self, form: str, default: str | None, may_lack: Collection[str]) -> Reader:
        if form in ("ga1400", "ndjson"):
            return ObjectReader(self.feeds, default)
        return _TABLES[form](self.feeds[0], usual_naming(self.feeds[0]).without(may_lack))


_TABLES = {"csv": CsvReader, "xlsx": XlsxReader, "geojson": GeoJsonReader}


def _mapped(form: str, mapping: Mapping, may_lack: Collection[str]) -> Reader:
    """A reader that looks for the supplier's columns."""
    naming = Naming(
        mapping.wires,
        tuple(c for c in mapping.required if c in mapping.columns),
        frozenset(mapping.ignore),
        mapping.encoding,
    ).without(may_lack)
    if form == "ndjson":
        return ObjectReader([mapping.feed], mapping.feed.name, naming)
    return _TABLES[form](mapping.feed, naming)
