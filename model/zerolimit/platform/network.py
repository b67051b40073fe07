"""Who hears of whom: mutual ties between slots, as a ring that takes no memory or as a compressed adjacency.

A tie belongs to the slot: whoever takes it takes its acquaintances too. A vacant slot is an acquaintance who says nothing.
The same seed gives the same network; networkx builds up to NETWORKX slots, compiled code of ours above, by the same recipe.
"""

from __future__ import annotations

import hashlib
import io
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, uint32, uint64

from zerolimit.basics.errors import BadInput, one_line
from zerolimit.basics.files import path_of, read_file
from zerolimit.engine.base import Array
from zerolimit.engine.philox import draw_words, philox
from zerolimit.engine.ring import heard_along, stored_share
from zerolimit.parameters.scenario import Scenario
from zerolimit.vocabulary.draws import WORLD, bits
from zerolimit.vocabulary.names import SECTORS

if TYPE_CHECKING:
    import networkx
    import pyarrow as pa

NETWORKX = 100_000
"""The largest network that networkx builds."""
ENDS = ("source", "target")
"""Columns of a file of ties."""

Edges = tuple[Array, Array]
"""Ties, each once: the slot at the one end and the slot at the other."""


@dataclass(frozen=True)
class Source:
    """The file that ties were read from, and the ids that it names slots by, if not their numbers."""

    name: str
    sha256: str
    ids: Any = None

    def table(self, edges: Edges) -> pa.Table:
        """Ties as `read_ties` reads them, for a run's folder."""
        import pyarrow as pa
        import pyarrow.compute as pc

        ends = (pa.array(end) if self.ids is None else pc.take(self.ids, pa.array(end)) for end in edges)
        return pa.table(dict(zip(ENDS, ends, strict=True)))


class Network(ABC):
    """Mutual ties between `size` slots."""

    source: Source | None = None
    steps: Array | None = None

    def __init__(self, size: int) -> None:
        self.size = size

    @abstractmethod
    def adjacency(self) -> tuple[Array, Array]:
        """(starts, others): the acquaintances of slot k are others[starts[k]:starts[k + 1]]."""

    @abstractmethod
    def hear(self, told: Array) -> Array:
        """The share of a borrower's acquaintances who reported, as the field `heard` stores it; 0 without acquaintances."""

    def degrees(self) -> Array:
        """How many acquaintances each slot has."""
        return np.diff(self.adjacency()[0])

    def edges(self) -> Edges:
        """Every tie once, the lower slot first, in order."""
        starts, others = self.adjacency()
        ones = np.repeat(np.arange(self.size, dtype=np.int32), np.diff(starts))
        keys = np.sort(pair_keys(ones[ones < others], others[ones < others], self.size))
        return ends_of(keys, self.size)


class Ring(Network):
    """Everybody has acquaintances at the same distances on both sides: contiguous reads, any size, no memory."""

    steps: Array

    def __init__(self, size: int, steps: Array) -> None:
        super().__init__(size)
        self.steps = steps

    def adjacency(self) -> tuple[Array, Array]:
        steps = np.concatenate([self.steps, -self.steps])
        others = (np.arange(self.size)[:, None] + steps) % self.size
        return np.arange(self.size + 1) * len(steps), others.ravel().astype(np.int32)

    def hear(self, told: Array) -> Array:
        return heard_along([self.steps], told, np.array([0, self.size]))


class Ties(Network):
    """Any ties, as a compressed adjacency: 8 bytes a slot and 8 a tie."""

    def __init__(self, size: int, edges: Edges, source: Source | None = None) -> None:
        super().__init__(size)
        self.source = source
        ones, others = (np.ascontiguousarray(end, np.int32) for end in edges)
        self.starts = np.zeros(size + 1, np.int64)
        self.others = np.empty(2 * len(ones), np.int32)
        compress(ones, others, self.starts, self.others)

    def adjacency(self) -> tuple[Array, Array]:
        return self.starts, self.others

    def hear(self, told: Array) -> Array:
        heard = np.zeros(self.size, np.int16)
        spread(told, self.starts, self.others, np.zeros(self.size, np.int32), heard)
        return heard


