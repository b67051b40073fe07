"""The compiled engine: generated loops over columns, in chunks, on any number of threads, without a bit's difference."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import cache, lru_cache, partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

import llvmlite
import numba
import numpy as np
from numba import njit, types
from numba.core.compiler import Compiler
from numba.core.errors import NumbaError

from zerolimit.basics.errors import OutOfRange
from zerolimit.engine.base import (
    NO_KEYS,
    Array,
    Engine,
    Options,
    Result,
    Unfit,
    Wrong,
    copy_of_world,
    copy_of_worlds,
    real,
    refuse_count,
    unfit,
    unreal,
)
from zerolimit.engine.columns import beginnings, empty_rows
from zerolimit.engine.generated import hash_of, loaded, ready_mark, written
from zerolimit.engine.library import make_known_once
from zerolimit.engine.plan import FLOW_NAMES, Plan, Stage, dtype
from zerolimit.engine.registry import engine
from zerolimit.engine.rows import Rows
from zerolimit.engine.source import (
    GUARD,
    HALF,
    HALVES,
    driver_columns,
    gate_arguments,
    key_arguments,
    list_columns,
    loop_columns,
    month_source,
    roll_arrays,
)
from zerolimit.rules.rule import Rule, fingerprint
from zerolimit.vocabulary.cells import CELLS
from zerolimit.vocabulary.draws import WORLD
from zerolimit.vocabulary.fields import DTYPES, FIELDS, INSTALMENTS, slot, slots

CHUNK = 4096
"""Borrowers taken through all loops of a stage at a time, so that their columns stay in cache."""


WIDTH = 32 if llvmlite.binding.get_host_cpu_features().get("avx512f", False) else 16
"""Borrowers that a dense loop takes at once: four vector registers of numbers, so that none waits for another."""

VALUES = 2**HALF
"""Of half an outcome word."""

FEW = 512
"""Borrowers of a list below which another thread is not worth its start: they cost much more than those of a column."""
MANY = 2**18
"""Borrowers of a list taken at once."""
PAGE, LINE = 4096, 64
"""Bytes of a page of memory and of a line of cache."""
APART = 13
"""Lines by which neighbouring columns are apart in a page: columns that start alike push each other out of the cache."""


class NoAlias(Compiler):
    """Tells LLVM that the columns do not overlap, which njit has no option for."""

    def define_pipelines(self) -> Any:
        self.state.flags.noalias = True
        return super().define_pipelines()  # type: ignore[no-untyped-call]


def side_by_side(kinds: dict[str, Any], size: int) -> dict[str, Array]:
    """Columns of zeros in one block of memory: fewer, larger pages, and no two columns at the same place in a page."""
    places, end = {}, 0
    for k, (name, kind) in enumerate(kinds.items()):
        places[name] = -(-end // PAGE) * PAGE + k * APART * LINE % PAGE
        end = places[name] + np.dtype(kind).itemsize * size
    block = np.zeros(end + PAGE, np.uint8)
    start = -block.ctypes.data % PAGE
    return {name: np.frombuffer(block, kinds[name], size, start + place) for name, place in places.items()}


@njit(cache=True, nogil=True)
def put_rows(column: Any, rows: Any, values: Any) -> None:
    """Write some rows of a column."""
    for k in range(len(rows)):
        column[rows[k]] = values[k]


@njit(cache=True, nogil=True)
def fill_rows(column: Any, rows: Any, value: Any) -> None:
    """Set some rows of a column to one value."""
    for row in rows:
        column[row] = value


@njit(cache=True, nogil=True)
def push_together(column: Any, places: Any, lengths: Any, at: Any) -> None:
    """Close the gaps between parts of a column that begin at `places`."""
    for part in range(len(places)):
        if places[part] > at[part]:
            for k in range(lengths[part]):
                column[at[part] + k] = column[places[part] + k]


@njit(cache=True, nogil=True)
def decode(words: Any, counts: Any) -> None:
    """Counts of bits from counts of half words; the halves' counts are cleared.

    Where there is anything, all values are added up for every bit: the processor takes several at once, and never guesses.
    """
    for k in range(words.shape[0]):
        for cell in range(words.shape[1]):
            for half in range(HALVES):
                some, seen = words[k, cell, half], np.uint32(0)
                for value in range(VALUES):
                    seen |= some[value]
                if seen == 0:
                    continue
                for bit in range(HALF):
                    total = np.uint32(0)
                    for value in range(VALUES):
                        total += some[value] * np.uint32((value >> bit) & 1)
                    counts[cell, k, half * HALF + bit] += np.int64(total)
                some[:] = 0


@contextmanager
def vectors() -> Iterator[None]:
    """While it lasts, LLVM makes vectors of WIDTH numbers wherever it may.

    Left to itself it compares with a scalar loop in which half the branches are skipped, and on processors without masks
    (AVX2) decides against vectors where they are two to four times faster.
    """
    llvmlite.binding.set_option("zerolimit", f"-force-vector-width={WIDTH}")
    try:
        yield
    finally:
        llvmlite.binding.set_option("zerolimit", "-force-vector-width=0")


class Loops:
    """The generated module for one plan, written to a file named by a hash of everything that went into it.

    Numba's own cache looks only at the file that holds a loop: a rule edited elsewhere would go on running stale.
    """

    def __init__(
        self, plan: Plan, terms: dict[str, int], user_rules: tuple[Rule, ...] = (), *, checks: bool = False
    ) -> None:
        injected = {rule.name: f"own_{k}" for k, rule in enumerate(user_rules)}
        for rule in {rule.name: rule for stage in plan.stages.values() for rule in stage.rules}.values():
            make_known_once(rule.function)
        self.plan, self.terms, self.user_rules, self.checks = plan, terms, user_rules, checks
        self.source = month_source(plan, terms, injected, checks)
        prints = [fingerprint(rule.function) for rule in user_rules]
        self.path = written("month", self.source, [hash_of("rules", "engine", "vocabulary"), *prints])
        key = (self.path, *(rule.function for rule in user_rules))
        if key not in LOADED:
            LOADED[key] = loaded(self.path, {injected[rule.name]: rule.function for rule in user_rules})
        self.module = LOADED[key]

    @property
    def ready(self) -> Path:
        """A mark beside the file: everything in it has been compiled on a machine with this processor."""
        return ready_mark(self.path)

    def entries(self) -> dict[str, tuple[Any, ...]]:
        """Every function that the engine calls, with the types of its arguments."""
        found: dict[str, tuple[Any, ...]] = {}
        number, keys, rows = types.int64, types.uint64[::1], types.int64[::1]
        head = (types.uint32[::1], types.uint32[::1], types.uint32)
        terms = types.float64[:, ::1]
        for stage in self.plan.stages.values():
            if stage.listed:
                parts = (rows, rows, number, number, terms, keys, rows, terms, rows)
                found[f"list_{stage.name}"] = (*head, *parts, rows, number)
                continue
            cube = types.int64[:, :, ::1]
            totals = (keys, cube, types.uint32[:, :, :, ::1], types.int64[:, :, :, ::1], types.int64[:, ::1], rows)
            found[f"stage_{stage.name}"] = (*head, number, number, number, rows, terms, *totals, rows, rows, number)
        return found

    def compile(self, names: Iterable[str]) -> None:
        """Compile some entries, or load them from the cache: first the dense loops in them, as vectors."""
        entries = self.entries()
        for name in names:
            with vectors():
                for loop, signatures in self.dense_loops(name.removeprefix("stage_")).items():
                    for signature in signatures:
                        self[loop].compile(signature)
            self[name].compile(entries[name])

    def dense_loops(self, stage: str) -> dict[str, list[tuple[Any, ...]]]:
        """The loops over everybody in a stage, with the types of their arguments; none for a list.

        Those that draw are compiled twice: with rows for keys, half a Philox round is the same for all.
        """
        found = self.plan.stages.get(stage)
        if found is None or found.listed:
            return {}
        head = (*[types.uint32] * 4, types.float64[::1])
        return {
            f"loop_{stage}_{k}": [
                (*head, *keys, *map(column_type, loop_columns(found, loop)))
                for keys in (((types.none,), (types.uint64[::1],)) if key_arguments(found, loop) else ((),))
            ]
            for k, loop in enumerate(found.loops)
            if not loop.where
        }

    def __reduce__(self) -> Any:
        return partial(Loops, checks=self.checks), (self.plan, self.terms, self.user_rules)

    def compile_all(self, say: Callable[[str], None]) -> None:
        """Compile what is not in the cache yet; on several cores where no user-defined rule is in it."""
        if not self.ready.exists():
            say("compiling the month for this machine: once, about half a minute")
            cores = min(2, os.cpu_count() or 1)
            if cores > 1 and not self.user_rules and not self.checks:
                compile_apart(self, cores)
            self.compile(self.entries())
            self.ready.touch()

    def __getitem__(self, name: str) -> Any:
        return getattr(self.module, name)


@lru_cache(64)
def loops_of(plan: Plan, terms: tuple[str, ...], user_rules: tuple[Rule, ...], *, checks: bool) -> Loops:
    """The loops of a plan, written out once in a process."""
    return Loops(plan, {name: k for k, name in enumerate(terms)}, user_rules, checks=checks)


@cache
def places_of_rolls(stage: Stage) -> tuple[tuple[str, dict[str, int]], ...]:
    """Of each list of a stage, where its rows and values are among `roll_arrays`."""
    order = roll_arrays(stage.rolls)
    return tuple(
        (roll.name, {name: order.index(f"{roll.name}_{name}") for name in ("rows", *roll.values)}) for roll in stage.rolls
    )


def column_type(name: str) -> Any:
    """Numba's type of a column."""
    return numba.from_dtype(np.dtype(dtype(name)))[::1]


