"""How many random parameter sets have a row within tolerance: a row that most of them have tells little of a model.

The package's shares were measured once, by `make random-sets`: those of instalments (random.toml) over the ranges of the
study of sensitivity, those of cards (random-cards.toml) over ranges_cards.toml.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.basics.errors import BadInput
from zerolimit.basics.files import toml_of
from zerolimit.basics.progress import Progress
from zerolimit.parameters.scenario import Scenario
from zerolimit.study.definition import Study, read_study
from zerolimit.study.identity import default_values, hashed
from zerolimit.validation.measured import Runs, all_values
from zerolimit.validation.places import Asked, Place, Wanted, asked_in, checked, places_of, wanted_in
from zerolimit.validation.targets import Target, read_targets, targets_of

if TYPE_CHECKING:
    import pandas as pd

FILE, FILES = "random.toml", "random*.toml"
MOST = 0.6
"""Of random sets: a row that more of them have within tolerance is shown, and not counted."""
SETS, BORROWERS = 300, 3_000
HEAD = """\
# Of random parameter sets, the share that has a row within tolerance in a market, with one seed each; of the sets that go
# together with the market, and what cannot be measured in one is not within. A row that more than 60 % have in each of its
# markets is shown, and not counted (validation/random_sets.py). Written by `make random-sets`.

"""


@dataclass(frozen=True)
class Share:
    """A row in a market: how many could be measured, and how many are within tolerance, of the sets that run there."""

    id: str
    market: str
    quantity: str
    tolerance: tuple[float, float]
    measured: float
    within: float
    window: str | None = None

    @property
    def row(self) -> tuple[Any, ...]:
        """What it is the share of: another tolerance, window or measure is another row."""
        return key(self.market, self.quantity, self.window, self.tolerance)


@dataclass(frozen=True)
class RandomShares:
    """What random sets gave, and what they were."""

    of: Mapping[str, Any]
    shares: tuple[Share, ...]

    def to_frame(self) -> pd.DataFrame:
        """A row for each target and market."""
        import pandas as pd

        return pd.DataFrame(
            [{name: value for name, value in vars(one).items() if name != "tolerance"} for one in self.shares]
        )

    def text(self) -> str:
        """As a file."""
        import tomlkit

        document = tomlkit.document()
        document.add("of", tomlkit.item(dict(self.of)))
        rows = tomlkit.aot()
        for one in self.shares:
            told = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(one).items()}
            rows.append(tomlkit.item({name: value for name, value in told.items() if value is not None}))
        document.add("row", rows)
        return HEAD + tomlkit.dumps(document)

    def save(self, folder: Path | str) -> Path:
        """The file in a new folder. BadInput: it is there already."""
        from zerolimit.results.whole import whole_folder

        with whole_folder(folder) as room:
            (room / FILE).write_text(self.text(), encoding="utf-8")
        return Path(folder) / FILE


def key(market: str, quantity: str, window: str | None, tolerance: tuple[float, float]) -> tuple[Any, ...]:
    """What a share is of."""
    return market, quantity, window, *tolerance


@cache
def ours() -> dict[tuple[Any, ...], Share]:
    """The package's shares."""
    files = [one for one in resources.files("zerolimit.validation").iterdir() if fnmatch(one.name, FILES)]
    rows = [row for one in files for row in toml_of(one.read_text(encoding="utf-8"), one.name)["row"]]
    shares = [Share(**{**row, "tolerance": tuple(map(float, row["tolerance"]))}) for row in rows]
    return {one.row: one for one in shares}


def share_at(target: Target, market: str) -> float | None:
    """Of random sets, how many have a target within tolerance in a market; None where it is not known."""
    found = ours().get(key(market, target.quantity, target.window, target.tolerance))
    return None if found is None else found.within


def share_of(target: Target) -> float | None:
    """The same of the target: the fewest over its markets; None where one is not known."""
    found = [share_at(target, market) for market in target.markets]
    known = [share for share in found if share is not None]
    return min(known) if len(known) == len(found) else None


def random_shares(
    study: Any,
    *scenarios: Any,
    targets: Any = None,
    sets: int = SETS,
    seed: int = 1,
    workers: int | None = None,
    progress: Progress = True,
    **parameters: Any,
) -> RandomShares:
    """Draw parameter sets over what a study varies (a Latin hypercube), and measure the targets in each, with one seed.

    `study` is a folder or TOML file of which `[vary]` is taken, as experiments/sensitivity. Each set is laid over each
    market (`scenarios`, or all); what a set does not vary stays as the market has it. BadInput: the file or argument.
    """
    drawn = read_study(study, design="latin", samples=sets, seed=seed, code=False)
    if late := [one for one in drawn.design.keys if "@" in one]:
        raise BadInput(f"random: {late[0]}: a set holds from the start; leave the month out")
    read = checked(targets_of(dict(targets)) if isinstance(targets, Mapping) else read_targets(targets))
    places = places_of(read, scenarios, {"borrowers": BORROWERS, **parameters})
    wanted = wanted_in(read, places)
    runs: list[tuple[Place, tuple[Asked, ...], Runs]] = []
    for place in places:
        worlds = list(laid_over(place.scenario, drawn, seed)) if place.scenario is not None else []
        runs.append((place, asked_in(wanted, place), worlds))
    found = all_values(runs, None, workers, progress)
    shares = []
    for place, asked, _ in runs:
        known = [run for run in found.get(place.name, []) if not isinstance(run, Exception)]
        for one in wanted:
            if one.place is place and one.asked is not None and known:
                at = asked.index(one.asked)
                shares.append(share_in(one, [run[at] for run in known]))
    told = {place.name: len(found[place.name]) for place, asked, _ in runs if asked and found.get(place.name)}
    return RandomShares(provenance(drawn, sets, seed, {"borrowers": BORROWERS, **parameters}, told), tuple(shares))


def laid_over(scenario: Scenario, drawn: Study, seed: int) -> Iterator[tuple[Scenario, int]]:
    """Each set over a market, with a seed of its own; sets that do not go together with the market are left out."""
    for number, point in enumerate(drawn.design.points):
        with suppress(BadInput):
            yield scenario.change(**point), seed + number


def share_in(one: Wanted, values: Sequence[float]) -> Share:
    """A row's share in a place, of the sets that run there."""
    target, (low, high) = one.target, one.target.tolerance
    measured = sum(map(math.isfinite, values)) / len(values)
    within = sum(math.isfinite(value) and low <= value <= high for value in values) / len(values)
    return Share(target.id, one.place.name, target.quantity, target.tolerance, measured, within, target.window)


def provenance(drawn: Study, sets: int, seed: int, parameters: Mapping[str, Any], runs: Mapping[str, int]) -> dict[str, Any]:
    """What the shares are of."""
    from zerolimit import __version__

    return {
        "sets": sets,
        "seed": seed,
        **parameters,
        "version": __version__,
        "defaults": hashed(default_values(sorted(Scenario.model_fields)))[:16],
        "study": drawn.name,
        "runs": dict(runs),
        "ranges": {factor.key: list(factor.levels) or [factor.low, factor.high] for factor in drawn.design.factors},
    }
