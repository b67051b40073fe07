"""Wrongful zeros where the answer is known: nobody ever misses, everybody defaults, and both engines the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from zerolimit.commands.cli import app
from zerolimit.explanation.kept_lines import WITHIN, Shadow, follow
from zerolimit.parameters.scenario import load_scenario
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.run.simulation import Simulation

SEGMENTS = ("salaried", "gig", "owner")
ARREARS_STAY = dict.fromkeys(("cure_1", "hold_1", "cure_2", "step_2", "hold_2", "cure_3", "step_3", "hold_3"), 0.0)


def world(borrowers: int = 4_000, engine: str = "compiled", **parameters: Any) -> Simulation:
    return Simulation(load_scenario("defaults", borrowers=borrowers, **parameters), 1, engine=engine, threads=1)


def each_segment(name: str, value: float) -> dict[str, float]:
    return {f"{name}_{segment}": value for segment in SEGMENTS}


def test_every_zero_is_wrongful_where_nobody_ever_misses_a_payment() -> None:
    able = {**each_segment("spend", 0.3), **each_segment("jobloss", 0.0), **each_segment("volatility", 0.0)}
    found = follow(world(10_000, **each_segment("miss", 0.0), **able), 24)
    told = found.wrongful[found.month <= 24 - WITHIN]
    assert len(told) > 20
    assert (told == 1).all()


def test_none_is_where_everybody_misses_and_nobody_cures() -> None:
    sure = {**each_segment("miss", 0.95), "miss_spread": 0.0, **ARREARS_STAY, "cutoff": 650}
    found = follow(world(**sure), 24)
    told = found.wrongful[found.month <= 24 - WITHIN]
    assert len(told) > 5
    assert (told == 0).all()


def test_events_are_those_of_the_run_and_the_last_year_is_left_open() -> None:
    plain = world().run(18)
    followed = follow(world(), 18)
    events = sum(int(month.counts["zero_limit"].sum()) for month in plain.history)
    assert len(followed.month) == events > 50
    assert (followed.wrongful[followed.month > 18 - WITHIN] == -1).all()
    assert (followed.wrongful[followed.month <= 18 - WITHIN] >= 0).all()


def test_who_defaults_soon_after_a_late_event_does_not_count_before_those_who_may_not() -> None:
    """In the last year a default is known at once, its absence only later: counting the first alone would be biased."""
    sure = {**each_segment("miss", 0.5), "miss_spread": 0.0, **ARREARS_STAY, "cutoff": 650}
    shadow = Shadow(world(**sure))
    for _ in range(10):
        shadow.step()
    assert (np.concatenate(shadow.verdicts) == 0).any()
    assert (shadow.followed().wrongful == -1).all()


def test_the_world_itself_is_not_moved_by_being_followed() -> None:
    plain, shadow = world().run(9), Shadow(world())
    for _ in range(9):
        shadow.step()
    assert all(
        np.array_equal(plain.column(name), shadow.real.column(name)) for name in ("limit", "scheduled", "cash", "trust")
    )
    assert [month.platform for month in plain.history] == [month.platform for month in shadow.real.history]


@pytest.mark.slow
def test_the_command_follows_clients_calendars_and_changes(tmp_path: Path) -> None:
    clients, events = tmp_path / "clients.csv", tmp_path / "events.csv"
    clients.write_text("name,credit\n" + "".join(f"c{k},{1000 + 10 * k}\n" for k in range(1_200)))
    events.write_text("month,kind,value\n3,tightness,0.4\n")
    words = f"--portfolio {clients} --columns id=name --columns limit=credit --scale 2 --calendar {events} --months 15"
    result = CliRunner().invoke(app, ["wrongful", "defaults", *words.split(), "--change", "6:notice_months=2", "--quiet"])
    assert (result.exit_code, result.stderr) == (0, "")
    portfolio = read_portfolio(clients, columns={"id": "name", "limit": "credit"}, scale=2.0)
    scenario = load_scenario("defaults", calendar=events)
    shadow = Shadow(Simulation(scenario, 1, engine="objects", portfolio=portfolio))
    for month in range(15):
        if month == 6:
            shadow.real.change(notice_months=2)
        shadow.step()
    found = shadow.followed()
    known, right = int((found.wrongful >= 0).sum()), int((found.wrongful == 1).sum())
    assert known > 5
    row = next(line.split() for line in result.stdout.splitlines() if line.startswith("all "))
    assert row[1:4] == [f"{number:,}" for number in (len(found.month), known, right)]


@pytest.mark.slow
def test_both_engines_follow_alike() -> None:
    one, other = (follow(world(900, engine), 16).to_frame() for engine in ("objects", "compiled"))
    assert len(one) > 5
    assert one.equals(other)


def test_who_kept_the_line_is_not_cut_again() -> None:
    shadow = Shadow(world())
    for _ in range(12):
        lines = {int(row): float(shadow.twin.column("limit")[row]) for row in np.flatnonzero(shadow.since > 0)}
        shadow.step()
        still = shadow.since[list(lines)] > 0 if lines else np.zeros(0, bool)
        kept = shadow.twin.column("limit")[list(lines)][still] if lines else np.zeros(0)
        assert (kept == np.array(list(lines.values()))[still]).all()
    assert lines
