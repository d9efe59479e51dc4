"""The Fellegi-Sunter model that weighs pairs of records: what is compared, trained and scored.

Splink does the arithmetic in DuckDB, in memory. What is compared is written here; the weights
learnt from a sample are kept in `model.json` beside this file (`python -m tests.bench.resolving
train` writes it). The form is that of Fellegi and Sunter, "A theory for record linkage", JASA 64
(1969); a match weight is log2 of the odds.

Frequencies of names and telephones come from the records at hand, with the rest of a city assumed
unseen (`CITY`), so that a name is not common because only five people were asked about.

Not here: what a weight is enough for (`clusters.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, blocking_rule_library
from splink.internals.blocking_rule_creator import BlockingRuleCreator

from quality.resolution.records import BLOCKS

MODEL_FILE: Final = Path(__file__).parent / "model.json"
CITY: Final = 100_000
"""Records assumed to exist at least, seen or not."""

Level = tuple[str, str, str | None]
"""Word for the ledger, condition in SQL, column whose frequency counts."""

LEVELS: Final[dict[str, tuple[str, tuple[Level, ...]]]] = {
    "name": (
        "name_l is null or name_r is null",
        (
            ("same", "name_l = name_r", "name"),
            ("same_sound", "sound_l = sound_r", "sound"),
            ("look_alike", "look_l = look_r", None),
            ("near_sound", "near_l = near_r or damerau_levenshtein(latin_l, latin_r) = 1", None),
            (
                "character_moved",
                "list_contains(shorter_l, name_r) or list_contains(shorter_r, name_l)"
                " or (letters_l = letters_r and length(name_l) > 2)",
                None,
            ),
            (
                "few_letters_apart",
                "(shorter_l is not null and damerau_levenshtein(sound_l, sound_r) = 1)"
                " or jaro_winkler_similarity(latin_l, latin_r) >= 0.9"
                " or (latin_l is not null and latin_r is not null"
                " and damerau_levenshtein(letters_l, letters_r) <= 2)",
                None,
            ),
            ("other_character", "list_has_any(shorter_l, shorter_r)", None),
        ),
    ),
    "birth_date": (
        "born_l is null or born_r is null",
        (
            ("same", "born_l = born_r", None),
            ("day_and_month_swapped", "born_l = swapped_r", None),
            ("one_slip", "damerau_levenshtein(born_l, born_r) = 1", None),
            ("same_year", "birth_year_l = birth_year_r", None),
        ),
    ),
    "sex": (
        "sex_known_l is null or sex_known_r is null",
        (("same", "sex_known_l = sex_known_r", None),),
    ),
    "phone": (
        "phone_digits_l is null or phone_digits_r is null",
        (
            ("same", "phone_digits_l = phone_digits_r", "phone_digits"),
            ("one_slip", "damerau_levenshtein(phone_digits_l, phone_digits_r) = 1", None),
        ),
    ),
    "address": (
        "building_key_l is null or building_key_r is null",
        (
            ("same_dwelling", "dwelling_l = dwelling_r and coalesce(unit_l = unit_r, true)", None),
            ("same_building", "building_key_l = building_key_r", None),
        ),
    ),
    "number": (
        "coalesce(number_l, damaged_l) is null or coalesce(number_r, damaged_r) is null"
        " or (number_l is null) = (number_r is null)",
        (
            (
                "one_slip",
                "damerau_levenshtein(coalesce(number_l, damaged_l),"
                " coalesce(number_r, damaged_r)) = 1",
                None,
            ),
        ),
    ),
}  # fmt: skip
"""Per comparison: where it says nothing, then its levels from the strongest down; else: other."""

# A number damaged by one slip is never compared with itself among valid ones, so these two cannot
# be learnt from them. Most slips are single (0.95). Of two people born on one day in one region,
# about 2 in 1,000 have numbers one slip apart, given the three digits of the sequence.
_NUMBER_M: Final = (0.95, 0.05)
_NUMBER_U: Final = (0.002, 0.998)

_RAREST_M: Final = 1e-4
_RAREST_U: Final = 1e-7
_COMPARED: Final = (
    "row", "name", "latin", "letters", "shorter", "sound", "look", "near", "born",
    "swapped", "birth_year", "sex_known",
    "phone_digits", "building_key", "dwelling", "unit", "number", "damaged",
    *(f"key_{name}" for name in BLOCKS),
)  # fmt: skip
_FREQUENT: Final = ("name", "sound", "phone_digits")


@dataclass(frozen=True)
class Model:
    """Settings of Splink with their weights, and what a weight is enough for.

    Attributes:
        splink: Splink's own settings, as it saves them.
        matches_per_record: How many other records of the same person a record has, on average;
            with the number of records this makes the prior.
        join_weight: Match weight (log2 odds) from which two records are one person.
        ask_weight: Weight from which a pair is noted for people to look at.
        made_by: What it was trained on.
    """

    splink: dict[str, Any]
    matches_per_record: float
    join_weight: float
    ask_weight: float
    made_by: str


def load_model(path: Path = MODEL_FILE) -> Model:
    """The model kept in the repository, or a site's own."""
    return Model(**json.loads(path.read_text(encoding="utf-8")))


def settings() -> SettingsCreator:
    """What is compared and where candidates are looked for, without weights."""
    rules: list[BlockingRuleCreator | dict[str, Any]] = [
        blocking_rule_library.CustomRule(
            f"l.key_{name} = r.key_{name} and (l.number is null or r.number is null)",
            sql_dialect="duckdb",
        )
        for name in BLOCKS
    ]
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="row",
        comparisons=[_comparison(name) for name in LEVELS],
        blocking_rules_to_generate_predictions=rules,
        retain_matching_columns=True,  # else Splink drops the levels too, which make the reasons
        retain_intermediate_calculation_columns=False,
        linker_uid="govlake",
    )


