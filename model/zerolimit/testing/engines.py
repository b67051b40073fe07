"""What an engine must pass: the results of the reference engine bit for bit, and verbs as plain NumPy gives them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from zerolimit.basics.errors import BadInput
from zerolimit.engine.base import Array, Engine
from zerolimit.engine.registry import REFERENCE, named
from zerolimit.engine.verbs import reals
from zerolimit.parameters.scenario import Scenario, load_scenario
from zerolimit.portfolio.keys import keys_of
from zerolimit.portfolio.settlement import Columns, Drawn, FirstPopulation
from zerolimit.run.simulation import Simulation
from zerolimit.testing.scenarios import draw_scenario
from zerolimit.vocabulary.cells import CELLS, CELLS_PER_SEGMENT
from zerolimit.vocabulary.fields import STATE
from zerolimit.vocabulary.names import LEFT, OPEN

MONTHS = 9
BORROWERS = 60
BUSY: dict[str, Any] = {
    "pool_share": 0.24,
    "appeals_capacity": 0.1,
    "appeals_share": 0.05,
    "entry_rate": 0.5,
    "vacant_share": 0.2,
    "neighbour_weight": 0.5,
    "own_hit": 0.6,
}
"""A market in which pool, desk, entry and neighbours all act."""


def check_engine(engine: str | type[Engine], scenarios: int = 3, seed: int = 1) -> None:
    """AssertionError, in one line, at the first thing that an engine does otherwise than engines must.

    By name, or by the class that `@engine("name")` declares. Tried are so many scenarios drawn at random with `seed`, a
    busy one, the same with months before month 0 and with clients' keys, copies, pickles, threads, every verb against plain
    NumPy, and rows that do not exist. It takes seconds; an engine that compiles does so first. Run it once in your tests:

        def test_my_engine() -> None:
            zerolimit.testing.check_engine("mine")
    """
    name = engine if isinstance(engine, str) else engine.name
    kind = named(name)
    if not isinstance(engine, str) and kind is not engine:
        raise BadInput(f"engine: {engine.__qualname__} is not declared; @engine({engine.__qualname__.lower()!r}) does")
    rng = Random(seed)
    busy = load_scenario("defaults", borrowers=BORROWERS, **BUSY)
    drawn = [draw_scenario(rng, where="mixed", borrowers=BORROWERS, network="ring") for _ in range(scenarios)]
    for scenario in (busy, busy.change(warm_up_months=3), *drawn):
        _same_results(name, scenario, rng.randrange(2**64))
    _same_results(name, busy, seed, _Clients(BORROWERS))
    _same_after_copies(name, busy, seed)
    _same_on_any_number_of_threads(name, seed)
    for verb in VERBS:
        verb(_begun(name, busy, seed))
    _refuses_rows_that_do_not_exist(_begun(name, busy, seed))


def same(one: Simulation, other: Simulation, what: str) -> None:
    """AssertionError where two worlds differ in a field of a borrower, a count, a sum, the platform, or an episode."""
    assert one.month == other.month, f"{what}: month {one.month}, not {other.month}"
    for field in STATE:
        mine, theirs = one.engine.raw(field.name, one.month), other.engine.raw(field.name, other.month)
        assert mine.dtype == theirs.dtype, f"{what}: {field.name} is stored as {mine.dtype}, not {theirs.dtype}"
        differ = np.flatnonzero(mine != theirs)
        assert not len(differ), f"{what}: {field.name} of borrower {differ[0]} is {mine[differ[0]]}, not {theirs[differ[0]]}"
    for now, then in zip(one.history, other.history, strict=True):
        assert now.platform == then.platform, f"{what}, month {now.month}: {now.platform}, not {then.platform}"
        assert now.counts.keys() == then.counts.keys(), f"{what}, month {now.month}: other counts"
        for name, cells in now.counts.items():
            assert (cells == then.counts[name]).all(), f"{what}, month {now.month}: {name}"
    for log in ("starts", "ends"):
        begun, others = getattr(one.episodes, log), getattr(other.episodes, log)
        assert len(begun) == len(others), f"{what}: {len(begun)} months with {log} of episodes, not {len(others)}"
        for here, there in zip(begun, others, strict=True):
            assert here.keys() == there.keys(), f"{what}: other columns in {log} of episodes"
            for name in here:
                assert np.array_equal(here[name], there[name]), f"{what}: {name} in {log} of episodes"


class _Clients(FirstPopulation):
    """As drawn, with keys of their own."""

    def __init__(self, size: int) -> None:
        self.size, self.keys = size, keys_of([f"client {k}" for k in range(size)])

    def traits(self, drawn: Drawn) -> Columns:
        return {}

    accounts = traits


def _begun(name: str, scenario: Scenario, seed: int, **options: Any) -> Simulation:
    return Simulation(scenario, seed, engine=name, **options).run(4)


def _same_results(name: str, scenario: Scenario, seed: int, clients: FirstPopulation | None = None) -> None:
    ours, theirs = (_outcome(engine, scenario, seed, clients) for engine in (name, REFERENCE))
    what = f"engine {name}, seed {seed}" + (", clients with keys" if clients else "")
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs, f"{what}: {ours}, not {theirs}"
    else:
        same(ours, theirs, what)


def _outcome(name: str, scenario: Scenario, seed: int, clients: FirstPopulation | None) -> Simulation | str:
    """The world after MONTHS, or in what it ended."""
    try:
        return Simulation(scenario, seed, engine=name, portfolio=clients, threads=1).run(MONTHS)
    except (BadInput, ArithmeticError) as error:
        return type(error).__name__


def _same_after_copies(name: str, scenario: Scenario, seed: int) -> None:
    """A branch goes on like its trunk, and the trunk knows nothing of it."""
    copies: dict[str, Callable[[Simulation], Simulation]] = {
        "copied": deepcopy,
        "pickled": lambda world: pickle.loads(pickle.dumps(world)),
    }
    wanted = _begun(name, scenario, seed).run(3)
    for how, copy in copies.items():
        trunk = _begun(name, scenario, seed)
        branch = copy(trunk).run(3)
        same(trunk, _begun(name, scenario, seed), f"engine {name}, {how}: the trunk after its branch went on")
        same(branch, wanted, f"engine {name}, {how}: the branch")


def _same_on_any_number_of_threads(name: str, seed: int) -> None:
    scenario = load_scenario("defaults", borrowers=20_000 if named(name).compiles else BORROWERS, **BUSY)
    one = _begun(name, scenario, seed, threads=1)
    for threads in (2, 3):
        same(_begun(name, scenario, seed, threads=threads), one, f"engine {name}, {threads} threads")


# the verbs, each against plain NumPy over whole columns


def _column(world: Simulation, name: str) -> Any:
    return np.array(world.engine.raw(name, world.month))


def _equal(found: Any, wanted: Any, what: str, world: Simulation) -> None:
    assert np.array_equal(found, wanted), f"engine {world.engine.name}: {what} gives {found}, not {wanted}"


def _reads_and_writes(world: Simulation) -> None:
    rows = np.array([5, 0, 41])
    for name in ("limit", "trust", "risk", "status"):
        column = reals(name, _column(world, name))
        _equal(world.borrowers.read(name, rows), column[rows], f"read {name}", world)
        _equal(world.borrowers.read(name), column, f"read {name}", world)
    wanted = _column(world, "cash")
    wanted[rows] = (7, 8, 9)
    world.borrowers.put("cash", rows, np.array([7, 8, 9]))
    _equal(_column(world, "cash"), wanted, "put of values", world)
    world.borrowers.put("cash", None, 11)
    _equal(_column(world, "cash"), np.full(world.size, 11, wanted.dtype), "put of one value to all", world)


def _totals(world: Simulation) -> None:
    for name in ("limit", "scheduled", "cash"):
        wanted = _column(world, name).sum(dtype=np.int64)
        _equal(world.borrowers.total(name), wanted, f"total {name}", world)


def _selections(world: Simulation) -> None:
    for status in (OPEN, LEFT):
        found = world.borrowers.where("status", status)
        _equal(found, np.flatnonzero(_column(world, "status") == status), f"where status is {status}", world)


def _order_statistics(world: Simulation) -> None:
    places: Sequence[int] = [0, 17, world.size - 1]
    column = _column(world, "income_true")
    _equal(world.borrowers.ordered("income_true", places), np.sort(column)[places], "ordered", world)
    rows = np.arange(3, world.size, 2)
    found = world.borrowers.ordered("income_true", [4], rows)
    _equal(found, np.sort(column[rows])[[4]], "ordered of some", world)


def _queues(world: Simulation) -> None:
    """One after the other in the order, the ties by draw and key, until the first that does not fit."""
    rows = np.arange(world.size)
    order, costs = rows % 3, 1 + rows % 5
    tickets = world.engine.long_words("u_lottery", rows, world.month)
    queue = np.lexsort((world.engine.keys_of(rows), tickets, -order))
    for capacity in (0, 40, int(costs.sum())):
        mask, marginal, left = world.borrowers.prefix(order, costs, capacity, rows, "u_lottery")
        fits = int(np.searchsorted(np.cumsum(costs[queue]), capacity, side="right"))
        wanted = np.zeros(world.size, np.bool_)
        wanted[queue[:fits]] = True
        _equal(mask, wanted, f"prefix of {capacity}", world)
        _equal(marginal, queue[fits] if fits < world.size else -1, f"prefix of {capacity}: who does not fit", world)
        _equal(left, capacity - int(costs[queue[:fits]].sum()), f"prefix of {capacity}: what is left", world)


@dataclass(frozen=True)
class _AtMost:
    """Each what is needed (fen), at most the level."""

    need: Array

    @property
    def highest(self) -> int:
        return int(self.need.max())

    def total(self, level: int) -> int:
        return int(self.grants(level).sum())

    def grants(self, level: int) -> Array:
        return np.minimum(self.need, level).astype(np.int64)


def _levels(world: Simulation) -> None:
    """The largest level that fits, and one fen more for as many as what is left goes round, by draw and key."""
    rows = np.arange(1, world.size, 2)
    rule = _AtMost(1 + rows % 7)
    tickets = world.engine.long_words("u_lottery", rows, world.month)
    for capacity in (0, 40, int(rule.need.sum())):
        for top in (None, 3):
            grants, level = world.borrowers.level(rule, capacity, rows, "u_lottery", top)
            highest = rule.highest if top is None else top
            wanted_level = max(k for k in range(highest + 1) if rule.total(k) <= capacity)
            wanted = rule.grants(wanted_level)
            some = np.flatnonzero(rule.need > wanted_level) if wanted_level < highest else np.zeros(0, np.int64)
            queue = some[np.lexsort((world.engine.keys_of(rows)[some], tickets[some]))]
            wanted[queue[: capacity - int(wanted.sum())]] += 1
            _equal(level, wanted_level, f"level of {capacity}", world)
            _equal(grants, wanted, f"level of {capacity}: grants", world)


def _neighbours(world: Simulation) -> None:
    """In a ring of two neighbours on each side."""
    starts, others = world.network().adjacency()
    told = (np.arange(world.size) % 3 == 0).astype(_column(world, "told").dtype)
    world.borrowers.put("told", None, told)
    world.borrowers.hear(world.network())
    share = np.array([told[others[starts[k] : starts[k + 1]]].mean() for k in range(world.size)])
    found = world.borrowers.read("heard")
    assert np.abs(found - share).max() <= 2.0**-14, f"engine {world.engine.name}: hear is not the mean of neighbours"
    world.borrowers.hear(None)
    _equal(world.borrowers.read("heard"), np.zeros(world.size), "hear without neighbours", world)


def _sums_by_cell(world: Simulation) -> None:
    rows, numbers = np.arange(0, world.size, 2), np.arange(0, world.size, 2) + 1
    wanted = np.zeros(CELLS, np.int64)
    for row, number in zip(rows, numbers, strict=True):
        wanted[int(_column(world, "segment")[row]) * CELLS_PER_SEGMENT + int(_column(world, "decile")[row])] += number
    _equal(world.borrowers.sums(rows, numbers), wanted, "sums by cell", world)


def _gini(world: Simulation) -> None:
    """Within the bound that engine/gini.py states of the exact one."""
    status, limit = _column(world, "status"), _column(world, "limit").astype(np.float64)
    line = np.where(status == OPEN, limit, 0.0)[status != LEFT]
    exact = np.abs(line[:, None] - line).sum() / (2.0 * len(line) * line.sum())
    found = world.borrowers.gini()
    assert -1e-12 <= exact - found <= 1.0 / 128.0, f"engine {world.engine.name}: gini {found}, exactly {exact}"


VERBS = (
    _reads_and_writes,
    _totals,
    _selections,
    _order_statistics,
    _queues,
    _levels,
    _neighbours,
    _sums_by_cell,
    _gini,
)


def _refuses_rows_that_do_not_exist(world: Simulation) -> None:
    """BadInput, and nothing written."""
    before = _column(world, "cash")
    for rows in (np.array([world.size]), np.array([-1]), np.array([0.5])):
        calls: dict[str, Callable[[Any], Any]] = {
            "read": lambda rows: world.borrowers.read("cash", rows),
            "put": lambda rows: world.borrowers.put("cash", rows, 1),
        }
        for verb, call in calls.items():
            try:
                call(rows)
            except BadInput:
                continue
            raise AssertionError(f"engine {world.engine.name}: {verb} takes row {rows[0]} of {world.size}")
    _equal(_column(world, "cash"), before, "put to rows that do not exist", world)