def compile_apart(loops: Loops, cores: int) -> None:
    """Fill the cache from other processes, each with a share of the entries, the largest first."""
    entries = sorted(loops.entries(), key=lambda name: -len(loops.entries()[name]))
    shares = [entries[k::cores] for k in range(cores)]
    code = "from zerolimit.engine.compiled import compile_share; compile_share({!r})"
    workers = [
        subprocess.Popen([sys.executable, "-c", code.format(share)], env=worker_environment()) for share in shares[1:]
    ]
    loops.compile(shares[0])
    for worker in workers:
        worker.wait()


def worker_environment() -> dict[str, str]:
    """The environment of a process that finds this package where we found it."""
    package = str(Path(__file__).parent.parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}


def compile_share(names: list[str]) -> None:
    """In another process: compile some entries of the ordinary month into the cache."""
    ordinary_loops().compile(names)


def ordinary_loops() -> Loops:
    """The loops of the month as it is declared, without user-defined rules."""
    from zerolimit.engine.plan import make_plan
    from zerolimit.parameters.terms import TERMS

    return Loops(make_plan(frozenset(TERMS)), {name: k for k, name in enumerate(TERMS)})


LOADED: dict[tuple[Any, ...], ModuleType] = {}
"""Generated modules by name and user-defined rules, once each in a process: another run takes what is loaded."""