def _comparison(name: str) -> cl.CustomComparison:
    says_nothing, levels = LEVELS[name]
    made: list[Any] = [cll.CustomLevel(says_nothing, "says_nothing").configure(is_null_level=True)]
    for word, condition, frequency in levels:
        level = cll.CustomLevel(condition, word)
        if frequency:
            level.configure(tf_adjustment_column=frequency, disable_tf_exact_match_detection=True)
        made.append(level)
    made.append(cll.ElseLevel())
    if name == "number":
        for level, m, u in zip(made[1:], _NUMBER_M, _NUMBER_U, strict=True):
            level.configure(
                m_probability=m, u_probability=u, fix_m_probability=True, fix_u_probability=True
            )
    return cl.CustomComparison(made, output_column_name=name)


def score(
    own: pl.DataFrame,
    model: Model,
    *,
    threads: int | None = None,
    memory_gib: float = 3.0,
) -> pl.DataFrame:
    """Weights of all candidate pairs of which at least one record has no valid number.

    Args:
        own: Records of `records.comparable`.
        model: Weights to use.
        threads: Threads of the engine; None: all cores. The result does not depend on it.
        memory_gib: Memory of the engine. It never spills to disk: names would lie there.

    Returns:
        `row_a < row_b`, `weight`, `probability` and one column per comparison with its word,
        ordered by rows; pairs below the weight to ask about are left out.
    """
    said = dict(model.splink)
    said["probability_two_random_records_match"] = min(
        0.5, model.matches_per_record / max(own.height, CITY)
    )
    with _engine(threads, memory_gib) as engine:
        linker = _linker(engine, own, said)
        found = linker.inference.predict(
            threshold_match_weight=model.ask_weight, warning_mode="never"
        )
        levels = ", ".join(f"gamma_{name}" for name in LEVELS)
        pairs = pl.DataFrame(
            found.as_duckdbpyrelation()
            .select(f"row_l, row_r, match_weight, match_probability, {levels}")
            .to_arrow_table()
        )
    return pairs.select(
        pl.col("row_l").cast(pl.UInt32).alias("row_a"),
        pl.col("row_r").cast(pl.UInt32).alias("row_b"),
        pl.col("match_weight").round(6).alias("weight"),
        pl.col("match_probability").alias("probability"),
        *(_word(name) for name in LEVELS),
    ).sort("row_a", "row_b")


def _word(name: str) -> pl.Expr:
    """Splink numbers levels from the strongest down to 0 (other), and -1 for what says nothing."""
    levels = LEVELS[name][1]
    words = {len(levels) - at: word for at, (word, _, _) in enumerate(levels)}
    words |= {0: "other", -1: "unknown"}
    return (
        pl.col(f"gamma_{name}")
        .cast(pl.Int64)
        .replace_strict(words, return_dtype=pl.String)
        .alias(name)
    )


def train(own: pl.DataFrame, *, seed: int = 1, pairs: float = 5e6) -> tuple[dict[str, Any], float]:
    """Learn weights from records, with no hand-made labels.

    Chance agreement comes from random pairs; agreement of one person's records from those that
    carry the same valid identity number, which are as good as labelled. A site can therefore train
    on its own records.

    Args:
        own: Records of `records.comparable`.
        seed: Seed of the sample.
        pairs: Random pairs to look at.

    Returns:
        Splink's settings with weights, and the records of the same person a record has besides.
    """
    with _engine(None, 3.0) as engine:
        linker = _linker(engine, own, settings())
        linker.training.estimate_u_using_random_sampling(
            pairs, seed=seed, min_count_per_level=None, num_chunks=4
        )
        linker.training.estimate_m_from_label_column("number")
        said = linker.misc.save_model_to_json()
    for comparison in said["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):  # what a sample never shows is rare, not impossible
                level["m_probability"] = max(level.get("m_probability") or 0.0, _RAREST_M)
                level["u_probability"] = max(level.get("u_probability") or 0.0, _RAREST_U)
    sizes = own.drop_nulls("number").group_by("number").len()["len"].to_numpy().astype(float)
    others = float((sizes * (sizes - 1)).sum() / sizes.sum())
    return said, others


@contextmanager
def _engine(threads: int | None, memory_gib: float) -> Iterator[DuckDBAPI]:
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET temp_directory = ''")
        connection.execute(f"SET memory_limit = '{memory_gib:g}GiB'")
        connection.execute("SET enable_progress_bar = false")
        if threads:
            connection.execute(f"SET threads = {threads}")
        yield DuckDBAPI(connection)
    finally:
        connection.close()


def _linker(engine: DuckDBAPI, own: pl.DataFrame, said: SettingsCreator | dict[str, Any]) -> Linker:
    records = engine.register(own.select(_COMPARED).to_arrow(), dataset_display_name="records")
    linker = Linker(records, said, log_level=None)
    for column in _FREQUENT:
        frequencies = (
            own.drop_nulls(column)
            .group_by(column)
            .len()
            .sort(column)
            .select(column, (pl.col("len") / max(own.height, CITY)).alias(f"tf_{column}"))
        )
        linker.table_management.register_term_frequency_lookup(
            engine.register(frequencies.to_arrow()), column
        )
    return linker