@njit(cache=True, nogil=True)
def compress(ones: Any, others: Any, starts: Any, found: Any) -> None:
    """Ties, each once, to a compressed adjacency with both directions; starts come as zeros."""
    for k in range(len(ones)):
        starts[ones[k]] += 1
        starts[others[k]] += 1
    total = 0
    for slot in range(len(starts)):
        total += starts[slot]
        starts[slot] = total
    for k in range(len(ones) - 1, -1, -1):
        starts[ones[k]] -= 1
        found[starts[ones[k]]] = others[k]
        starts[others[k]] -= 1
        found[starts[others[k]]] = ones[k]


@njit(cache=True, nogil=True)
def spread(told: Any, starts: Any, others: Any, counts: Any, heard: Any) -> None:
    """The share of a borrower's acquaintances who reported, found from those who reported."""
    for slot in range(len(told)):
        if told[slot]:
            for place in range(starts[slot], starts[slot + 1]):
                counts[others[place]] += 1
    for slot in range(len(told)):
        if counts[slot]:
            heard[slot] = stored_share(counts[slot], starts[slot + 1] - starts[slot])


# networks from the scenario


def build(scenario: Scenario, seed: int, sectors: Array | None = None, ids: Any = None) -> Network:
    """The network that a scenario asks for.

    `sectors` are those of the first population, for sector_blocks only; `ids` a portfolio's, as an Arrow array.
    """
    kind, size, degree = scenario.network, scenario.borrowers, scenario.acquaintances
    if kind == "file":
        assert scenario.network_file is not None
        return read_ties(scenario.network_file, size, ids)
    if kind == "ring":
        return Ring(size, strides(seed, size, degree))
    if kind == "none" or degree == 0:
        return Ring(size, np.zeros(0, np.int64))
    key = (bits(seed, WORLD, 0, 0, "u_lottery"), bits(seed, WORLD, 1, 0, "u_lottery"))
    make = networkx_ties if size <= NETWORKX else own_ties
    blocks = [] if sectors is None else sector_blocks(sectors, degree, scenario.sector_ties)
    return Ties(size, make(kind, key, size, degree, scenario.rewiring, blocks))


