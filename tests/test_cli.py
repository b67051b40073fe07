"""The command line: what it prints and what it leaves."""

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from typer.testing import CliRunner

import zerolimit
from zerolimit.basics.wording import number_of
from zerolimit.commands import cli
from zerolimit.month import BIRTH, MONTH, all_rules
from zerolimit.parameters.scenario import FILE_ONLY, load_scenario, presets
from zerolimit.platform.steps import STEPS
from zerolimit.results.drawing import LOOKS
from zerolimit.results.figures import draw_summary
from zerolimit.results.table import percent, print_summary, yuan
from zerolimit.results.tables import tables_of
from zerolimit.rules.caps import CAPS
from zerolimit.run.simulation import Simulation
from zerolimit.study.results import load
from zerolimit.vocabulary.mechanisms import MECHANISMS
from zerolimit.vocabulary.names import LEFT, SEGMENTS

HOME = {**os.environ, "PYTHONPATH": str(Path(zerolimit.__file__).parents[1])}
SMALL = ["defaults", "--borrowers", "40", "--months", "3", "--engine", "objects"]


def told(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.stderr
    return result.stdout


def ran(**parameters: object) -> Simulation:
    return Simulation(load_scenario("defaults", borrowers=60, **parameters), 2, engine="objects").run(4)


def printed(simulation: Simulation, width: int) -> str:
    console = Console(width=width, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    print_summary(console, tables_of(simulation))
    return console.export_text()


# run


def test_run_prints_a_table_and_leaves_a_folder(tmp_path: Path) -> None:
    text = told("run", *SMALL, "--seed", "9", "--set", "need_rate=0.5", "--out", str(tmp_path / "a"))
    for words in ("On-time payers at risk", "Zero-limit events", "Blocked after repayment", "Used up at draw", *SEGMENTS):
        assert words in text
    assert text.rstrip().splitlines()[-1].startswith(str(tmp_path / "a"))
    run = load(tmp_path / "a")
    assert run.scenario.need_rate == 0.5
    assert (run.provenance["seed"], run.provenance["months"], run.provenance["borrowers"]) == (9, 3, 40)
    assert run.monthly["month"].unique().tolist() == [0, 1, 2]
    assert len(run.frame(vacant=True)) == 3 * 40
    assert (tmp_path / "a" / "summary.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("undrawn")
def test_quiet_prints_the_folder_only(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["run", *SMALL, "--panel", "none", "--quiet", "--out", str(tmp_path / "a")])
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{tmp_path / 'a'}\n", "")


@pytest.mark.usefixtures("undrawn")
def test_without_out_a_folder_that_is_free_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        told("run", *SMALL, "--panel", "none", "--quiet")
    assert sorted(path.name for path in Path("runs").iterdir()) == ["defaults", "defaults-2"]
    assert cli.free_folder("../else where", force=True) == Path("runs/-else-where")


@pytest.mark.usefixtures("undrawn")
def test_the_same_command_gives_the_same_numbers(tmp_path: Path) -> None:
    for name in "ab":
        told("run", *SMALL, "--out", str(tmp_path / name))
    for file in ("monthly.parquet", "platform.parquet", "episodes.parquet", "panel.parquet", "scenario.toml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.usefixtures("undrawn")
def test_a_change_acts_from_its_month_on_as_that_of_a_simulation(tmp_path: Path) -> None:
    changes = ["--change", "2:base_tightness=0.5", "--change", '2:off=["trigger"]', "--change", "4:allocation=lottery"]
    told("run", *SMALL[:4], "6", *SMALL[5:], *changes, "--out", str(tmp_path / "run"))
    simulation = Simulation(load_scenario("defaults", borrowers=40), 1, engine="objects").run(2)
    simulation.change(base_tightness=0.5, off=["trigger"])
    simulation.run(2).change(allocation="lottery")
    simulation.run(2)
    found = load(tmp_path / "run")
    assert found.platform["principal"].tolist() == [one.platform["principal"] for one in simulation.history]
    assert found.provenance["changes"] == simulation.changes


@pytest.mark.usefixtures("undrawn")
def test_a_portfolio_is_run_and_copied(tmp_path: Path) -> None:
    clients = tmp_path / "clients.csv"
    clients.write_text("name,credit\n" + "".join(f"c{k},{1000 + 100 * k}\n" for k in range(30)))
    columns = ["--columns", "id=name", "--columns", "limit=credit", "--scale", "2"]
    arguments = ["--portfolio", str(clients), *columns, "--months", "2", "--engine", "objects"]
    told("run", *arguments, "--out", str(tmp_path / "a"))
    run = load(tmp_path / "a")
    assert run.provenance["borrowers"] == 30
    assert run.provenance["portfolio"]["clients"] == 30
    assert run.provenance["portfolio"]["scale"] == 2
    assert "balance" in run.provenance["portfolio"]["drawn"]
    assert (tmp_path / "a" / "portfolio.parquet").is_file()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_slots_that_are_vacant_at_the_start_are_told_beside_the_number_of_borrowers(share: float, tmp_path: Path) -> None:
    text = told("run", *SMALL, "--set", f"vacant_share={share}", "--panel", "none", "--out", str(tmp_path / "a"))
    vacant = int((Simulation(load_scenario("defaults", borrowers=40, vacant_share=share), 1).column("status") == LEFT).sum())
    note = f"  {vacant} of 40 slots are vacant at the start, for those who apply later"
    assert (vacant > 0) == (share > 0.0)
    assert text.splitlines()[:2] == ["defaults: 40 borrowers, 3 months, seed 1", note if share else ""]


LATER = "month,kind,value\n1,tightness,0.5\n3,own_funds,2\n20,tightness,0.1\n"
ECONOMY = "month,macro\n" + "".join(f"{month},0.1\n" for month in range(4))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("given", "notes"),
    [
        (
            ["--calendar", "later.csv"],
            ["calendar: after the run's last month, 2, so without effect: own_funds in month 3, tightness in month 20"],
        ),
        (["--macro", "economy.csv"], ["macro: after the run's last month, 2, so without effect: month 3"]),
        (
            ["--set", "start=2020-11", "--calendar", "later.csv", "--macro", "economy.csv"],
            [
                "calendar: after the run's last month, 2 (2021-01), so without effect: own_funds in month 3 (2021-02),"
                " tightness in month 20 (2022-07)",
                "macro: after the run's last month, 2 (2021-01), so without effect: month 3 (2021-02)",
            ],
        ),
        ([], []),
    ],
)
def test_what_is_dated_after_the_last_month_is_said(
    given: list[str], notes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("later.csv").write_text(LATER)
    Path("economy.csv").write_text(ECONOMY)
    result = CliRunner().invoke(cli.app, ["run", *SMALL, *given, "--panel", "none"], env={"COLUMNS": "60"})
    assert result.exit_code == 0
    assert result.stderr.splitlines() == notes
    quiet = CliRunner().invoke(cli.app, ["run", *SMALL, *given, "--panel", "none", "--quiet"])
    assert quiet.stderr == ""


def test_of_two_worlds_what_is_dated_too_late_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "later.toml").write_text('calendar = [{month = 2, kind = "tightness", value = 0.5}]\n')
    arguments = [
        "compare",
        str(tmp_path / "later.toml"),
        "--b",
        "gamma=0.1",
        "--borrowers",
        "40",
        "--months",
        "2",
        "--seeds",
        "2",
    ]
    result = CliRunner().invoke(cli.app, arguments)
    told_of = [line for line in result.stderr.splitlines() if "calendar" in line]
    assert told_of == ["calendar: after the run's last month, 1, so without effect: tightness in month 2"]


# scenarios


def test_every_preset_is_listed_shown_and_checked() -> None:
    listed = told("scenario", "list")
    for name in presets():
        assert name in listed
        assert tomllib.loads(told("scenario", "show", name))["name"] == load_scenario(name).name
        assert told("scenario", "check", name).startswith(f"{name}: good")


def test_check_names_what_a_file_changes(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("need_rate = 0.123\n")
    assert (
        told("scenario", "check", str(tmp_path / "mine.toml"))
        .rstrip()
        .endswith("on baseline; 1 parameter differs from it: need_rate")
    )


def test_the_schema_is_json_and_names_every_parameter() -> None:
    schema = json.loads(told("scenario", "schema"))
    assert set(schema["properties"]) == {*load_scenario("defaults").model_dump(), *FILE_ONLY}


# phases


def test_phases_are_those_of_the_month() -> None:
    text = told("phases")
    at = 0
    for phase in (*BIRTH, *MONTH):
        at = text.find(f"{phase.step:<6}  {phase.name}", at)
        assert at >= 0, phase.name
    flat = " ".join(text.split())
    for rule in all_rules():
        assert set(rule.writes) <= set(flat.replace(",", "").split())


def test_the_source_is_python_and_calls_every_rule() -> None:
    source = told("phases", "--source")
    compile(source, "month", "exec")
    for rule in (*all_rules(), *(rule for rules in STEPS.values() for rule in rules)):
        assert f"{rule.name}(" in source


# the table and the figure


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_keeps_to_its_width_and_cuts_nothing(width: int) -> None:
    text = printed(ran(base_tightness=0.7, review_months=2, cutoff=640), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "Usable line again within 3 months" in text


def test_reasons_in_the_table_are_those_counted() -> None:
    simulation = ran(base_tightness=0.7, review_months=2, cutoff=640)
    text = printed(simulation, 100)
    counted = {cap.name: sum(int(one.counts[f"zero_by_{cap.name}"].sum()) for one in simulation.history) for cap in CAPS}
    assert any(counted.values())
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in counted and len(words) > 3:
            assert words[2].replace(",", "") == str(counted.pop(words[0]))
    assert not any(counted.values())


def test_without_zero_limits_the_table_says_so() -> None:
    text = printed(ran(off=("rescoring", "trigger", "positioning", "tightening", "scarcity", "contagion"), cutoff=350), 80)
    assert "No zero limits" in text
    assert "unlimited" in text


def test_numbers_as_text() -> None:
    assert [percent(share) for share in (0.0, 0.00123, 0.0123, 0.123, 1.0, float("nan"))] == [
        "0 %",
        "0.123 %",
        "1.23 %",
        "12.3 %",
        "100 %",
        "–",
    ]
    assert percent(1e-7) == "<0.001 %"
    assert yuan(123_456_789) == "1,234,568"
    assert [number_of(number, "month") for number in (0, 1, 36, 30_000)] == [
        "0 months",
        "1 month",
        "36 months",
        "30,000 months",
    ]


@pytest.mark.parametrize("months", [1, 4])
def test_the_figure_is_drawn_with_and_without_events(months: int, tmp_path: Path) -> None:
    for k, parameters in enumerate(({"base_tightness": 0.7, "cutoff": 640}, {"off": ("scarcity",), "review_months": 100})):
        simulation = Simulation(load_scenario("defaults", borrowers=30, **parameters), 2, engine="objects").run(months)
        draw_summary(tables_of(simulation), simulation.scenario, tmp_path / f"{k}.png")
        assert (tmp_path / f"{k}.png").stat().st_size > 20_000


@pytest.fixture
def axes(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The panels of the figures drawn meanwhile, looked at instead of written."""
    found: list[Axes] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, dpi: found.extend(figure.axes))
    return found


def test_the_scale_of_zero_limits_does_not_depend_on_those_blocked(axes: list[Axes]) -> None:
    tables = tables_of(ran(base_tightness=0.7, review_months=2, cutoff=640))
    for blocked in (1, 1000):
        counts = {name: np.full_like(column, blocked) for name, column in tables.monthly.items() if "blocked" in name}
        draw_summary(replace(tables, monthly={**tables.monthly, **counts}), load_scenario("defaults"), Path("nowhere"))
    heights = [ax.get_ylim()[1] for ax in axes]
    assert heights[0] == heights[6] > 0
    assert heights[2] == heights[8] > 0
    assert 1000 * heights[1] == pytest.approx(heights[7])


@pytest.mark.parametrize("months", [1, 4])
def test_every_panel_has_units_and_no_entry_of_a_legend_lies_on_it(months: int, axes: list[Axes]) -> None:
    simulation = Simulation(load_scenario("defaults", borrowers=60, base_tightness=0.7, cutoff=640), 2, engine="objects")
    draw_summary(tables_of(simulation.run(months)), simulation.scenario, Path("nowhere"))
    titles = [ax.get_title(loc="left") for ax in axes]
    assert len(set(titles)) == 6
    for ax in axes:
        assert ax.get_ylabel()
        assert ax.get_xlabel() or "segment" in [text.get_text() for text in ax.texts]
        if legend := ax.get_legend():
            assert legend.get_window_extent().y0 >= ax.get_window_extent().y1 - 1.0
            assert legend.get_window_extent().x1 <= ax.figure.bbox.x1
    ticks = [tick for ax in axes if "month" in ax.get_xlabel() for tick in ax.get_xticks()]
    assert all(tick == round(tick) for tick in ticks)


def test_without_events_the_panels_say_so(axes: list[Axes]) -> None:
    draw_summary(tables_of(ran(off=tuple(MECHANISMS), cutoff=350)), load_scenario("defaults"), Path("nowhere"))
    told = [[text.get_text() for text in ax.texts] for ax in axes]
    assert told[0] == ["no zero limits in these months"]
    assert told[1] == ["nobody blocked in these months"]
    assert "no zero limits in these months" in told[2]
    assert axes[3].get_title(loc="left") == "Pool (unlimited)"


def test_every_cap_has_a_look_of_its_own() -> None:
    assert set(LOOKS) == {cap.name for cap in CAPS}
    assert len(set(LOOKS.values())) == len(CAPS)


def test_a_wide_screen_is_told_what_each_cap_says() -> None:
    simulation = ran(base_tightness=0.7, review_months=2, cutoff=640)
    assert "cutoff raised" in printed(simulation, 120)
    assert "cutoff raised" not in printed(simulation, 80)


@pytest.mark.usefixtures("undrawn")
def test_one_is_singular(tmp_path: Path) -> None:
    text = told("run", "--borrowers", "1", "--months", "1", "--out", str(tmp_path / "a"))
    assert text.startswith("baseline: 1 borrower, 1 month, seed 1\n")
    assert repr(load(tmp_path / "a")).endswith(": baseline, 1 borrower, 1 month>")


# starting


def test_help_and_version() -> None:
    for arguments in ([], ["--help"]):
        text = told(*arguments)
        for command in ("run", "scenario", "phases", "version"):
            assert command in text
    assert told("version") == told("--version") == f"zerolimit {zerolimit.__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, zerolimit.commands.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=HOME, timeout=300)
    heavy = {"numpy", "numba", "pandas", "pyarrow", "matplotlib", "mesa", "pydantic"}
    assert not heavy & set(done.stdout.split())


def test_a_run_imports_neither_mesa_nor_pandas(tmp_path: Path) -> None:
    code = (
        "import sys; from zerolimit.commands.cli import app\n"
        f"try: app(['run', *{SMALL!r}, '--quiet', '--out', {str(tmp_path / 'a')!r}])\n"
        "except SystemExit as leaving: print(leaving.code, *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=HOME, timeout=300)
    words = done.stdout.split()
    assert words[:2] == [str(tmp_path / "a"), "0"]
    assert not {"mesa", "pandas", "pyplot", "matplotlib.pyplot"} & set(words)


@pytest.mark.parametrize("wrong", [["--set", "nosuch=1"], ["nosuch"], ["--months", "0"], ["--borrowers", "0"]])
def test_a_wrong_parameter_is_told_without_the_libraries_of_a_run(wrong: list[str]) -> None:
    code = (
        "import sys; from zerolimit.commands.cli import app\n"
        f"try: app(['run', *{wrong!r}])\n"
        "except SystemExit as leaving: print(leaving.code, *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=HOME, timeout=300)
    words = done.stdout.split()
    assert words[0] == "2"
    assert not {"numpy", "numba", "pyarrow", "matplotlib", "mesa", "pandas"} & set(words)


def test_a_reader_who_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m zerolimit.commands.cli phases --source | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=HOME, timeout=300)
    assert done.stderr == ""
