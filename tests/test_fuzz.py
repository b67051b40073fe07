"""Whatever is typed, written or called: it is used, or refused in one line; nothing is left, and memory stays bounded."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import fuzz
import zerolimit
from zerolimit.parameters.scenario import FILE_ONLY, Scenario
from zerolimit.study.definition import Settings

HOME = Path(fuzz.__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(zerolimit.__file__).parents[1])}
CASES = 2_500
MOST_MEMORY = 1 << 20
"""KiB beyond what libraries take."""


def run_fuzz(*arguments: str, seconds: int = 900) -> subprocess.CompletedProcess[str]:
    """The fuzz as a process of its own, with its own limits."""
    command = [sys.executable, str(Path(fuzz.__file__)), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False, env=ENVIRONMENT, cwd=HOME
    )


@pytest.mark.slow
def test_no_input_ends_in_a_traceback_in_several_lines_or_in_leftovers(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    done = run_fuzz("--seed", "13", "--cases", str(CASES), "--report", str(report))
    outcomes = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert [one for one in outcomes if one["ended"] == "wrong"] == [], done.stdout
    assert done.returncode == 0, done.stderr
    assert len(outcomes) >= CASES
    ended = Counter(one["ended"] for one in outcomes)
    assert min(ended["used"], ended["refused"]) > CASES // 20, "the draws have to reach both sides"
    by_interface = Counter(one["case"].rpartition(" ")[0] for one in outcomes)
    assert set(by_interface) == set(fuzz.INTERFACES)
    assert int(done.stdout.partition("at most: ")[2].split()[0]) * 1024 < MOST_MEMORY


@pytest.mark.slow
def test_commands_as_real_processes_say_the_same(tmp_path: Path) -> None:
    """In-process runs are the command's: some of them again, each as a process."""
    tried = 0
    for k in range(60):
        draw, place = random.Random(f"processes {k}"), fuzz.Place(tmp_path / str(k), tmp_path)
        place.here.mkdir()
        case = fuzz.command_case(draw, place)
        arguments = case.call.args[0]  # type: ignore[attr-defined]
        if any("\0" in one for one in arguments) or arguments[:1] == ["app"] or "sweep" in arguments:
            continue
        before = fuzz.files(place.here)
        done = subprocess.run(
            [sys.executable, "-m", "zerolimit.commands.cli", *arguments],
            capture_output=True, cwd=place.here, env=ENVIRONMENT, timeout=120, check=False,
        )  # fmt: skip
        told = done.stderr.decode("utf-8", "replace")
        assert done.returncode in (0, 2), f"{arguments}: {told}"
        assert "Traceback" not in told, arguments
        if done.returncode == 2:
            assert told.splitlines()[-1].startswith("zerolimit: "), arguments
            assert fuzz.files(place.here) == before, arguments
        tried += 1
        if tried == 20:
            return
    raise AssertionError("too few commands were tried")


def test_every_command_every_option_and_every_word_is_drawn(tmp_path: Path) -> None:
    """Without a word in the fuzz: they come from the declarations."""
    draw, place = random.Random(1), fuzz.Place(tmp_path, tmp_path)
    drawn = [fuzz.command_case(draw, place).call.args[0] for _ in range(3_000)]  # type: ignore[attr-defined]
    for words, command in fuzz.commands().items():
        mine = [arguments for arguments in drawn if arguments[: len(words.split())] == words.split()]
        options = {option.opts[0] for option in command.params if option.opts[0].startswith("--")}
        assert mine, words
        assert options <= {argument for arguments in mine for argument in arguments}, words
    assert {name for _ in range(1_000) for name in fuzz.study_words(draw)} >= set(Settings.model_fields)
    files = b"".join(fuzz.scenario_text(draw) for _ in range(4_000)).decode("utf-8", "replace")
    assert [name for name in (*Scenario.model_fields, *FILE_ONLY) if f"{name} = " not in files] == []


@pytest.mark.slow
def test_every_public_function_and_method_is_drawn() -> None:
    done = run_fuzz("--list")
    listed = done.stdout.split("\n")
    assert {"CreditMarket", "attribute", "compare", "study", "load", "rule", "market.run", "results.table"} <= {*listed}
    assert {*zerolimit.__all__} - {*listed} <= {"BadInput", "Borrower", "Platform", "Scenario"}


def test_a_case_is_the_same_again(tmp_path: Path) -> None:
    place = fuzz.Place(tmp_path, tmp_path)
    for make, _ in (fuzz.INTERFACES["command line"], fuzz.INTERFACES["calendar and series"]):
        assert make(random.Random("1 x"), place).says == make(random.Random("1 x"), place).says
