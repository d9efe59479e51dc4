"""The site's mappings, and the readers of a source's files with or without one."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from schemas.feeds import Feed
from schemas.mappings import FORMS, Mapping, MappingError, mapping_of
from warehouse.home import Home
from warehouse.landing import LandedFile, form_of, mapped_form_of
from warehouse.readers import Naming, Reader, UnreadableFile
from warehouse.readers.objects import ObjectReader
from warehouse.readers.shapes import GeoJsonReader
from warehouse.readers.tables import CsvReader, XlsxReader

FOLDER = "mappings"


def mappings_of(home: Home) -> list[Mapping]:
    """Every mapping of the site, in name order.

    Raises:
        MappingError: one of them cannot be used.
    """
    found = []
    for path in sorted((home.config / FOLDER).glob("*.y*ml")):
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())[:160]
            raise MappingError(
                f"config/{FOLDER}/{path.name}: not readable as YAML in UTF-8 ({reason}): mend the "
                "mapping, or take it away, and run again"
            ) from error
        found.append(mapping_of(path.stem, document))
    return found


class Readers:
    """Readers of the files of one source, each made once."""

    def __init__(self, feeds: tuple[Feed, ...], mappings: Sequence[Mapping] = ()) -> None:
        self.feeds = feeds
        self.mappings = [one for one in mappings if one.feed in feeds]
        self._made: dict[tuple[str, str | None], Reader] = {}

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

    def of(self, file: LandedFile) -> Reader:
        """The reader of a file, by its form and its mapping.

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
        key = (form, f"mapping {mapping.name}" if mapping else default)
        if key not in self._made:
            self._made[key] = _mapped(form, mapping) if mapping else self._usual(form, default)
        return self._made[key]

    def _usual(self, form: str, default: str | None) -> Reader:
        if form in ("ga1400", "ndjson"):
            return ObjectReader(self.feeds, default)
        return _TABLES[form](self.feeds[0])


_TABLES = {"csv": CsvReader, "xlsx": XlsxReader, "geojson": GeoJsonReader}


def _mapped(form: str, mapping: Mapping) -> Reader:
    """A reader that looks for the supplier's columns."""
    naming = Naming(
        mapping.wires,
        tuple(c for c in mapping.required if c in mapping.columns),
        frozenset(mapping.ignore),
        mapping.encoding,
    )
    if form == "ndjson":
        return ObjectReader([mapping.feed], mapping.feed.name, naming)
    return _TABLES[form](mapping.feed, naming)