def strides(seed: int, size: int, acquaintances: int) -> Array:
    """Distances along the ring of a borrower's acquaintances: half near (1, 2, ...), half far, drawn once from the seed."""
    half = min(acquaintances // 2, (size - 1) // 2)
    near = list(range(1, half - half // 2 + 1))
    far: list[int] = []
    at = 0
    while len(near) + len(far) < half:
        distance = 1 + bits(seed, WORLD, at, 0, "u_lottery") % max(1, (size - 1) // 2)
        at += 1
        if distance not in near and distance not in far:
            far.append(distance)
    return np.array(near + far, np.int64)


@dataclass(frozen=True)
class Block:
    """So many ties at random between two groups of slots, or within one."""

    ones: Array
    others: Array
    ties: int

    @property
    def within(self) -> bool:
        return self.ones is self.others


def sector_blocks(sectors: Array, degree: int, within: float) -> list[Block]:
    """Ties within each sector and between each two: a sector's share of all ties within is its share of the slots.

    Within sector a with n_a of n slots: within x degree x n_a / 2 ties. Between a and b: (1 - within) x degree x n / 2
    ties, shared by n_a x n_b. Which slots are tied is equally likely for all pairs of a block.
    """
    groups = [np.flatnonzero(sectors == code) for code in range(len(SECTORS))]
    blocks, wanted, possible = [], [], []
    across = [(a, b) for a in range(len(groups)) for b in range(a) if len(groups[a]) and len(groups[b])]
    pairs = sum(len(groups[a]) * len(groups[b]) for a, b in across)
    for name, group in zip(SECTORS, groups, strict=True):
        blocks.append(Block(group, group, round(within * degree * len(group) / 2)))
        wanted.append(f"within sector {name}")
        possible.append(len(group) * (len(group) - 1) // 2)
    for a, b in across:
        share = len(groups[a]) * len(groups[b]) / pairs
        blocks.append(Block(groups[a], groups[b], round((1.0 - within) * degree * len(sectors) / 2 * share)))
        wanted.append(f"between sectors {SECTORS[b]} and {SECTORS[a]}")
        possible.append(len(groups[a]) * len(groups[b]))
    if not across and within < 1.0:
        raise BadInput(f"sector_ties: everybody is in one sector, so it must be 1, not {within:g}")
    for block, where, most in zip(blocks, wanted, possible, strict=True):
        if block.ties > most:
            raise BadInput(
                f"acquaintances: {degree} with sector_ties {within:g} need {block.ties:,} ties {where}, where"
                f" {len(block.ones):,} borrowers can have {most:,}"
                if block.within
                else f"acquaintances: {degree} with sector_ties {within:g} need {block.ties:,} ties {where}, where"
                f" {len(block.ones):,} and {len(block.others):,} borrowers can have {most:,}"
            )
    return blocks


def networkx_ties(
    kind: str, key: tuple[int, int], size: int, degree: int, rewiring: float, blocks: Iterable[Block]
) -> Edges:
    """Ties by networkx: Watts-Strogatz, Barabási-Albert, or random graphs with a given number of ties, block by block."""
    import networkx as nx
    from networkx.algorithms import bipartite

    chance = random.Random(key[1] << 32 | key[0])
    if kind == "small_world":
        return edges_of(nx.watts_strogatz_graph(size, degree, rewiring, seed=chance))
    if kind == "scale_free":
        return edges_of(nx.barabasi_albert_graph(size, degree // 2, seed=chance))
    parts = []
    for block in blocks:
        if block.within:
            ones, others = edges_of(nx.gnm_random_graph(len(block.ones), block.ties, seed=chance))
            parts.append((block.ones[ones], block.ones[others]))
        else:
            graph = bipartite.gnmk_random_graph(len(block.ones), len(block.others), block.ties, seed=chance)
            ones, others = edges_of(graph)
            parts.append((block.ones[ones], block.others[others - len(block.ones)]))
    return np.concatenate([one for one, _ in parts]), np.concatenate([other for _, other in parts])


def edges_of(graph: networkx.Graph) -> Edges:
    """A graph's edges; its nodes are numbers."""
    ends = np.fromiter(chain.from_iterable(graph.edges), np.int64, 2 * graph.number_of_edges())
    return ends[::2], ends[1::2]


# large networks


def own_ties(kind: str, key: tuple[int, int], size: int, degree: int, rewiring: float, blocks: Iterable[Block]) -> Edges:
    """Ties as networkx would draw them, without its objects: from keyed draws, whole numbers only."""
    words = Words(key)
    if kind == "small_world":
        return small_world(words, size, degree // 2, rewiring)
    if kind == "scale_free":
        ends = np.empty((size - degree // 2) * (degree // 2) * 2, np.int32)
        attach(*words.key, size, degree // 2, ends)
        return ends[::2], ends[1::2]
    keys = np.concatenate([block_keys(words, number, block, size) for number, block in enumerate(blocks)])
    return ends_of(keys, size)


class Words:
    """The network's own random words: a function of (slot or tie, number, attempt, lane)."""

    def __init__(self, key: tuple[int, int]) -> None:
        self.key = np.uint32(key[0]), np.uint32(key[1])

    def draw(self, rows: Array, numbers: Array, attempt: int, lane: int) -> Array:
        """32 bits each."""
        out = np.empty(len(rows), np.uint32)
        draw_words(*self.key, rows, numbers, np.uint32(attempt), np.uint32(0), lane, out)
        return out

    def below(self, most: int, rows: Array, numbers: Array, attempt: int, lane: int) -> Array:
        """Whole numbers from 0 to most - 1."""
        scaled = self.draw(rows, numbers, attempt, lane).astype(np.uint64) * np.uint64(most)
        return (scaled >> np.uint64(32)).astype(np.int64)


def pair_keys(ones: Array, others: Array, size: int) -> Array:
    """A number for each tie, whichever end comes first."""
    return np.minimum(ones, others).astype(np.int64) * size + np.maximum(ones, others)


def ends_of(keys: Array, size: int) -> Edges:
    """The ties behind their numbers."""
    return (keys // size).astype(np.int32), (keys % size).astype(np.int32)


def different(keys: Array) -> Array:
    """Each number once, sorted; for millions faster than numpy.unique."""
    keys = np.sort(keys)
    return keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys


def small_world(words: Words, size: int, half: int, rewiring: float) -> Edges:
    """Watts and Strogatz (1998): `half` nearest on each side of a ring, each tie's far end moved with probability rewiring.

    A tie is moved to somebody at random who is no acquaintance yet.
    """
    rows, steps = np.tile(np.arange(size), half), np.repeat(np.arange(1, half + 1, dtype=np.int16), size)
    moved = words.draw(rows, steps, 0, 0) < rewiring * 2.0**32
    taken = np.sort(pair_keys(rows[~moved], (rows[~moved] + steps[~moved]) % size, size))
    rows, steps = rows[moved], steps[moved]
    attempt = 0
    while len(rows):
        ends = words.below(size, rows, steps, attempt, 1)
        keys = pair_keys(rows, ends, size)
        good = np.zeros(len(keys), np.bool_)
        good[np.unique(keys, return_index=True)[1]] = True
        good &= (rows != ends) & ~contains(taken, keys)
        taken = np.sort(np.concatenate([taken, keys[good]]))
        rows, steps = rows[~good], steps[~good]
        attempt += 1
    return ends_of(taken, size)


def contains(known: Array, keys: Array) -> Array:
    """Which keys are among the known ones, which are sorted."""
    if len(known) == 0:
        return np.zeros(len(keys), np.bool_)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return known[places] == keys


def block_keys(words: Words, number: int, block: Block, size: int) -> Array:
    """So many different ties of a block, each equally likely."""
    keys = np.zeros(0, np.int64)
    attempt = 0
    while len(keys) < block.ties:
        rows = np.arange(block.ties - len(keys))
        numbers = np.full(len(rows), number, np.int16)
        ones = block.ones[words.below(len(block.ones), rows, numbers, attempt, 0)]
        others = block.others[words.below(len(block.others), rows, numbers, attempt, 1)]
        keys = different(np.concatenate([keys, pair_keys(ones, others, size)[ones != others]]))
        attempt += 1
    return keys


@njit(cache=True, nogil=True)
def attach(key0: Any, key1: Any, size: Any, half: Any, ends: Any) -> None:
    """Barabási and Albert (1999): from a star of half + 1, each newcomer ties to `half` others, by their numbers of ties.

    Writes both ends of each tie, the newcomer first: somebody picked from what is written so far is picked by degree.
    """
    for k in range(half):
        ends[2 * k] = k + 1
        ends[2 * k + 1] = 0
    for slot in range(half + 1, size):
        before = 2 * half * (slot - half)
        attempt = uint32(0)
        for k in range(half):
            again = True
            while again:
                word = philox(key0, key1, uint32(slot), attempt, uint32(0), uint32(0))[0]
                attempt += uint32(1)
                other = ends[(uint64(word) * uint64(before)) >> uint64(32)]
                again = False
                for j in range(k):
                    again = again or ends[before + 2 * j + 1] == other
            ends[before + 2 * k] = slot
            ends[before + 2 * k + 1] = other


# ties from a file


def read_ties(source: str, size: int, ids: Any = None) -> Ties:
    """Ties from a CSV, CSV.gz or Parquet file with columns source and target, or from GraphML.

    Ends are a portfolio's ids where there are some, else slots from 0. Ties are mutual; one given more than once, or in
    both directions, counts once. Other columns are not used.
    """
    from zerolimit.portfolio.tables import Most, inflated

    path = path_of(source, "network_file")
    where = f"network {path.name}"
    data = read_file(path, "network_file")
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(b"\x1f\x8b"):
        data = inflated(data, where, Most())
    if not data.strip():
        raise BadInput(f"{where}: the file is empty; a header {','.join(ENDS)} and a row a tie are needed")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        table, place = from_graphml(data, where)
    else:
        table, place = from_table(data, where)
    if table.num_rows == 0:
        raise BadInput(f"{where}: no ties; at least one is needed (network = none is a world without)")
    ones, others = (slots_of(table[name], name, where, place, size, ids) for name in ENDS)
    if (loops := ones == others).any():
        row = int(np.argmax(loops))
        raise BadInput(f"{where} {place(row)}: {table[ENDS[0]][row].as_py()[:40]!r} is tied to itself; leave such ties out")
    return Ties(size, ends_of(different(pair_keys(ones, others, size)), size), Source(path.name, digest, ids))


def from_table(data: bytes, where: str) -> tuple[pa.Table, Callable[[int], str]]:
    """Both ends of each tie as text, and what to call a row of a CSV or Parquet file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from zerolimit.basics.wording import shown
    from zerolimit.portfolio.tables import Most, from_csv, from_parquet, like

    binary = data.startswith(b"PAR1")
    raw = from_parquet(data, where, "", Most()) if binary else from_csv(data, where, "", Most(), wanted=ENDS)
    for name in ENDS:
        if raw.names.count(name) != 1:
            close = like(name, raw.names)
            hint = f"is {close!r} the {name}?" if close and close not in ENDS else f"there are {shown(raw.names)}"
            raise BadInput(f"{where}: columns {' and '.join(ENDS)} are needed, once each; {hint}")
    taken = dict(zip(ENDS, raw.take([raw.names.index(name) for name in ENDS]), strict=True))
    rows = len(taken[ENDS[0]])

    ends = {}
    for name in ENDS:
        try:
            ends[name] = pc.cast(taken[name], pa.string())
        except pa.ArrowException:
            raise BadInput(f"{where}: column {name!r} holds {taken[name].type}; names or numbers are needed") from None
    return pa.table(ends), lambda row: raw.place(row, rows)


def from_graphml(data: bytes, where: str) -> tuple[pa.Table, Callable[[int], str]]:
    """Both ends of each edge as text, and what to call an edge."""
    import networkx as nx
    import pyarrow as pa

    try:
        edges = list(nx.read_graphml(io.BytesIO(data)).edges())
    except (SyntaxError, nx.NetworkXException, LookupError, ValueError, TypeError) as error:
        raise BadInput(f"{where}: not GraphML: {one_line(error, 160)}") from None
    ends = ([edge[k] for edge in edges] for k in range(2))
    return pa.table({name: pa.array(end, pa.string()) for name, end in zip(ENDS, ends, strict=True)}), (
        lambda row: f"edge {row + 1}"
    )


def slots_of(names: Any, column: str, where: str, place: Callable[[int], str], size: int, ids: Any) -> Array:
    """The slots behind a column of ids; BadInput for the first that is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pc.utf8_trim_whitespace(names.combine_chunks())
    if names.null_count:
        raise BadInput(f"{where} {place(int(np.argmax(np.asarray(names.is_null()))))}: column {column} is blank")
    if ids is None:
        number = pc.match_substring_regex(names, r"^\d{1,15}$")
        slots = pc.cast(pc.if_else(number, names, str(size)), pa.int64()).to_numpy()
        known = f"no slot (allowed: 0 to {size - 1:,}; ids need a portfolio with a column id)"
    else:
        texts = pc.utf8_trim_whitespace(pc.cast(ids, pa.string()))
        slots = pc.fill_null(pc.index_in(names, value_set=texts), size).to_numpy(zero_copy_only=False)
        known = f"no id of the portfolio (which has {', '.join(repr(one.as_py()[:40]) for one in texts[:3])}, ...)"
    unknown = slots >= size
    if unknown.any():
        row = int(np.argmax(unknown))
        raise BadInput(f"{where} {place(row)}: {column} {names[row].as_py()[:40]!r} is {known}")
    return slots
