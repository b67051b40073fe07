"""The acquaintance network: closed forms of each kind, for networkx and for our own builder, and who hears of whom."""

import gzip
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from zerolimit.basics.errors import BadInput
from zerolimit.engine.base import Array
from zerolimit.parameters.scenario import load_scenario
from zerolimit.parameters.terms import from_scenario
from zerolimit.platform import network
from zerolimit.platform.network import Ring, Ties, build, networkx_ties, own_ties, read_ties, sector_blocks, strides
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.results import store
from zerolimit.rules.trust import feel
from zerolimit.run.phases import Live
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.fields import Q2
from zerolimit.vocabulary.names import SECTORS

SIZE, DEGREE, HALF = 4_000, 8, 4
SEEDS = range(4)
BUILDERS = {"networkx": networkx_ties, "own": own_ties}
SECTOR = np.arange(SIZE) % 7 % len(SECTORS)


@cache
def made(builder: str, kind: str, seed: int, rewiring: float = 0.0, within: float = 0.7) -> Ties:
    blocks = sector_blocks(SECTOR, DEGREE, within) if kind == "sector_blocks" else []
    return Ties(SIZE, BUILDERS[builder](kind, (seed, 7), SIZE, DEGREE, rewiring, blocks))


def clustering(ties: network.Network) -> float:
    graph = nx.Graph()
    graph.add_nodes_from(range(ties.size))
    graph.add_edges_from(zip(*(end.tolist() for end in ties.edges()), strict=True))
    return nx.average_clustering(graph)


def is_simple(ties: network.Network) -> bool:
    """Nobody is tied to himself, and no tie is there twice."""
    ones, others = ties.edges()
    return bool((ones < others).all()) and len(np.unique(ones.astype(np.int64) * ties.size + others)) == len(ones)


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_small_world_without_rewiring_is_a_lattice(builder: str) -> None:
    """Watts and Strogatz 1998: C(0) = 3 (k - 2) / (4 (k - 1)), everybody has k."""
    ties = made(builder, "small_world", 1)
    assert (ties.degrees() == DEGREE).all()
    assert clustering(ties) == pytest.approx(3 * (DEGREE - 2) / (4 * (DEGREE - 1)), abs=1e-12)


