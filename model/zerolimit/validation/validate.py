"""`zerolimit.validate`: every target measured in its markets over seeds, beside the data, in tolerance or not."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.progress import Progress, reporting
from zerolimit.basics.shown import Shown
from zerolimit.engine.registry import AUTO, REFERENCE, SMALL, compiling, named
from zerolimit.parameters.scenario import Scenario, load_scenario, presets, takes_parameters
from zerolimit.run.warm import prepare
from zerolimit.study.executors import local_pool
from zerolimit.study.intervals import Interval, as_seeds, interval
from zerolimit.study.worlds import WORTH_STARTING
from zerolimit.validation.measures import MEASURES, Measure
from zerolimit.validation.seen import Seen, View, watch
from zerolimit.validation.targets import BOTH, Market, Target, Targets, Window, read_targets, targets_of
from zerolimit.vocabulary.names import PRODUCTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SEEDS = 20
WITHIN, OUTSIDE, WRONG_ORDER, NOT_MEASURED = "within", "outside", "wrong order", "not measured"
TWO_THIRDS = 2.0 / 3.0
"""Of its counted rows, what a group must have within tolerance to pass."""


@dataclass(frozen=True)
class Place:
    """Where rows are measured: a market of the targets file, or a scenario of one's own in place of one."""

    name: str
    market: Market
    scenario: Scenario | None
    own: bool = False

    @property
    def months(self) -> int:
        """How long it is run."""
        if self.market.months is not None:
            return self.market.months
        start = self.scenario.start if self.scenario is not None else None
        return 0 if start is None else Seen(start, {}, {}).month_of(self.market.last or start) + 1


@dataclass(frozen=True)
class Row:
    """A target in one place: its value with each seed, or why there is none."""

    target: Target
    place: str
    part: str
    counted: bool
    values: tuple[float, ...] = ()
    why: str = ""

    @cached_property
    def known(self) -> tuple[float, ...]:
        """The values that could be measured."""
        return tuple(value for value in self.values if math.isfinite(value))

    @cached_property
    def over_seeds(self) -> Interval:
        """Mean over seeds with its 95 % interval."""
        return interval(self.known) if self.known else Interval(math.nan, math.nan, math.nan)

    @property
    def verdict(self) -> str:
        """Whether the mean lies within tolerance; of order, whether the whole interval lies on the right side too."""
        if not self.known:
            return NOT_MEASURED
        mean, (low, high) = self.over_seeds.mean, self.target.tolerance
        null = self.target.null
        if null is not None:
            upper = high > null
            ends = [end for end in (self.over_seeds.low, self.over_seeds.high, mean) if not math.isnan(end)]
            if (min(ends) <= null) if upper else (max(ends) >= null):
                return WRONG_ORDER
        return WITHIN if low <= mean <= high else OUTSIDE

    @property
    def passes(self) -> float:
        """The share of seeds that lie within tolerance by themselves."""
        low, high = self.target.tolerance
        return sum(low <= value <= high for value in self.known) / len(self.values) if self.known else math.nan


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
        measured = {name for name in mine if all(row.known for row in self.rows if row.counted and row.target.id == name)}
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
                    "verdict": row.verdict,
                    "why": row.why,
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


# what can be measured where


def product_of(scenario: Scenario) -> str:
    """What a scenario lends: instalments, card, or both."""
    loans, card = PRODUCTS
    return {0.0: loans, 1.0: card}.get(scenario.share_card, BOTH)


def places_of(targets: Targets, scenarios: Sequence[Any], parameters: Mapping[str, Any]) -> list[Place]:
    """The markets of the file, or those and the scenarios named. BadInput: a name is neither."""
    if not scenarios:
        return [Place(one.name, one, preset_of(one, parameters)) for one in targets.markets.values()]
    found: list[Place] = []
    for given in scenarios:
        if isinstance(given, str) and given in targets.markets:
            market = targets.markets[given]
            found.append(Place(given, market, preset_of(market, parameters)))
            continue
        try:
            scenario = load_scenario(given, **parameters)
        except BadInput as error:
            hint = nearest(given, [*targets.markets, *presets()]) if isinstance(given, str) else ""
            raise BadInput(f"{error}{'' if 'did you mean' in str(error) else hint}") from None
        own = Market(scenario.name, scenario.name, product_of(scenario), BURN_IN, MONTHS)
        found.append(Place(scenario.name, own, scenario, own=True))
    names = [one.name for one in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"scenarios: {quoted(twice[0])} is there twice; give one another name")
    return found


BURN_IN, MONTHS = 12, 60
"""Of scenarios of one's own: months left out, and all that are run."""


def preset_of(market: Market, parameters: Mapping[str, Any]) -> Scenario | None:
    """A market's scenario; None where no such preset comes with the package."""
    known = market.scenario in presets() or market.scenario.endswith(".toml")
    return load_scenario(market.scenario, **parameters) if known else None


def window_in(place: Place, window: Window | None) -> tuple[int, int, int | None] | str:
    """First month, month after the last and the event's month of a window in a place; or why there is none."""
    assert place.scenario is not None
    first, last = place.market.burn_in, place.months
    if window is None:
        return first, last, None
    if place.scenario.start is None:
        return f"no calendar: {window.says} needs a scenario with a start"
    dated = Seen(place.scenario.start, {}, {})
    if window.first is not None:
        first = max(first, dated.month_of(window.first))
    if window.last is not None:
        last = min(last, dated.month_of(window.last) + 1)
    at = None if window.at is None else dated.month_of(window.at)
    if first >= last or (at is not None and not first <= at < last):
        return f"out of the calendar: the scenario begins {place.scenario.start} and has no {window.says}"
    return first, last, at


