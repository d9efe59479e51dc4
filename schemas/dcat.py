"""The catalogue of a release for data portals: DCAT 3 as JSON-LD.

Everything is told from the release's manifest. Addresses are relative to the catalogue, so that a
release can be moved as a whole. Terms: W3C DCAT 3 §6 (Catalog, Dataset, Distribution, Checksum).

Not here: the columns, which the contracts tell (`odcs.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PARQUET = "https://www.iana.org/assignments/media-types/application/vnd.apache.parquet"
_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


@dataclass(frozen=True)
class Publisher:
    """Whose data these are.

    Attributes:
        name: Name of the district.
        area_code: Its 6-digit code (GB/T 2260).
    """

    name: str
    area_code: str


def catalogue(manifest: Mapping[str, Any], publisher: Publisher) -> dict[str, Any]:
    """The catalogue of a release: every published data set with its sharing class.

    Args:
        manifest: `manifest.json` of the release.
        publisher: The district.
    """
    agent = {
        "@id": "#publisher",
        "@type": "foaf:Agent",
        "foaf:name": publisher.name,
        "dct:identifier": publisher.area_code,
    }
    return {
        "@context": _CONTEXT,
        "@id": "#catalogue",
        "@type": "dcat:Catalog",
        "dct:title": _both(f"{publisher.name}共享数据目录", "Catalogue of shared data sets"),
        "dct:identifier": manifest["release"],
        "dct:publisher": agent,
        "dct:modified": _typed(manifest["as_of"], "dateTime"),
        "dct:spatial": _place(publisher),
        "dct:language": ["zh", "en"],
        "dcat:dataset": [_dataset(t, manifest["as_of"], publisher) for t in manifest["tables"]],
    }


def _dataset(table: Mapping[str, Any], as_of: str, publisher: Publisher) -> dict[str, Any]:
    labels = "、".join(column["title"] for column in table["columns"])
    period = {} if table["first_day"] is None else {
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _typed(table["first_day"], "date"),
            "dcat:endDate": _typed(table["last_day"], "date"),
        }
    }  # fmt: skip
    return {
        "@id": f"#{table['table']}",
        "@type": "dcat:Dataset",
        "dct:identifier": table["table"],
        "dct:title": _both(table["title"], table["title_en"]),
        "dct:description": _both(f"{table['title']}：{labels}", f"One row is: {table['grain']}"),
        "dct:publisher": {"@id": "#publisher"},
        "dct:modified": _typed(as_of, "dateTime"),
        **period,
        "dct:spatial": _place(publisher),
        "dct:accessRights": {
            "@id": f"#sharing-{table['sharing_class']}",
            "@type": "dct:RightsStatement",
            "skos:prefLabel": _both(table["sharing"], table["sharing_class"]),
        },
        "dcat:version": table["version"],
        "dct:conformsTo": {"@id": table["contract"]},
        "dcat:keyword": [table["topic"]],
        "dcat:distribution": {
            "@type": "dcat:Distribution",
            "dcat:accessURL": {"@id": f"{table['folder']}/"},
            "dcat:mediaType": {"@id": PARQUET},
            "dcat:byteSize": _typed(str(table["bytes"]), "nonNegativeInteger"),
            "spdx:checksum": {
                "@type": "spdx:Checksum",
                "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                "spdx:checksumValue": _typed(table["sha256"], "hexBinary"),
            },
        },
    }


def _both(zh: str, en: str) -> list[dict[str, str]]:
    return [{"@value": zh, "@language": "zh"}, {"@value": en, "@language": "en"}]


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{kind}"}


def _place(publisher: Publisher) -> dict[str, Any]:
    return {"@type": "dct:Location", "dct:identifier": publisher.area_code,
            "skos:prefLabel": publisher.name}  # fmt: skip
