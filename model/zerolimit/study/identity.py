"""What a run is: its identity, and the hash under which its results are kept and found again.

A run is its world, its seed, and its study's frame.

The world: the parameters at month 0 that differ from their defaults, and what is changed at later months. A file of ties
counts by its content. Names and descriptions do not count; nor does whether a value stood in the scenario, under [set] or in
the design.

The seed: the draws (draws.py). In a paired study it is the study's seed plus the replication.

The frame: months, burn-in, what is kept of a run and how it is kept apart, the clients, the rules and the measure of one's
own; of these, what is not empty. DEFAULTS, the version of the scenario's defaults, is in the frame. What equals its default
is not in the identity. So a parameter that is added, with a default that leaves the model as it was, changes no hash; where
a default changes, DEFAULTS goes up, and no run of before is taken for one of now.

Where a run stands, its point and its replication, is not part of it: a larger or reordered design finds the same runs
(`--extend`). Nor is the code that made it: a folder is held to one code as a whole (folder.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from zerolimit.parameters.scenario import Scenario
from zerolimit.vocabulary.draws import as_seed

DEFAULTS = 2
"""Version of the scenario's defaults (tests/study/defaults.json)."""
NAMES = ("name", "description", "network_file")
"""Of a scenario, what is no parameter; a file of ties counts by its content."""
LENGTH = 24


class Placed(NamedTuple):
    """A run, and where it stands in the design."""

    run: str
    point: int
    replication: int
    seed: int


def differing(scenario: Scenario) -> dict[str, Any]:
    """The parameters that differ from their defaults."""
    return {key: value for key, value in scenario.model_dump(mode="json", exclude_defaults=True).items() if key not in NAMES}


def default_values(names: Iterable[str]) -> dict[str, Any]:
    """Defaults of some parameters, as JSON holds them."""
    whole = Scenario.model_construct().model_dump(mode="json")
    return {name: whole.get(name) for name in names}


def hashed(what: Any) -> str:
    """Hash of what JSON can hold."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def world_hash(scenario: Scenario, ties: str | None, later: Mapping[int, Mapping[str, Any]]) -> str:
    """Hash of a world: a scenario, its file of ties, and what is changed at later months."""
    changes = {str(month): dict(values) for month, values in later.items() if values}
    return hashed([differing(scenario), ties, changes])


def frame_hash(frame: Mapping[str, Any]) -> str:
    """Hash of what all runs of a study share beside their worlds."""
    return hashed({key: value for key, value in frame.items() if value not in (None, 0, [], {})})


def seed_of(first: int, replication: int, *, paired: bool, values: Mapping[str, Any]) -> int:
    """A run's seed. Paired: it depends on the replication alone; else on the values of the point too."""
    if paired:
        return as_seed(first + replication)
    text = json.dumps([first, replication, dict(values)], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def run_hash(frame: str, world: str, seed: int) -> str:
    """The name of a run."""
    return hashlib.sha256(f"{frame} {world} {seed}".encode()).hexdigest()[:LENGTH]


def laid_out(
    frame: str,
    worlds: Sequence[str],
    values: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    replications: int,
    paired: bool,
) -> Iterator[Placed]:
    """Every run of a design once, at its first place, replication by replication: a study broken off has whole ones."""
    seen: set[bytes] = set()
    for replication in range(replications):
        for point, world in enumerate(worlds):
            own = seed_of(seed, replication, paired=paired, values={} if paired else values[point])
            run = run_hash(frame, world, own)
            key = bytes.fromhex(run)
            if key not in seen:
                seen.add(key)
                yield Placed(run, point, replication, own)