def alone(rule: Rule) -> Callable[..., Any]:
    """A rule compiled by itself, to be called for one borrower with values as the object engine has them."""
    make_known_once(rule.function)
    made: Any = namedtuple("Terms", rule.terms)  # type: ignore[misc]  # the names are known when it runs
    function = njit(error_model="numpy")(rule.function)

    def called(*values: Any) -> Any:
        given = zip(rule.reads, values, strict=True)
        return function(
            *(
                (made(*(getattr(value, term) for term in rule.terms)) if rule.terms else 0.0)
                if name == "terms"
                else float(value)
                for name, value in given
            )
        )

    return called


def refuse_uncompilable(rule: Rule) -> None:
    """OutOfRange where a user-defined rule cannot be compiled, or would not return a number for each field."""
    make_known_once(rule.function)
    made: Any = namedtuple("Terms", rule.terms)  # type: ignore[misc]  # the names are known when it runs
    terms = numba.typeof(made(*[0.0] * len(rule.terms)))  # type: ignore[no-untyped-call]
    alone = njit(error_model="numpy")(rule.function)
    try:
        alone.compile(tuple(terms if name == "terms" else types.float64 for name in rule.reads))
    except Exception as error:  # Numba ends in more than its own errors
        told = [line.strip() for line in str(error).splitlines() if isinstance(error, NumbaError)][1:2]
        why = f" ({told[0][:100]})" if told and told[0] else ""
        raise OutOfRange(f"rule {rule.name}: cannot be compiled{why}; engine='objects' runs it as plain Python") from None
    found = alone.nopython_signatures[0].return_type
    kinds = getattr(found, "types", (found,))
    refuse_count(rule, len(kinds))
    for name, kind in zip(rule.writes, kinds, strict=True):
        if not isinstance(kind, types.Integer | types.Float | types.Boolean):
            named = {types.NoneType: "None", types.Optional: "None", types.UnicodeType: "text", types.StringLiteral: "text"}
            what = next((word for one, word in named.items() if isinstance(kind, one)), str(kind)[:40])
            raise OutOfRange(f"rule {rule.name}: {name} can be {what}, which is no number")


