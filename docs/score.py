"""How far the model is from its targets: the recorded result of `make validate`, in the documents.

`python -m docs.score FOLDER` records the values by seed that `zerolimit validate --out FOLDER` left, in docs/targets.csv.
Table and figure are made from these values and from today's targets, so that nothing is counted twice.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from docs.declarations import HOME, table
from zerolimit.basics.wording import number_of, three_digits
from zerolimit.validation.figure import write
from zerolimit.validation.random_sets import share_at
from zerolimit.validation.targets import FITTED, HELD_OUT, Target, read_targets
from zerolimit.validation.validate import NOT_MEASURED, Row, Validation, judged

RECORD = HOME / "docs" / "targets.csv"
FIGURE = HOME / "docs" / "figures" / "targets.png"
DIGITS = ".6g"


def record(folder: Path) -> None:
    """Keep the values of a validation, and draw them."""
    import pandas as pd

    rows = pd.read_parquet(folder / "targets.parquet")
    seeds = pd.read_parquet(folder / "seeds.parquet").pivot(index=["id", "place"], columns="seed", values="value")
    with RECORD.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "place", "why", *map(str, seeds.columns)])
        for name, place, why in rows[["id", "place", "why"]].itertuples(index=False):
            known = seeds.loc[(name, place)].tolist() if (name, place) in seeds.index else []
            told = ["" if math.isnan(value) else format(value, DIGITS) for value in known]
            writer.writerow([name, place, "" if known else why, *(told or [""] * len(seeds.columns))])
    write(recorded(), FIGURE)


@cache
def recorded() -> Validation:
    """The recorded result, judged by today's targets."""
    targets = read_targets()
    with RECORD.open(encoding="utf-8", newline="") as file:
        _, _, _, *seeds = next(lines := csv.reader(file))
        known = {(name, place): (why, values) for name, place, why, *values in lines}
    rows = []
    for target in targets.rows:
        for place in (*target.markets, *target.proxies):
            why, told = known.get((target.id, place), ("not recorded yet; make validate", []))
            values = () if why else tuple(float(value) if value else math.nan for value in told)
            rows.append(judged(targets, target, place, counts(target, place), values, why))
    return Validation(targets, tuple(rows), tuple(map(int, seeds)))


def score() -> str:
    """Counts within tolerance: all, fitted, held out."""
    found = recorded()
    rows = []
    for part in (None, FITTED, HELD_OUT):
        one = found.score(part)
        every = Validation(
            found.targets, tuple(replace(row, counted=counts(row.target, row.place)) for row in found.rows), found.seeds
        ).score(part)
        counted, shown = f"{one.rows} of {one.of_rows}", f"{every.rows} of {every.of_rows}"
        rows.append((part or "all", counted, f"{one.groups} of {one.of_groups}", one.measured, shown))
    heads = ("groups", "counted rows within tolerance", "groups within tolerance", "counted rows that could be measured")
    return table((*heads, "within, with rows that most random sets have too"), rows)


def counts(target: Target, place: str) -> bool:
    """Whether a target would count in a place if no random sets had been drawn."""
    return target.counted and place in target.markets


def targets() -> str:
    """Every row: data, tolerance, model, verdict."""
    found = recorded()
    of = number_of(len(found.seeds), "seed")
    rows = []
    for group in found.targets.groups:
        good = found.groups.get(group)
        says = "shown" if good is None else ("passes" if good else "does not pass")
        rows.append((f"**{group}** ({found.targets.part(group)}): {says}", "", "", "", "", "", ""))
        rows += [described(row) for row in found.rows if row.target.group == group]
    return table(("target", "market", "data", "tolerance", f"model, {of}", "random sets within", "verdict"), rows)


def described(row: Row) -> tuple[str, ...]:
    """A row in words."""
    target, mean = row.target, row.over_seeds
    low, high = map(three_digits, target.tolerance)
    span = f"{low} to {high}" if low and high else (f"above {low}" if low else f"below {high}")
    half = "" if math.isnan(mean.low) else f" ± {three_digits(mean.high - mean.mean)}"
    chance = share_at(target, row.place)
    verdict = row.verdict if row.counted or row.verdict == NOT_MEASURED else f"({row.verdict})"
    return (
        f"{target.id}: {target.what}",
        row.place,
        "" if target.data is None else three_digits(target.data),
        span,
        f"{three_digits(mean.mean)}{half}",
        "" if chance is None else f"{chance:.0%}",
        f"{verdict}: {row.remark}" if row.remark else verdict,
    )


PARTS: dict[str, Callable[..., str]] = {part.__name__: part for part in (score, targets)}

if __name__ == "__main__":
    record(Path(sys.argv[1]))
