"""A run's folder with one bit flipped, over and over: the file is named, or nothing that is read from it is another."""

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.explanation.replay import origin_of
from zerolimit.parameters.scenario import load_scenario
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.results.panel import Panel
from zerolimit.results.store import Run, save
from zerolimit.results.whole import MANIFEST
from zerolimit.run.simulation import Simulation
from zerolimit.study.results import load

FLIPS_A_FILE = 30
FRAMES = ("monthly", "platform", "episodes", "panel")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that a run can leave."""
    home = tmp_path_factory.mktemp("fuzz")
    (home / "ties.csv").write_text("source,target\n" + "".join(f"c{k},c{k + 1}\n" for k in range(39)))
    clients = pd.DataFrame({"id": [f"c{k}" for k in range(40)], "limit": [1000.0 + 100.0 * k for k in range(40)]})
    ties = {"network": "file", "network_file": str(home / "ties.csv")}
    scenario = load_scenario("defaults", base_tightness=0.7, review_months=3, cutoff=640, **ties)
    world = Simulation(scenario, 3, engine="objects", portfolio=read_portfolio(clients))
    panel = Panel(world, "sample=5")
    for _ in range(5):
        world.step()
        panel.record()
    return save(world, home / "run", panel=panel)


def all_of(run: Run) -> dict[str, Any]:
    """All that can be read from a run's folder."""
    origin = origin_of(run)
    found = {name: getattr(run, name) for name in FRAMES}
    found |= {"provenance": run.provenance, "scenario": run.scenario.model_dump(), "principal": origin.principal}
    return {**found, "clients": origin.portfolio.table.to_pandas()}


def read(folder: Path) -> dict[str, Any] | str:
    """All that can be read, or the one line that says why not."""
    try:
        return all_of(load(folder))
    except BadInput as error:
        return str(error)


def same(one: Any, other: Any) -> bool:
    return one.equals(other) if isinstance(one, pd.DataFrame) else bool(one == other)


@pytest.mark.slow
def test_a_flipped_bit_is_named_or_harmless(folder: Path) -> None:
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [
        *("episodes.parquet", MANIFEST, "monthly.parquet", "network.parquet", "panel.parquet", "platform.parquet"),
        *("portfolio.parquet", "provenance.json", "scenario.toml", "summary.png"),
    ]
    right, chance, harmless = all_of(load(folder)), random.Random(13), 0
    load(folder).verify()
    for file in files:
        before = file.read_bytes()
        for _ in range(FLIPS_A_FILE):
            bit = chance.randrange(8 * len(before))
            data = bytearray(before)
            data[bit // 8] ^= 1 << bit % 8
            file.write_bytes(bytes(data))
            found = read(folder)
            if isinstance(found, str):
                assert found.startswith(str(folder)), (found, bit)
                assert "\n" not in found
                assert file.name in found, (found, file.name, bit)
            else:
                harmless += 1
                assert all(same(right[name], found[name]) for name in right), (file.name, bit)
                if file.name != MANIFEST:
                    with pytest.raises(BadInput, match=file.name):
                        load(folder).verify()
        file.write_bytes(before)
    assert FLIPS_A_FILE <= harmless < 2 * FLIPS_A_FILE, "the figure's, which nothing reads, and the manifest's white space"
    load(folder).verify()
