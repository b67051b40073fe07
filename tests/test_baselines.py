"""Every preset gives what was accepted last, to the last event and fen."""

import re
from pathlib import Path

import pytest

import baselines

ACCEPT = "If it is meant: `make accept`, and say it in CHANGELOG.md under Regression information."


@pytest.mark.parametrize("world", baselines.worlds())
def test_outputs_are_the_accepted_ones(world: str) -> None:
    told = baselines.difference(baselines.accepted(world), baselines.played(world))
    if told:
        pytest.fail(f"{world}: outputs moved.\n{told}\n{ACCEPT}", pytrace=False)


def test_every_file_belongs_to_a_world_and_holds_whole_numbers_only() -> None:
    files = list(baselines.FOLDER.glob("*.csv"))
    assert sorted(file.stem for file in files) == sorted(baselines.worlds())
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert re.fullmatch(r"outcome(,year \d)+\n([\w ]+(,-?\d+)+\n)+", text), file.name
        assert baselines.written(baselines.accepted(file.stem)) == text


def test_a_difference_is_told_outcome_by_outcome() -> None:
    before = {"zero_limit": (100, 50, 50), "blocked": (1, 1, 1), "gone": (2, 0, 0)}
    now = {"zero_limit": (110, 50, 50), "blocked": (1, 1, 1), "new": (0, 0, 3)}
    told = baselines.difference(before, now)
    rows = [line.split() for line in told.splitlines()[1:]]
    assert rows[0] == ["zero_limit", "1", "100", "110", "+10.00", "%"]
    assert ["gone", "1", "2", "-"] in rows
    assert ["new", "3", "-", "3"] in rows
    assert "blocked" not in told
    assert baselines.difference(now, now) == ""


def test_accepting_writes_what_moved_and_removes_what_is_no_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(baselines, "FOLDER", tmp_path)
    monkeypatch.setattr(baselines, "worlds", lambda: ("one",))
    monkeypatch.setattr(baselines, "played", lambda world: {"left": (1, 2, 3)})
    (tmp_path / "one.csv").write_text("outcome,year 1,year 2,year 3\nleft,1,2,4\n")
    (tmp_path / "old.csv").write_text("outcome\n")
    baselines.accept()
    assert re.search(r"left +3 +4 +3", capsys.readouterr().out)
    assert [file.name for file in tmp_path.iterdir()] == ["one.csv"]
    assert baselines.accepted("one") == {"left": (1, 2, 3)}
    baselines.accept()
    assert capsys.readouterr().out == "all as accepted\n"
