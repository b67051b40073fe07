"""What every engine offers the month: stages and lists of borrowers in, totals and lists out; columns by name.

IMPLEMENT THIS SECTION, as methods of a subclass of `Engine` under `@engine("name")` (engine/registry.py); the rest is
free, with plain NumPy for what is not overridden:

    __init__(plan, terms, seeds, sizes, options)  as Engine's; call it first
    raw(name, month)                              a whole column as stored
    put_raw(name, rows, values, month)            write stored values
    stage(name, month, terms)                     every borrower through a stage; totals, counts and lists
    listed(name, rows, month, terms)              some borrowers through a stage

Seeds, sizes and terms come by world, and so do totals; an engine runs one world, or several where it says so (`several`):
a column holds their slots one world after the other, world w from `bases[w]`, and `one` and `joined` are there too.
Draws are those of `uniforms`, or `words_of` (engine/philox.py) with `keys_of(rows)` and `clock(month)`.

Worth overriding for speed: the verbs of `engine/verbs.py`, `get`, `set`, `empty`, `words`. Capabilities are attributes of
the class: `compiles`, `several`, `bytes_a_borrower`. Try yours with `zerolimit.testing.check_engine`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from numbers import Real
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import OutOfRange
from zerolimit.basics.wording import number_of
from zerolimit.engine.plan import Plan, Stage
from zerolimit.engine.rows import Rows, draw_listed, offsets
from zerolimit.engine.verbs import Verbs
from zerolimit.rules.caps import MEASURED
from zerolimit.rules.rule import Rule, whole
from zerolimit.vocabulary.draws import BIRTH, PURPOSES, lifelong
from zerolimit.vocabulary.fields import FIELDS, Q2, SCHEDULE, STATE, STORABLE

Array = NDArray[Any]
Overrides = dict[str, Callable[[int], Any]]
"""Rule name -> what to call for one borrower's row in its place (a method overridden in plain Python)."""


Wrong = tuple[int, int, str, int]
"""How many borrowers of a world have an amount that cannot be, the first of them, the field and what is in it."""


@dataclass
class Result:
    """What a stage leaves: sums and counts of flags by world and cell, and its lists."""

    sums: Array
    """(worlds, CELLS, sums)."""
    counts: Array
    """(worlds, CELLS, words, flags)."""
    rolls: dict[str, dict[str, Any]]
    """Of each list, `rows` (Rows), and its values beside them."""
    wrong: dict[int, Wrong] = field(default_factory=dict)
    """By world, where there is one."""
    failures: dict[int, Exception] = field(default_factory=dict)
    """By world, what a rule did that none may: a value that its column cannot hold."""


NO_KEYS = np.zeros(0, np.uint64)
"""Where each borrower's key is the row."""


def real(name: str, raw: float) -> float:
    """A stored number as rules see it."""
    return raw / Q2 if FIELDS[name].storage == "q2" else raw


def unreal(name: str, value: float) -> float:
    """A rule's number as it is stored."""
    return value * Q2 if FIELDS[name].storage == "q2" else value


def as_stored(name: str, value: float) -> float:
    """A value that a rule returned, rounded to what its column holds."""
    storage = FIELDS[name].storage
    if storage == "f4":
        return float(np.float32(value))
    if storage == "q2":
        return whole(value * Q2 + 0.5) * (1.0 / Q2)
    return float(value)


class Unfit(OutOfRange):
    """Rules did what none may, in some of the worlds: a value that its column cannot hold."""

    def __init__(self, failures: dict[int, Exception]) -> None:
        super().__init__(str(next(iter(failures.values()))))
        self.failures = failures


def unfit(stage: Stage, number: int) -> OutOfRange:
    """A user-defined rule (in tests: any rule) returned so many values that its column cannot hold."""
    names = [rule.name for rule in stage.rules if rule.user_defined]
    who = f"rule {', '.join(names)}" if names else f"stage {stage.name}"
    return OutOfRange(f"{who}: {number:,} values outside the storable range or not whole")