def why_not(target: Target, place: Place, measure: Measure) -> str:
    """Why a target cannot be measured in a place, or nothing."""
    if target.lacks is not None:
        return target.lacks
    if measure.lacks is not None:
        return measure.lacks
    if place.scenario is None:
        return f"no such preset yet: {place.market.scenario}"
    product = product_of(place.scenario)
    if place.own and target.product not in (BOTH, product):
        return f"wrong product: the target is of {target.product}, the scenario lends {product}"
    return ""


def rows_of(targets: Targets, places: Sequence[Place]) -> Iterator[tuple[Target, Place, bool]]:
    """Targets where they are measured, and whether they count there."""
    for target in targets.rows:
        for place in places:
            if place.own or place.name in target.markets:
                yield target, place, target.counted
            elif place.name in target.proxies:
                yield target, place, False


def checked(targets: Targets) -> Targets:
    """Targets whose measures are known, with their units. BadInput: the row."""
    for number, one in enumerate(targets.rows, 1):
        where = f"targets {targets.name}: target {number} ({one.id})"
        if one.quantity not in MEASURES:
            raise BadInput(f"{where}: unknown measure {quoted(one.quantity)}{nearest(one.quantity, MEASURES)}")
        if MEASURES[one.quantity].unit != one.unit:
            raise BadInput(f"{where}: unit: {one.quantity} is measured in {MEASURES[one.quantity].unit}, not in {one.unit}")
    return targets


# measured


@dataclass(frozen=True)
class Job:
    """A run, and what is measured of it: (quantity, first month, month after the last, event)."""

    place: int
    scenario: Scenario
    seed: int
    months: int
    asked: tuple[tuple[str, int, int, int | None], ...]
    engine: str


def measured(job: Job) -> list[float]:
    """A run's values, in the order asked."""
    wanted = [MEASURES[name] for name, *_ in job.asked]
    moments = list({one.name: one.moment for one in wanted if one.moment is not None}.values())
    seen = watch(job.scenario, job.seed, job.months, moments, job.engine)
    views = [View(seen, first, last, at) for _, first, last, at in job.asked]
    return [one.value(view) for one, view in zip(wanted, views, strict=True)]


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
    `targets` is a TOML file or a mapping like validation/targets.toml, which is taken without one. Parameters of all
    scenarios (as `borrowers=`) go by name. `seeds` is how many, counted from `seed`, or a list.

    A row is within tolerance where the mean over seeds is; a row of order only with its whole 95 % interval on the right
    side. What cannot be measured is in the table with the reason, and never passes. BadInput: the file, row or argument.
    """
    read = targets_of(dict(targets)) if isinstance(targets, Mapping) else read_targets(targets)
    checked(read)
    numbers = tuple(as_seeds(seeds, seed))
    places = places_of(read, scenarios, parameters)
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise BadInput(f"workers: a whole number of at least 1 is needed, not {workers!r}")
    found: list[tuple[Target, Place, bool, str, tuple[int, int, int | None] | None]] = []
    for target, place, counted in rows_of(read, places):
        why = why_not(target, place, MEASURES[target.quantity])
        window = None if why else window_in(place, read.windows[target.window] if target.window else None)
        found.append(
            (target, place, counted, window if isinstance(window, str) else why, None if isinstance(window, str) else window)
        )
    values = all_values(found, places, numbers, engine, workers, progress)
    return Validation(
        read,
        tuple(
            Row(
                target,
                place.name,
                read.part(target.group),
                counted,
                values.get((place.name, target.quantity, window), ()) if window else (),
                why or said(values.get((place.name, target.quantity, window), ())),
            )
            for target, place, counted, why, window in found
        ),
        numbers,
    )


def said(values: Sequence[float]) -> str:
    """What is said of values none of which is a number."""
    return "" if any(map(math.isfinite, values)) else "nothing to measure it on: no such borrowers, or too few months"


def all_values(
    found: Sequence[tuple[Target, Place, bool, str, Any]],
    places: Sequence[Place],
    seeds: Sequence[int],
    engine: str,
    workers: int | None,
    progress: Progress,
) -> dict[tuple[str, str, Any], tuple[float, ...]]:
    """Values with each seed of each quantity asked in a place."""
    jobs: list[Job] = []
    for k, place in enumerate(places):
        asked = tuple(dict.fromkeys((one.quantity, *window) for one, at, _, _, window in found if at is place and window))
        if asked and place.scenario is not None:
            size = place.scenario.borrowers
            kind = (compiling() if size >= SMALL else REFERENCE) if engine == AUTO else engine
            jobs += [Job(k, place.scenario, seed, place.months, asked, kind) for seed in seeds]
    work = sum(job.scenario.borrowers * job.months for job in jobs)
    count = workers or ((os.cpu_count() or 1) if work >= WORTH_STARTING else 1)
    done: dict[tuple[int, int], list[float]] = {}
    with reporting(progress, "validate", "run") as update:
        for kind in sorted({job.engine for job in jobs}):
            prepare(named(kind), lambda text: None)
        if count == 1 or len(jobs) < 2:
            for job in jobs:
                done[job.place, job.seed] = measured(job)
                update(len(done), len(jobs))
        else:
            with local_pool(count) as pool:
                waiting = {pool.submit(measured, job): job for job in jobs}
                for future in as_completed(waiting):
                    job = waiting[future]
                    done[job.place, job.seed] = future.result()
                    update(len(done), len(jobs))
    return {
        (places[job.place].name, name, tuple(window)): tuple(done[job.place, seed][position] for seed in seeds)
        for job in jobs
        if job.seed == seeds[0]
        for position, (name, *window) in enumerate(job.asked)
    }