@pytest.mark.parametrize("rewiring", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("builder", BUILDERS)
def test_a_rewired_small_world_has_the_known_degrees_and_clustering(builder: str, rewiring: float) -> None:
    """Barrat and Weigt 2000: variance k / 2 x p (2 - p), each keeps k / 2 ties of its own, C(p) is near C(0) (1 - p)^3."""
    found = [made(builder, "small_world", seed, rewiring) for seed in SEEDS]
    degrees = [ties.degrees() for ties in found]
    assert all(is_simple(ties) for ties in found)
    assert all(one.sum() == SIZE * DEGREE and one.min() >= HALF for one in degrees)
    assert np.mean([one.var() for one in degrees]) == pytest.approx(HALF * rewiring * (2.0 - rewiring), rel=0.06)
    expected = 3 * (DEGREE - 2) / (4 * (DEGREE - 1)) * (1.0 - rewiring) ** 3
    assert np.mean([clustering(ties) for ties in found]) == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_scale_free_network_has_the_known_degrees(builder: str) -> None:
    """Barabási and Albert 1999: m (n - m) ties, newcomers have m at least; a share near 2 / (m + 2) has m."""
    found = [made(builder, "scale_free", seed) for seed in SEEDS]
    assert all(is_simple(ties) for ties in found)
    assert all(ties.degrees().sum() == 2 * HALF * (SIZE - HALF) for ties in found)
    assert all(ties.degrees()[HALF + 1 :].min() == HALF for ties in found)
    assert np.mean([(ties.degrees() == HALF).mean() for ties in found]) == pytest.approx(2 / (HALF + 2), abs=0.02)


def test_scale_free_networks_of_both_builders_are_alike() -> None:
    """Variance and clustering have no simple closed form at one size: the two recipes agree."""
    theirs, ours = ([made(builder, "scale_free", seed) for seed in SEEDS] for builder in BUILDERS)
    variance = [np.mean([ties.degrees().var() for ties in found]) for found in (theirs, ours)]
    assert variance[1] == pytest.approx(variance[0], rel=0.3)
    close = [np.mean([clustering(ties) for ties in found]) for found in (theirs, ours)]
    assert close[1] == pytest.approx(close[0], rel=0.3)


@pytest.mark.parametrize("builder", BUILDERS)
def test_sector_blocks_have_the_ties_that_were_asked_for(builder: str) -> None:
    """Within a sector within x k x n_a / 2 ties exactly; degrees spread nearly as Poisson's (variance = mean)."""
    within = 0.7
    found = [made(builder, "sector_blocks", seed, within=within) for seed in SEEDS]
    for ties in found:
        ones, others = ties.edges()
        assert is_simple(ties)
        inside = SECTOR[ones] == SECTOR[others]
        for code in range(len(SECTORS)):
            expected = round(within * DEGREE * (code == SECTOR).sum() / 2)
            assert (inside & (SECTOR[ones] == code)).sum() == expected
        assert inside.mean() == pytest.approx(within, abs=0.001)
        assert ties.degrees().mean() == pytest.approx(DEGREE, abs=0.002)
    assert np.mean([ties.degrees().var() for ties in found]) == pytest.approx(DEGREE, rel=0.06)


@pytest.mark.parametrize("kind", ["small_world", "scale_free", "sector_blocks"])
@pytest.mark.parametrize("builder", BUILDERS)
def test_the_same_seed_gives_the_same_network(builder: str, kind: str) -> None:
    first, again, other = (made(builder, kind, seed, rewiring=0.1).edges() for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


PINNED = {
    "small_world": "9ae68a2a5b92fa9e",
    "scale_free": "ba8acbee222041f7",
    "sector_blocks": "02f2b99fcc8b2260",
}


@pytest.mark.parametrize("kind", PINNED)
def test_our_own_builder_gives_these_ties_on_every_machine(kind: str) -> None:
    ties = np.stack(made("own", kind, 1, rewiring=0.1).edges()).astype("<i4")
    assert hashlib.sha256(ties.tobytes()).hexdigest()[:16] == PINNED[kind]


@pytest.mark.parametrize("kind", ["small_world", "scale_free", "sector_blocks"])
def test_above_a_size_the_own_builder_takes_over(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = load_scenario("defaults", borrowers=SIZE, network=kind, acquaintances=DEGREE)
    sectors = SECTOR if kind == "sector_blocks" else None
    by_networkx = build(scenario, 5, sectors).edges()
    monkeypatch.setattr(network, "networkx_ties", None)
    monkeypatch.setattr(network, "NETWORKX", SIZE - 1)
    by_ours = build(scenario, 5, sectors).edges()
    assert len(by_ours[0]) == len(by_networkx[0])
    assert not np.array_equal(by_ours, by_networkx)


# who hears


def by_hand(size: int, edges: Sequence[tuple[int, int]], told: Sequence[int]) -> list[int]:
    """Shares as stored, halves up, in plain Python."""
    tied: list[set[int]] = [set() for _ in range(size)]
    for one, other in edges:
        tied[one].add(other)
        tied[other].add(one)
    return [int(sum(told[k] for k in them) * Q2 / len(them) + 0.5) if them else 0 for them in tied]


def told_of(told: Sequence[int]) -> Array:
    return np.array(told, np.int8)


def test_a_star_hears_from_its_centre() -> None:
    star = Ties(5, (np.zeros(3, np.int32), np.array([1, 2, 3])))
    assert star.degrees().tolist() == [3, 1, 1, 1, 0]
    assert star.hear(told_of([1, 0, 0, 0, 1])).tolist() == [0, Q2, Q2, Q2, 0]
    assert star.hear(told_of([0, 1, 0, 0, 0])).tolist() == [int(Q2 / 3 + 0.5), 0, 0, 0, 0]
    assert star.hear(told_of([1, 1, 1, 1, 1])).tolist() == [Q2, Q2, Q2, Q2, 0]


@settings(deadline=None)
@given(
    some.lists(some.tuples(some.integers(0, 9), some.integers(0, 9)).filter(lambda tie: tie[0] < tie[1]), unique=True),
    some.lists(some.integers(0, 1), min_size=10, max_size=10),
)
def test_everybody_hears_the_share_of_acquaintances_who_told(edges: list[tuple[int, int]], told: list[int]) -> None:
    ends = np.array(edges, np.int32).reshape(-1, 2).T
    ties = Ties(10, (ends[0], ends[1]))
    assert ties.hear(told_of(told)).tolist() == by_hand(10, edges, told)
    assert sorted(edges) == list(zip(*(end.tolist() for end in ties.edges()), strict=True))
    assert ties.hear(told_of(told)).dtype == np.int16


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 50])
def test_the_ring_without_memory_equals_the_same_ring_as_ties(size: int) -> None:
    ring = Ring(size, strides(3, size, 6))
    ties = Ties(size, ring.edges())
    told = np.random.default_rng(size).integers(0, 2, size).astype(np.int8)
    assert (ring.degrees() == min(6, 2 * ((size - 1) // 2))).all()
    assert np.array_equal(ring.degrees(), ties.degrees())
    assert np.array_equal(ring.hear(told), ties.hear(told))


def test_trust_falls_by_the_share_that_was_heard() -> None:
    """trust' = trust - neighbour_weight x heard, with nothing else to feel; so an isolated borrower loses none."""
    terms = SimpleNamespace(**{**from_scenario(load_scenario("defaults", neighbour_weight=0.4)), "mend": 0.0})
    quiet = dict.fromkeys(feel.reads, 0.0) | {"trust": 0.8, "u_leave": 1.0, "terms": terms}
    for heard, trust in ((0.0, 0.8), (0.25, 0.7), (1.0, 0.4)):
        assert feel.function(**{**quiet, "heard": heard})[0] == pytest.approx(trust)


@pytest.mark.parametrize("engine", ["objects", "compiled"])
def test_the_month_passes_on_what_was_told(engine: str, tmp_path: Path) -> None:
    """0 is tied to 1 and 2, 3 to 0 too; 4 to nobody."""
    file = tmp_path / "ties.csv"
    file.write_text("source,target\n0,1\n0,2\n3,0\n")
    scenario = load_scenario("defaults", borrowers=5, network="file", network_file=str(file))
    simulation = Simulation(scenario, 1, engine=engine)
    simulation.engine.put_raw("told", slice(None), told_of([1, 1, 0, 0, 1]), 0)
    Live(simulation.alone()).gossip()
    assert simulation.column("heard").tolist() == [round(Q2 / 3) / Q2, 1.0, 1.0, 1.0, 0.0]


def test_without_a_network_nobody_hears() -> None:
    """As with a network whose news weigh nothing."""
    kinds: list[dict[str, Any]] = [
        {"network": "none"},
        {"acquaintances": 0},
        {"neighbour_weight": 0.0},
        {"off": "contagion"},
    ]
    base: dict[str, Any] = {"borrowers": 60, "neighbour_weight": 0.9, "own_hit": 0.9}
    runs = [Simulation(load_scenario("defaults", **(base | kind)), 2, engine="objects").run(8) for kind in kinds]
    heard = Simulation(load_scenario("defaults", **base), 2, engine="objects").run(8)
    assert all(np.array_equal(one.column("trust"), runs[0].column("trust")) for one in runs)
    assert heard.column("trust").sum() < runs[0].column("trust").sum()


# the network of a simulation


def test_sectors_are_those_of_the_first_population_whenever_the_network_is_made() -> None:
    scenario = load_scenario("defaults", borrowers=200, network="sector_blocks", leave_rate=0.5, entry_rate=1.0)
    eager = Simulation(scenario, 4, engine="objects")
    late = Simulation(scenario.change(off="contagion"), 4, engine="objects")
    first = late.column("sector").copy()
    late.run(4)
    assert not np.array_equal(late.column("sector"), first)
    assert late.ties is None
    assert np.array_equal(late.network().edges(), eager.network().edges())


def test_nothing_is_read_while_nobody_listens(tmp_path: Path) -> None:
    scenario = load_scenario("defaults", borrowers=5, network="file", network_file=str(tmp_path / "absent.csv"))
    quiet = Simulation(scenario.change(off="contagion"), 1, engine="objects").run(1)
    with pytest.raises(BadInput, match=r"absent\.csv"):
        Simulation(scenario, 1, engine="objects")
    quiet.change(off=())
    with pytest.raises(BadInput, match=r"absent\.csv"):
        quiet.step()


@pytest.mark.parametrize("name", ["network", "network_file", "acquaintances", "rewiring", "sector_ties"])
def test_the_network_stays_for_the_whole_run(name: str) -> None:
    simulation = Simulation(load_scenario("defaults", borrowers=5), 1, engine="objects")
    with pytest.raises(BadInput, match=f"{name}: acts only at the start"):
        simulation.change(**{name: getattr(simulation.scenario, name)})


def test_a_month_on_the_ring_loads_no_networkx() -> None:
    code = (
        "import sys; from zerolimit import Simulation, load_scenario;"
        "Simulation(load_scenario('defaults', borrowers=5), 1, engine='objects').step(); print('networkx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# files

TIES = [(0, 1), (1, 2), (2, 3), (0, 3), (0, 4)]
GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed">
{nodes}{edges}</graph></graphml>
"""


def written(folder: Path, form: str) -> Path:
    """TIES in some form: with one given twice, one in both directions, and a column that is not used."""
    rows = [*TIES, (1, 2), (3, 0)]
    file = folder / f"ties.{form}"
    frame = pd.DataFrame(rows, columns=["source", "target"]).assign(since=2020)
    text = frame.to_csv(index=False)
    if form == "csv":
        file.write_text(text)
    elif form == "semicolons.csv":
        file.write_text("\ufeff" + text.replace(",", " ; "), encoding="utf-8")
    elif form == "csv.gz":
        file.write_bytes(gzip.compress(text.encode()))
    elif form == "parquet":
        frame.to_parquet(file)
    else:
        nodes = "".join(f'<node id="{k}"/>' for k in range(5))
        edges = "".join(f'<edge source="{one}" target="{other}"/>' for one, other in rows)
        file.write_text(GRAPHML.format(nodes=nodes, edges=edges))
    return file


@pytest.mark.parametrize("form", ["csv", "semicolons.csv", "csv.gz", "parquet", "graphml"])
def test_every_form_of_file_gives_the_same_ties(form: str, tmp_path: Path) -> None:
    file = written(tmp_path, form)
    ties = read_ties(str(file), 6)
    assert list(zip(*(end.tolist() for end in ties.edges()), strict=True)) == sorted(TIES)
    assert ties.degrees().tolist() == [3, 2, 2, 2, 1, 0]
    assert ties.source is not None
    assert (ties.source.name, ties.source.sha256) == (file.name, hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.mark.parametrize("ids", [["a", "b", "c"], [30, 20, 10]], ids=["text", "numbers"])
def test_a_portfolio_s_ids_name_its_slots(ids: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "ties.csv"
    file.write_text(f"source,target\n{ids[2]},{ids[0]}\n")
    portfolio = read_portfolio(pd.DataFrame({"id": ids, "limit": 5_000}))
    scenario = load_scenario("defaults", network="file", network_file=str(file))
    simulation = Simulation(scenario, 1, engine="objects", portfolio=portfolio)
    assert [end.tolist() for end in simulation.network().edges()] == [[0], [2]]


def test_a_scenario_file_names_its_network_from_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "defaults"\nborrowers = 5\nnetwork = "file"\nnetwork_file = "ties.csv"\n')
    written(tmp_path, "csv")
    simulation = Simulation(load_scenario(tmp_path / "mine.toml"), 1, engine="objects")
    assert simulation.network().degrees().tolist() == [3, 2, 2, 2, 1]


@pytest.mark.parametrize("ids", [False, True])
def test_a_run_s_folder_holds_its_network(ids: bool, tmp_path: Path) -> None:
    """The scenario in it names the ties in it, so the run repeats when the file has gone."""
    frame = pd.DataFrame({"limit": [5_000.0] * 5})
    portfolio = read_portfolio(frame.assign(id=["0", "1", "2", "3", "4"])) if ids else None
    file = written(tmp_path, "csv")
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    scenario = load_scenario("defaults", borrowers=5, network="file", network_file=str(file), neighbour_weight=1.0)
    first = Simulation(scenario, 1, engine="objects", portfolio=portfolio).run(6)
    run = store.load_run(store.save(first, tmp_path / "run", figure=lambda *_: None))
    file.unlink()
    assert run.provenance["network"] == {"name": "ties.csv", "sha256": sha256, "ties": len(TIES)}
    again = Simulation(run.scenario, 1, engine="objects", portfolio=portfolio).run(6)
    assert np.array_equal(again.network().edges(), first.network().edges())
    assert again.history[-1].platform == first.history[-1].platform


def test_a_run_without_a_file_says_so(tmp_path: Path) -> None:
    simulation = Simulation(load_scenario("defaults", borrowers=20, network="small_world"), 1, engine="objects").run(1)
    run = store.load_run(store.save(simulation, tmp_path / "run", figure=lambda *_: None))
    assert run.provenance["network"] is None
    assert not (tmp_path / "run" / store.NETWORK).exists()