def refuse_count(rule: Rule, count: int) -> None:
    """OutOfRange where a rule returns more or fewer values than the fields that it writes."""
    if count != len(rule.writes):
        fields = f"{number_of(len(rule.writes), 'field')} ({', '.join(rule.writes)})"
        raise OutOfRange(f"rule {rule.name}: returns {number_of(count, 'value')} for {fields}")


@cache
def left_to_empty(sets: frozenset[str]) -> tuple[str, ...]:
    """States that are emptied for a new borrower, where a stage sets some."""
    spared = {"generation", *SCHEDULE, *sets}
    return tuple(state.name for state in STATE if state.name not in spared)


GIVEN = ("plan", "loops", "arrays", "rows", "keys")
"""Parts of an engine that a copy takes as they are: never written, or laid out anew by `__setstate__`."""


@dataclass(frozen=True)
class Options:
    """How an engine shall run; all but `keys` and `warm_up` moves no result. An engine may leave things alone."""

    user_rules: tuple[Rule, ...] = ()
    """User-defined rules."""
    overrides: Overrides = field(default_factory=dict)
    threads: int = 1
    checks: bool = False
    """Look at what each rule returns."""
    shuffle: int | None = None
    """Take the borrowers in an order shuffled with this seed."""
    say: Callable[[str], None] = lambda text: None
    """What takes long is said here."""
    keys: Array | None = None
    """What keys the draws of each slot, (size,), uint64 (vocabulary/draws.py); None: its row."""
    warm_up: int = 0
    """Months simulated before month 0: the first of all is month -warm_up."""