@cache
def fused(rule: Rule, source: str, scope: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    """The function `loop` of a source text that calls a user-defined rule, compiled."""
    refuse_uncompilable(rule)
    named = dict(scope)
    exec(source, named)
    return njit(nogil=True, error_model="numpy")(named["loop"])


POOLS: WeakValueDictionary[tuple[int, int], ThreadPoolExecutor] = WeakValueDictionary()
"""Threads by process and number: engines of one process share them, and the last one takes them along."""


def threads_of(process: int, number: int) -> ThreadPoolExecutor:
    """So many threads of this process; a forked child has none of its parent's."""
    found = POOLS.get((process, number))
    return found if found is not None else POOLS.setdefault((process, number), ThreadPoolExecutor(number))


def taken(box: list[Callable[..., Any]], *arguments: Any) -> Any:
    """Do the work in a box; the thread keeps nothing of it when it is done."""
    return box.pop()(*arguments)


MADE_ANEW: dict[str, Any] = {"pool": None, "room": {}, "listing": {}, "keeps": {}, "places_of": {}, "to_empty": {}}
"""What a copy makes for itself when it needs it."""


@engine("compiled")
class Compiled(Engine):
    """Runs stages over columns: one array a field."""

    compiles = True
    several = True

    def __init__(
        self,
        plan: Plan,
        terms: tuple[str, ...],
        seeds: Sequence[int],
        sizes: Sequence[int],
        options: Options | None = None,
    ) -> None:
        super().__init__(plan, terms, seeds, sizes, options)
        options = options or Options()
        user_rules, overrides, threads = options.user_rules, options.overrides, options.threads
        self.loops = loops_of(plan, terms, user_rules, checks=options.checks)
        if overrides or not self.loops.ready.exists():
            for rule in user_rules:
                if rule.name not in self.overrides:
                    refuse_uncompilable(rule)
        self.compile(options.say)
        self.threads = threads
        self.pool: ThreadPoolExecutor | None = None
        self.room: dict[tuple[str, int], tuple[Array, ...]] = {}
        self.listing: dict[str, list[Array]] = {}
        self.keeps: dict[str, dict[str, Array]] = {}
        self.places_of: dict[tuple[str, int, int], Array] = {}
        """Where the columns of a stage begin, by its name, thread, and month of a schedule's turn."""
        self.to_empty: dict[tuple[str, ...], tuple[Array, Array]] = {}
        """Where columns that are emptied together begin, and the bytes of a number in each."""
        self.lent = False
        """Whether the columns are another engine's."""
        size = self.size
        dense = {name for stage in plan.stages.values() if not stage.listed for name in stage.columns}
        alone = [name for name in plan.columns if name not in dense]
        self.arrays = side_by_side({name: dtype(name) for name in plan.columns if name in dense}, size)
        self.arrays.update({name: np.zeros(size, dtype(name)) for name in alone})
        if overrides:
            for stage in plan.stages.values():
                if self.is_overridden(stage):
                    written = [name for rule in stage.rules for name in rule.writes if name in FLOW_NAMES]
                    for name in (*stage.scratch, *written):
                        self.arrays.setdefault(name, np.zeros(size, dtype(name)))

    @classmethod
    def prepare(cls, say: Callable[[str], None]) -> None:
        ordinary_loops().compile_all(say)

    def fused(self, rule: Rule, source: str, scope: dict[str, Any]) -> Callable[..., Any]:
        return fused(rule, source, tuple(scope.items()))

    def compile(self, say: Callable[[str], None]) -> None:
        """Compile what this machine has not compiled yet; with rules in plain Python each loop when it is first run."""
        if self.overrides:
            say("compiling the month around rules in plain Python, some half a minute")
        else:
            self.loops.compile_all(say)

    def is_overridden(self, stage: Stage) -> bool:
        """Whether a rule of the stage is overridden in plain Python."""
        return bool(self.overrides) and any(rule.name in self.overrides for rule in stage.rules)

    def raw(self, name: str, month: int) -> Array:
        return self.arrays[slot(name, month)]

    def beginnings(self, stage: Stage, month: int, piece: int = 0) -> Array:
        """Where the columns, room and lists of a stage begin on one thread, in the order in which its driver takes them."""
        key = (stage.name, piece, month % INSTALMENTS)
        found = self.places_of.get(key)
        if found is None:
            names = list_columns(stage) if stage.listed else driver_columns(stage)
            arrays = [self.arrays[name] for name in slots(names, month % INSTALMENTS)]
            if not stage.listed:
                _, _, *scratch = self.workspace(stage, piece)
                arrays += [*scratch, *self.lists(stage), *self.room_for_kept(stage).values()]
            found = self.places_of[key] = beginnings(arrays)
        return found

    def put_raw(self, name: str, rows: Array | slice, values: Any, month: int) -> None:
        column = self.arrays[slot(name, month)]
        if isinstance(rows, slice):
            column[rows] = values
            return
        if len(rows) == 0:
            return
        rows = np.ascontiguousarray(rows, np.int32)
        if isinstance(values, np.ndarray):
            values = np.ascontiguousarray(values, column.dtype)
            self.in_parts(lambda start, stop: put_rows(column, rows[start:stop], values[start:stop]), len(rows))
        else:
            value = column.dtype.type(values)
            self.in_parts(lambda start, stop: fill_rows(column, rows[start:stop], value), len(rows))

    def empty(self, names: Iterable[str], rows: Array) -> None:
        key = tuple(names)
        if key not in self.to_empty:
            columns = [self.arrays[name] for name in key]
            self.to_empty[key] = beginnings(columns), np.array([one.itemsize for one in columns])
        where, widths = self.to_empty[key]
        rows = np.ascontiguousarray(rows, np.int32)
        if len(rows):
            self.in_parts(lambda start, stop: empty_rows(where, widths, self.size, rows[start:stop]), len(rows), FEW)

    def renew(self, name: str) -> None:
        if self.lent or self.worlds > 1:
            self.arrays[name].fill(0)
        else:
            self.arrays[name] = np.zeros(self.size, DTYPES[FIELDS[name].storage])
            self.places_of, self.to_empty = {}, {}

    def drop(self, names: Iterable[str]) -> None:
        for name in names:
            self.arrays.pop(name, None)
        self.places_of, self.to_empty = {}, {}

    def pieces(self, length: int, least: int = CHUNK, most: int = WORLD) -> list[tuple[int, int]]:
        """Ranges from 0 to `length`, one a thread or none above `most`; each but the last a multiple of `least`."""
        if (self.threads == 1 or length < 4 * least) and length <= most:
            return [(0, length)]
        size = min(math.ceil(length / self.threads / least) * least, most)
        return [(start, min(start + size, length)) for start in range(0, length, size)]

    def map(self, work: Callable[..., Any], *arguments: Iterable[Any]) -> list[Any]:
        """As `map`, each call on a thread."""
        calls = list(zip(*arguments, strict=True))
        if self.threads == 1 or len(calls) == 1:
            return [work(*call) for call in calls]
        self.pool = threads_of(os.getpid(), self.threads)
        return list(self.pool.map(taken, [[work] for _ in calls], *zip(*calls, strict=True)))

    def in_parts(self, work: Callable[[int, int], Any], length: int, least: int = CHUNK) -> list[Any]:
        pieces = self.pieces(length, least, MANY)
        return [work(0, length)] if len(pieces) == 1 else self.map(work, *zip(*pieces, strict=True))

    def lists(self, stage: Stage) -> list[Array]:
        """Room for the lists of a stage, in the order of `roll_arrays`, made once. Untouched pages cost no memory."""
        if stage.name not in self.listing:
            values = [DTYPES[FIELDS[value].storage] for roll in stage.rolls for value in roll.values]
            self.listing[stage.name] = [np.empty(self.size, kind) for kind in (*["int32"] * len(stage.rolls), *values)]
        return self.listing[stage.name]

    def workspace(self, stage: Stage, piece: int) -> tuple[Array, ...]:
        """Room for counted words, for borrowers found and for scratch of one stage on one thread, made once."""
        key = (stage.name, piece)
        room = self.room.get(key)
        if room is None:
            words = np.zeros((len(stage.words), CELLS, HALVES, VALUES), np.uint32)
            some = np.empty(self.size if self.is_overridden(stage) else CHUNK, np.int64)
            scratch = side_by_side({name: dtype(name) for name in stage.scratch}, CHUNK)
            room = self.room[key] = (words, some, *scratch.values())
        return room

    def totals(self, stage: Stage, parts: int) -> tuple[Array, Array, Array]:
        """Sums, counts, and lengths of lists of one stage: of each world, or of each part of one world."""
        many = self.worlds if self.worlds > 1 else parts
        sums = np.zeros((many, CELLS, len(stage.sum_names)), np.int64)
        counts = np.zeros((many, CELLS, len(stage.words), HALVES * HALF), np.int64)
        return sums, counts, np.zeros((many, len(stage.rolls) + GUARD), np.int64)

    def shares(self) -> list[tuple[int, int]]:
        """What each thread takes of all borrowers: of several worlds, whole ones."""
        if self.worlds == 1:
            return self.pieces(self.size)
        if self.threads == 1:
            return [(0, self.size)]
        wished = np.arange(1, self.threads) * self.size // self.threads
        ends = np.unique([0, *self.bases[np.searchsorted(self.bases, wished)].tolist(), self.size]).tolist()
        return list(pairwise(ends))

    def stage(self, name: str, month: int, terms: Array) -> Result:
        stage = self.plan.stages[name]
        if self.is_overridden(stage):
            return self.stage_apart(stage, month, terms)
        function = self.loops[f"stage_{name}"]
        pieces = self.shares()
        totals = self.totals(stage, len(pieces))
        head = (*self.keyed, np.uint32(self.clock(month)))
        fixed = (CHUNK, self.bases, terms, NO_KEYS if self.keys is None else self.keys)

        def run(number: int, start: int, stop: int) -> None:
            words, some, *_ = self.workspace(stage, number)
            mine = totals if self.worlds > 1 or len(pieces) == 1 else [one[number : number + 1] for one in totals]
            sums, counts, lengths = mine
            places = self.beginnings(stage, month, number)
            function(*head, start, stop, *fixed, sums, words, counts, lengths, some, self.kept_rows, places, self.size)

        self.map(run, range(len(pieces)), *zip(*pieces, strict=True))
        return self.gathered(stage, *totals, pieces)

    def room_for_kept(self, stage: Stage) -> dict[str, Array]:
        """Where what is kept of a stage is left."""
        room = self.keeps.get(stage.name)
        if room is None:
            count = len(self.kept_rows)
            room = self.keeps[stage.name] = {name: np.empty(count, dtype(name)) for name in stage.keeps}
        return room

    def keep(self, rows: Array) -> None:
        super().keep(rows)
        self.keeps, self.places_of = {}, {}

    def kept(self, stage: str, month: int) -> dict[str, Array]:
        found = self.plan.stages[stage]
        return super().kept(stage, month) if self.is_overridden(found) else self.room_for_kept(found)

    def gathered(self, stage: Stage, sums: Array, counts: Array, lengths: Array, pieces: list[tuple[int, int]]) -> Result:
        """Totals over the threads, and lists in order of the borrowers: views, valid until the stage next runs.

        Of one world, sums, counts and lists have a part for each thread; of several, for each world, one thread's alone.
        """
        parts = len(lengths)
        places = self.bases[:-1]
        if self.worlds == 1 and parts > 1:
            places = np.array([start for start, _ in pieces])
            sums, counts = sums.sum(axis=0, keepdims=True), counts.sum(axis=0, keepdims=True)
        lists = self.lists(stage)
        ends = np.zeros((len(stage.rolls), parts + 1), np.int64)
        lengths[:, : len(stage.rolls)].T.cumsum(axis=1, out=ends[:, 1:])
        rolls: dict[str, dict[str, Any]] = {}
        for k, (roll, columns) in enumerate(places_of_rolls(stage)):
            starts = ends[k]
            end = int(starts[-1])
            if parts > 1:
                for at in columns.values():
                    push_together(lists[at], places, lengths[:, k], starts[:-1])
            rolls[roll] = {name: lists[at][:end] for name, at in columns.items()}
            found = rolls[roll]["rows"]
            rolls[roll]["rows"] = Rows(found, starts) if self.worlds > 1 or parts == 1 else Rows.alone(found)
        wrong: dict[int, Wrong] = {}
        failures: dict[int, int] = {}
        if lengths[:, -GUARD:].any():
            for part, (number, row, at, value, many) in enumerate(lengths[:, -GUARD:].tolist()):
                world = 0 if self.worlds == 1 else part
                if number:
                    before = wrong.get(world, (0, row, stage.guards[at], value))
                    wrong[world] = (before[0] + number, *before[1:])
                if many:
                    failures[world] = failures.get(world, 0) + many
        return Result(sums, counts, rolls, wrong, {world: unfit(stage, many) for world, many in failures.items()})

    def stage_apart(self, stage: Stage, month: int, terms: Array) -> Result:
        """A stage with a rule in plain Python: loop after loop over everybody, that rule borrower by borrower.

        Who overrides rules runs one world.
        """
        [of_world], [key] = terms, zip(*self.keyed, strict=True)
        words, some, *_ = self.workspace(stage, 0)
        totals = sums, counts, lengths = self.totals(stage, 1)
        gate = dict(zip(roll_arrays(stage.rolls), self.lists(stage), strict=True))
        gate.update(rows=some, words=words, sums=sums[0], lengths=lengths[0])
        for number, loop in enumerate(stage.loops):
            if any(rule.name in self.overrides for rule in loop.rules):
                rows = np.flatnonzero(self.raw(loop.where, month)) if loop.where else np.arange(self.size)
                for name in loop.stores if loop.where else ():
                    if name in FLOW_NAMES:
                        self.arrays[name].fill(0)
                self.in_python(loop.rules, rows, month, of_world)
                continue
            columns = [self.raw(column, month) for column in loop_columns(stage, loop)]
            keys = NO_KEYS if self.keys is None and loop.where else self.keys
            given = [*[keys] * len(key_arguments(stage, loop)), *(gate[name] for name in gate_arguments(stage, loop))]
            self.loops[f"loop_{stage.name}_{number}"](
                *key, np.uint32(self.clock(month)), np.uint32(0), of_world, *given, *columns
            )
        if stage.sum_names or stage.words or stage.rolls:
            columns = [self.raw(column, month) for column in stage.tally_columns]
            listed = [gate[name] for name in roll_arrays(stage.rolls[at] for at in stage.left_over[2])]
            tally = self.loops[f"tally_{stage.name}"]
            tally(0, *columns, gate["sums"], words, gate["lengths"], *listed)
            decode(words, counts[0])
        return self.gathered(stage, *totals, [(0, self.size)])

    def listed(self, name: str, rows: Rows | Array, month: int, terms: Array) -> Array:
        stage, rows = self.plan.stages[name], Rows.of(rows)
        out = np.ascontiguousarray(self.measures(stage, rows).T)
        if len(rows) == 0:
            return out.T
        terms = terms if terms.ndim == 2 else terms[None]
        if self.is_overridden(stage):
            return self.listed_apart(stage, rows.at, month, terms)
        places = self.beginnings(stage, month)
        at, keys = np.ascontiguousarray(rows.at, np.int64), NO_KEYS if self.keys is None else self.keys
        function = self.loops[f"list_{name}"]

        def run(first: int, last: int) -> Array:
            bad = np.zeros(self.worlds, np.int64)
            where = (self.bases, rows.starts, first, last)
            function(*self.keyed, np.uint32(self.clock(month)), *where, terms, keys, at, out, bad, places, self.size)
            return bad

        parts = self.in_parts(run, len(rows), FEW)
        self.refuse_bad(stage, sum(parts[1:], parts[0]))
        return out.T

    def listed_apart(self, stage: Stage, rows: Array, month: int, terms: Array) -> Array:
        """A list with a rule in plain Python."""
        out = self.measures(stage, Rows.alone(rows)).T.copy()
        [of_world], [key] = terms, zip(*self.keyed, strict=True)
        rows = np.ascontiguousarray(rows, np.int64)
        for number, loop in enumerate(stage.loops):
            if any(rule.name in self.overrides for rule in loop.rules):
                self.in_python(loop.rules, rows, month, of_world)
                continue
            columns = [self.raw(column, month) for column in loop_columns(stage, loop)]
            head = (*key, np.uint32(self.clock(month)), np.uint32(0), of_world, NO_KEYS if self.keys is None else self.keys)
            self.refuse_bad(stage, np.array([self.loops[f"loop_{stage.name}_{number}"](*head, rows, out, *columns)]))
        return out.T

    def refuse_bad(self, stage: Stage, bad: Array) -> None:
        """A user-defined rule (in tests: any rule) returned what its column cannot hold, in some worlds."""
        if bad.any():
            raise Unfit({int(w): unfit(stage, int(bad[w])) for w in np.flatnonzero(bad)})

    def in_python(self, rules: list[Rule], rows: Array, month: int, terms: Array) -> None:
        """Rules borrower by borrower, through the overriding methods where there are some."""
        named = self.named_terms(terms)
        for rule in rules:
            draws = {draw: self.uniforms(draw, rows, month) for draw in rule.draws}
            for k, row in enumerate(rows.tolist()):
                own = {draw: float(values[k]) for draw, values in draws.items()}
                self.apply(rule, row, own, named, month)

    def get(self, name: str, row: int, month: int) -> float:
        return real(name, float(self.raw(name, month)[row]))

    def set(self, name: str, row: int, value: float, month: int) -> None:
        self.raw(name, month)[row] = unreal(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), **deepcopy(MADE_ANEW), "lent": False}

    def __setstate__(self, state: dict[str, Any]) -> None:
        given = state["arrays"]
        arrays = side_by_side({name: array.dtype for name, array in given.items()}, state["size"])
        for name, array in given.items():
            arrays[name][:] = array
        super().__setstate__({**state, "arrays": arrays})
        self.compile(lambda text: None)

    def one(self, world: int) -> Compiled:
        if self.worlds == 1:
            return self
        start, stop = self.bases[world : world + 2].tolist()
        found = copy_of_world(self, world)
        found.arrays = {name: column[start:stop] for name, column in self.arrays.items()}
        vars(found).update(deepcopy(MADE_ANEW), lent=True)
        return found

    @classmethod
    def joined(cls, engines: Sequence[Compiled]) -> Compiled:
        found = copy_of_worlds(engines)
        kinds = {name: column.dtype for name, column in engines[0].arrays.items()}
        found.arrays = side_by_side(kinds, found.size)
        for name, column in found.arrays.items():
            for one, start, stop in zip(engines, found.bases[:-1], found.bases[1:], strict=True):
                column[start:stop] = one.arrays[name]
        vars(found).update(deepcopy(MADE_ANEW), lent=False)
        return found

    def close(self) -> None:
        self.pool = None
