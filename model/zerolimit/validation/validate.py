"""`zerolimit.validate`: every target measured in its markets over seeds, beside the data, in tolerance or not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput
from zerolimit.basics.progress import Progress
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import number_of
from zerolimit.engine.registry import AUTO
from zerolimit.parameters.scenario import takes_parameters
from zerolimit.study.intervals import Interval, as_seeds, interval
from zerolimit.validation.measured import all_values
from zerolimit.validation.places import Asked, asked_in, checked, places_of, wanted_in
from zerolimit.validation.random_sets import MOST, share_of
from zerolimit.validation.targets import Target, Targets, read_targets, targets_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SEEDS = 20
WITHIN, OUTSIDE, WRONG_ORDER, NO_INTERVAL = "within", "outside", "wrong order", "no interval"
NOT_MEASURED = "not measured"
LEAST_MEASURED = 0.5
"""Of the seeds, in which a row must be measured: a mean over fewer says little of its market."""
NOTHING_THERE = "nothing to measure it on: no such borrowers, or too few months"
TWO_THIRDS = 2.0 / 3.0
"""Of its counted rows, what a group must have within tolerance to pass."""


@dataclass(frozen=True)
class Row:
    """A target in one place: its value with each seed, or why there is none."""

    target: Target
    place: str
    part: str
    counted: bool
    values: tuple[float, ...] = ()
    why: str = ""
    random: float | None = None
    """Of random parameter sets, the share within tolerance in all markets of the target; None where it is not known."""

    @cached_property
    def known(self) -> tuple[float, ...]:
        """The values that there are; seeds in which nothing could be measured are left out of the mean."""
        return tuple(value for value in self.values if math.isfinite(value))

    @property
    def measured(self) -> bool:
        """Whether it could be, in half of the seeds at least."""
        return bool(self.known) and len(self.known) >= LEAST_MEASURED * len(self.values)

    @cached_property
    def over_seeds(self) -> Interval:
        """Mean over seeds with its 95 % interval."""
        return interval(self.known) if self.measured else Interval(math.nan, math.nan, math.nan)

    @cached_property
    def verdict(self) -> str:
        """Whether the mean lies within tolerance; of order, whether the whole interval lies on the right side too.

        One seed has no interval, so a row of order that it has on the right side neither passes nor fails.
        """
        if not self.measured:
            return NOT_MEASURED
        mean, (low, high) = self.over_seeds.mean, self.target.tolerance
        null = self.target.null
        if null is not None:
            upper = high > null
            ends = [end for end in (self.over_seeds.low, self.over_seeds.high, mean) if not math.isnan(end)]
            if (min(ends) <= null) if upper else (max(ends) >= null):
                return WRONG_ORDER
            if len(self.known) == 1 and low <= mean <= high:
                return NO_INTERVAL
        return WITHIN if low <= mean <= high else OUTSIDE

    @property
    def remark(self) -> str:
        """Why there is no verdict, or what it rests on where not on all seeds; and whether chance would do as well."""
        chance = "" if self.random is None or self.random <= MOST else f"{self.random:.0%} of random parameter sets pass"
        return "; ".join(filter(None, (self._of_seeds, chance and f"{chance}: shown, not counted")))

    @property
    def _of_seeds(self) -> str:
        if self.why or not self.known:
            return self.why or NOTHING_THERE
        of = len(self.values)
        some = f"measured in {len(self.known)} of {number_of(of, 'seed')}" if len(self.known) < of else ""
        if not self.measured:
            return f"{some}, fewer than half"
        if self.verdict == NO_INTERVAL:
            return f"{some or 'one seed'}: no interval, so the order is not known"
        return some

    @property
    def passes(self) -> float:
        """The share of seeds that lie within tolerance by themselves."""
        low, high = self.target.tolerance
        return sum(low <= value <= high for value in self.known) / len(self.values) if self.measured else math.nan


@dataclass(frozen=True)
class Score:
    """How many counted rows and groups are within tolerance, of how many."""

    rows: int
    of_rows: int
    groups: int
    of_groups: int
    measured: int
    """Counted rows that could be measured."""


@dataclass(frozen=True, repr=False)
class Validation(Shown):
    """What `zerolimit.validate` found: `to_frame()`, `score(part)`, `plot()`, `save(folder)`."""

    targets: Targets
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]

    def _in_short(self) -> str:
        all_of = self.score()
        return (
            f"Validation of {self.targets.name}: {all_of.rows} of {all_of.of_rows} counted rows and {all_of.groups} of"
            f" {all_of.of_groups} groups within tolerance, {all_of.measured} measured, {len(self.seeds)} seeds"
        )

    @cached_property
    def passed(self) -> dict[str, bool]:
        """Of each counted target, whether it is within tolerance in all its places."""
        found: dict[str, bool] = {}
        for row in self.rows:
            if row.counted:
                found[row.target.id] = found.get(row.target.id, True) and row.verdict == WITHIN
        return found

    @cached_property
    def groups(self) -> dict[str, bool]:
        """Of each group with counted rows, whether it passes: two thirds of them are within tolerance."""
        found = {}
        for name, targets in self.targets.groups.items():
            counted = [self.passed[one.id] for one in targets if one.id in self.passed]
            if counted:
                found[name] = sum(counted) >= TWO_THIRDS * len(counted) - 1e-9
        return found

    def score(self, part: str | None = None) -> Score:
        """Counts of all, or of one part: 'fitted' or 'held out'."""
        mine = {row.target.id: row for row in self.rows if row.counted and part in (None, row.part)}
        groups = {name: good for name, good in self.groups.items() if part in (None, self.targets.part(name))}
        measured = {name for name in mine if all(row.measured for row in self.rows if row.counted and row.target.id == name)}
        return Score(sum(self.passed[name] for name in mine), len(mine), sum(groups.values()), len(groups), len(measured))

    def to_frame(self) -> pd.DataFrame:
        """A row for each target and place."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "id": row.target.id,
                    "group": row.target.group,
                    "part": row.part,
                    "what": row.target.what,
                    "quantity": row.target.quantity,
                    "unit": row.target.unit,
                    "place": row.place,
                    "counted": row.counted,
                    "data": row.target.data,
                    "data_low": row.target.interval[0] if row.target.interval else math.nan,
                    "data_high": row.target.interval[1] if row.target.interval else math.nan,
                    "tolerance_low": row.target.tolerance[0],
                    "tolerance_high": row.target.tolerance[1],
                    "model": row.over_seeds.mean,
                    "model_low": row.over_seeds.low,
                    "model_high": row.over_seeds.high,
                    "seeds_measured": len(row.known),
                    "pass_rate": row.passes,
                    "random_share": math.nan if row.random is None else row.random,
                    "verdict": row.verdict,
                    "why": row.remark,
                }
                for row in self.rows
            ]
        ).astype({"data": "float64"})

    def seeds_frame(self) -> pd.DataFrame:
        """The value of each target and place with each seed."""
        import pandas as pd

        kept = [(row, seed, value) for row in self.rows for seed, value in zip(self.seeds, row.values, strict=False)]
        return pd.DataFrame(
            {
                "id": [row.target.id for row, _, _ in kept],
                "place": [row.place for row, _, _ in kept],
                "seed": np.array([seed for _, seed, _ in kept], np.uint64),
                "value": np.array([value for _, _, value in kept], np.float64),
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Every row that was measured: data's interval, tolerance and model on one axis, by group. On `ax`, or new axes."""
        from zerolimit.validation.figure import draw

        return draw(self, ax)

    def save(self, folder: Path | str) -> Path:
        """Tables as Parquet and the figure, in a new folder. BadInput: it is there already."""
        from zerolimit.results.drawing import draw_if_possible
        from zerolimit.results.whole import whole_folder
        from zerolimit.validation.figure import write

        with whole_folder(folder) as room:
            self.to_frame().to_parquet(room / "targets.parquet", index=False)
            self.seeds_frame().to_parquet(room / "seeds.parquet", index=False)
            draw_if_possible(lambda file: write(self, file), room / "targets.png")
        return Path(folder)


@takes_parameters
@public
def validate(
    *scenarios: Any,
    targets: Any = None,
    seeds: int | Iterable[int] = SEEDS,
    seed: int = 1,
    engine: str = AUTO,
    workers: int | None = None,
    progress: Progress = True,
    **parameters: Any,
) -> Validation:
    """Measure every target in its market over seeds, beside the data.

        found = zerolimit.validate("baseline", seeds=5, borrowers=5_000)
        found.score("fitted"), found.to_frame(), found.plot(), found.save("validation")

    `scenarios` are markets of the targets (docs/facts.md tells the facts), or scenarios of one's own (presets, TOML files,
    Scenarios, mappings), on which every target is measured that their product and calendar allow; without one, all markets.
    A scenario of one's own is run for five years, or until a year after the last item of its calendar.
    `targets` is a TOML file or a mapping like validation/targets.toml, which is taken without one. Parameters of all
    scenarios (as `borrowers=`) go by name. `seeds` is how many, counted from `seed`, or a list.

    A row is within tolerance where the mean over seeds is; a row of order only with its whole 95 % interval on the right
    side, of which one seed has none. Seeds in which a row cannot be measured are left out of its mean; below half of the
    seeds it counts as not measured. What cannot be measured is in the table with the reason, and never passes. BadInput:
    the file, row or argument. A row that more than 60 % of random parameter sets have within tolerance
    (validation/random*.toml) is shown, and not counted.
    """
    read = targets_of(dict(targets)) if isinstance(targets, Mapping) else read_targets(targets)
    checked(read)
    numbers = tuple(as_seeds(seeds, seed))
    places = places_of(read, scenarios, parameters)
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise BadInput(f"workers: a whole number of at least 1 is needed, not {workers!r}")
    wanted = wanted_in(read, places)
    runs = [
        (place, asked_in(wanted, place), [(place.scenario, one) for one in numbers] if place.scenario else [])
        for place in places
    ]
    found = all_values(runs, None if engine == AUTO else engine, workers, progress)
    values: dict[tuple[str, Asked | None], tuple[float, ...]] = {}
    for place, asked, _ in runs:
        some = found.get(place.name, [])
        for run in some:
            if isinstance(run, Exception):
                raise run
        table = [run for run in some if not isinstance(run, Exception)]
        values |= {(place.name, one): tuple(run[k] for run in table) for k, one in enumerate(asked)}
    return Validation(
        read,
        tuple(
            judged(read, one.target, one.place.name, one.counted, values.get((one.place.name, one.asked), ()), one.why)
            for one in wanted
        ),
        numbers,
    )


def judged(targets: Targets, target: Target, place: str, counted: bool, values: tuple[float, ...], why: str) -> Row:
    """A target in a place, which counts only where random parameter sets do not do as well."""
    chance = share_of(target)
    counts = counted and (chance is None or chance <= MOST)
    return Row(target, place, targets.part(target.group), counts, values, why, chance)