class Engine(Verbs):
    """Borrowers and the ways to reach them. Rows are slots. What keys a slot's draws is its row, or its client's key."""

    name = ""
    """Under which it is declared (engine/registry.py)."""
    compiles = False
    """Its first month in a process, or on a machine, takes longer; every later one is far quicker."""
    several = False
    """It can run several worlds in one set of columns."""

    def __init__(
        self,
        plan: Plan,
        terms: tuple[str, ...],
        seeds: Sequence[int],
        sizes: Sequence[int],
        options: Options | None = None,
    ) -> None:
        options = options or Options()
        self.plan, self.terms, self.seeds = plan, terms, tuple(seeds)
        self.bases = offsets(sizes)
        self.size = int(self.bases[-1])
        self.keyed = tuple(np.array([seed >> by & 0xFFFF_FFFF for seed in seeds], np.uint32) for by in (0, 32))
        """The lower and the upper half of each world's seed."""
        self.keys, self.warm_up = options.keys, options.warm_up
        self.overrides = options.overrides
        self.checks = False
        self.measured: dict[str, float] = {}
        self.now: tuple[int, SimpleNamespace, dict[str, float]] | None = None
        self.kept_rows = np.zeros(0, np.int64)

    # IMPLEMENT THIS SECTION

    @abstractmethod
    def raw(self, name: str, month: int) -> Array:
        """A whole column as stored, (size,). Nobody writes to it; a view or a copy."""

    @abstractmethod
    def put_raw(self, name: str, rows: Array | slice, values: Any, month: int) -> None:
        """Write stored values at some places of a column: an array of them, or one for all."""

    @abstractmethod
    def stage(self, name: str, month: int, terms: Array) -> Result:
        """Every borrower through a stage. `terms` are those of each world, (worlds, terms)."""

    @abstractmethod
    def listed(self, name: str, rows: Rows | Array, month: int, terms: Array) -> Array:
        """The borrowers listed through a stage; gives what was measured of them, if anything (fields.MEASURED).

        OutOfRange where a rule returns what its column cannot hold. A plain array lists slots of an engine's one world.
        """

    # the rest is free

    def one(self, world: int) -> Engine:
        """An engine of one of the worlds alone, which reads and writes the same memory."""
        return self

    @classmethod
    def joined(cls, engines: Sequence[Any]) -> Engine:
        """An engine of several worlds, in memory of its own, from engines of one world each in the same month."""
        raise NotImplementedError

    @classmethod
    def bytes_a_borrower(cls, plan: Plan) -> int:
        """Memory that a borrower takes."""
        return plan.bytes_a_borrower

    @classmethod
    def prepare(cls, say: Callable[[str], None]) -> None:
        """What can be done once for all runs of the month as it is declared, before there are processes that run it."""

    def fused(self, rule: Rule, source: str, scope: dict[str, Any]) -> Callable[..., Any] | None:
        """The function `loop` of a source text that calls a user-defined rule, compiled; None: call the rule instead.

        OutOfRange where the rule cannot be compiled, or would return no number.
        """
        return None

    def keep(self, rows: Array) -> None:
        """Of whom `kept` tells from now on: rows in order."""
        self.kept_rows = np.ascontiguousarray(rows, np.int64)

    def kept(self, stage: str, month: int) -> dict[str, Array]:
        """What a panel takes from a stage that has just ended (month.KEPT), as stored; valid until the stage next runs.

        An engine that has no columns of these fields keeps them as the stage goes.
        """
        return {name: self.raw(name, month)[self.kept_rows] for name in self.plan.stages[stage].keeps}

    def get(self, name: str, row: int, month: int) -> float:
        """One value, as rules see it."""
        return real(name, float(self.raw(name, month)[row]))

    def set(self, name: str, row: int, value: float, month: int) -> None:
        """Write one value."""
        self.put_raw(name, np.array([row]), np.array([unreal(name, value)]), month)

    def __getstate__(self) -> dict[str, Any]:
        """All but what is made anew where it is needed."""
        return {**vars(self), "now": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Columns of its own, with the values given."""
        vars(self).update(state)

    def __deepcopy__(self, memo: dict[int, Any]) -> Engine:
        twin = memo[id(self)] = type(self).__new__(type(self))
        taken = {name: value if name in GIVEN else deepcopy(value, memo) for name, value in self.__getstate__().items()}
        twin.__setstate__(taken)
        return twin

    def __copy__(self) -> Engine:
        return deepcopy(self)

    def empty(self, names: Iterable[str], rows: Array) -> None:
        """Set some places of some states to 0; a schedule is none of them."""
        for name in names:
            self.put_raw(name, rows, 0, 0)

    def renew(self, name: str) -> None:
        """Set a column to 0 and give its memory back, where the engine can."""
        self.put_raw(name, slice(None), 0, 0)

    def drop(self, names: Iterable[str]) -> None:
        """Forget columns that are not needed any more."""

    def close(self) -> None:
        """Let go of threads."""

    def clock(self, month: int) -> int:
        """Months since the set-up, which key a month's draws."""
        return month + self.warm_up

    def keys_of(self, rows: Rows | Array) -> Array:
        return super().keys_of(Rows.of(rows))

    def key_of(self, row: int) -> int:
        """The same for one borrower, as `draws.bits` takes it."""
        return int(self.keys_of(np.array([row]))[0])

    def uniforms(self, purpose: str, rows: Rows | Array, month: int) -> Array:
        """One keyed draw in (0, 1) for each borrower listed."""
        found = (self.words(purpose, rows, month) >> np.uint32(8)).astype(np.float64)
        found += 0.5
        found *= 1.0 / 16_777_216.0
        return found

    def measures(self, stage: Stage, rows: Rows) -> Array:
        """Room for what a stage measures."""
        return np.zeros((len(MEASURED), len(rows) if stage.measures else 0))

    def in_parts(self, work: Callable[[int, int], Any], length: int, least: int = 1) -> list[Any]:
        """`work` from 0 to `length`, with threads by parts of at least `least`; gives what each part gave."""
        return [work(0, length)]

    def words(self, purpose: str, rows: Rows | Array, month: int) -> Array:
        """The 32 bits of one keyed draw for each borrower listed."""
        rows = Rows.of(rows)
        at, out = rows.at, np.empty(len(rows.at), np.uint32)
        block, lane = divmod(PURPOSES[purpose], 4)
        when, keys = BIRTH if lifelong(purpose) else self.clock(month), NO_KEYS if self.keys is None else self.keys
        given = (*self.keyed, keys, self.raw("generation", month), at, rows.starts, self.bases, when, block, lane, out)
        if len(at):
            self.in_parts(lambda first, last: draw_listed(first, last, *given), len(at))
        return out

    def long_words(self, purpose: str, rows: Rows | Array, month: int) -> Array:
        """64 bits for each borrower listed, from a purpose and its `_low` twin: for lotteries and queues."""
        found = self.words(purpose, rows, month).astype(np.uint64)
        found <<= np.uint64(32)
        found |= self.words(f"{purpose}_low", rows, month)
        return found

    def named_terms(self, terms: Array) -> SimpleNamespace:
        """The month's terms of one world by name, for rules called from Python."""
        return SimpleNamespace(**dict(zip(self.terms, terms.tolist(), strict=True)))

    def clear(self, rows: Rows | Array, month: int, stage: str) -> None:
        """Empty the slots listed for new borrowers, who then go through a stage.

        Increments the generation. Does not clear void fields, nor fields that the stage overwrites without reading.
        """
        at = self.places(Rows.of(rows))
        generations = self.raw("generation", month)[at].astype(np.int64) + 1
        self.empty(left_to_empty(frozenset() if self.overrides else self.plan.stages[stage].sets), at)
        self.put_raw("generation", at, np.minimum(generations, 32_000).astype(np.int16), month)

    def apply(self, rule: Rule, row: int, draws: dict[str, float], terms: SimpleNamespace, month: int) -> None:
        """One rule, or the Python method in its place, on one borrower."""
        self.now = (month, terms, draws)
        override = self.overrides.get(rule.name)
        if override is not None:
            override(row)
        else:
            self.follow(rule, row)

    def follow(self, rule: Rule, row: int) -> None:
        """The rule itself on one borrower, with the draws and terms of the moment."""
        assert self.now is not None
        month, terms, draws = self.now
        values = [
            terms if name == "terms" else (draws[name] if name in draws else self.get(name, row, month))
            for name in rule.reads
        ]
        try:
            found = rule.function(*values)
        except ArithmeticError as error:
            raise OutOfRange(f"rule {rule.name}: {error}") from None
        results = found if isinstance(found, tuple) else (found,)
        refuse_count(rule, len(results))
        for name, value in zip(rule.writes, results, strict=True):
            if name in MEASURED:
                self.measured[name] = value
                continue
            if self.checks or rule.user_defined:
                self.refuse(rule, name, value)
            self.set(name, row, as_stored(name, value), month)

    def refuse(self, rule: Rule, name: str, value: Any) -> None:
        """What a column could not hold: from a user-defined rule, and in tests from any."""
        if not isinstance(value, Real | np.bool_):
            raise OutOfRange(f"rule {rule.name}: {name} = {repr(value)[:40]} is no number")
        number: Any = value
        storage = FIELDS[name].storage
        most = STORABLE.get(storage, 1e30)
        if not abs(number) <= most or (storage in ("i1", "i2", "i4") and number != whole(number)):
            raise OutOfRange(f"rule {rule.name}: {name} = {value!r} is outside the storable range or not whole")


def copy_of_world[E: Engine](engine: E, world: int) -> E:
    """An engine like this one with the seed, slots and keys of one of its worlds, whose columns are still to be set."""
    found = type(engine).__new__(type(engine))
    vars(found).update(vars(engine))
    start, stop = engine.bases[world : world + 2].tolist()
    found.seeds, found.bases, found.size = (engine.seeds[world],), np.array([0, stop - start]), stop - start
    found.keyed = tuple(half[world : world + 1] for half in engine.keyed)
    found.keys = None if engine.keys is None else engine.keys[start:stop]
    return found


def copy_of_worlds[E: Engine](engines: Sequence[E]) -> E:
    """An engine like the first with the seeds, slots and keys of all, whose columns are still to be set."""
    first = engines[0]
    found = type(first).__new__(type(first))
    vars(found).update(vars(first))
    found.seeds, found.bases = tuple(one.seeds[0] for one in engines), offsets([one.size for one in engines])
    found.size = int(found.bases[-1])
    found.keyed = tuple(np.concatenate([one.keyed[half] for one in engines]) for half in range(2))
    found.keys = None if first.keys is None else np.concatenate([one.keys for one in engines if one.keys is not None])
    return found
