"""The documents say what the code says: generated parts, examples, commands, sources, versions, links."""

import inspect
import re
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer.main
from docs import declarations, generate, runs
from docutils.core import publish_doctree

from zerolimit.commands.cli import app
from zerolimit.month import all_rules
from zerolimit.parameters.declarations import about
from zerolimit.parameters.scenario import Scenario, presets
from zerolimit.results import store
from zerolimit.results.panel import PANEL
from zerolimit.rules.caps import CAPS
from zerolimit.validation.facts import FACTS

HOME = Path(__file__).parent.parent


PAGES = ("README.md", "docs/guide.md")
SESSION = "docs/paper.md"
"""A page whose examples go on from each other."""
"""Whose examples are run."""
WRITE_ANEW = "out of date: run python -m docs.generate"


def read(name: str) -> str:
    return (HOME / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE)


# generated parts


@pytest.mark.parametrize("name", generate.DOCUMENTS)
def test_generated_parts_are_up_to_date(name: str) -> None:
    """What follows from declarations."""
    assert list(generate.stale(name, generate.PURE)) == [], WRITE_ANEW


def shown_of_runs() -> dict[str, str]:
    """Part with its arguments -> what the documents show."""
    found = {one[2]: one[3] for name in generate.DOCUMENTS for one in generate.PART.finditer(read(name))}
    return {part: text for part, text in found.items() if part.split()[0] in runs.PARTS}


LONG = tuple(f"answer {name}" for name in runs.ANSWERS)
"""Parts that take more than some seconds: whole runs by a command."""


@pytest.mark.parametrize(
    "part", [pytest.param(one, marks=[pytest.mark.slow] if one in LONG else []) for one in shown_of_runs()]
)
def test_what_documents_show_of_runs_is_what_runs_give(part: str) -> None:
    name, *arguments = part.split()
    assert shown_of_runs()[part] == f"{runs.PARTS[name](*arguments)}\n", WRITE_ANEW


def test_the_guide_answers_every_question_with_a_command() -> None:
    assert [part.split()[1] for part in shown_of_runs() if part.startswith("answer ")] == list(runs.ANSWERS)


@pytest.mark.parametrize("file", runs.FIGURES)
def test_a_figure_shows_the_numbers_of_today(file: str) -> None:
    assert runs.is_current(file), WRITE_ANEW
    home = Path(file).parent.parent.as_posix()
    assert any(f"]({place})" in read(name) for name in generate.DOCUMENTS for place in (file, file.removeprefix(f"{home}/")))


def test_a_stale_part_is_noticed_by_page_line_and_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = "# A page\n\n<!-- generated: ends -->\nall end well.\n<!-- /generated -->\n"
    new = old.replace("all end well.", declarations.ends())
    (tmp_path / "page.md").write_text(old, encoding="utf-8")
    monkeypatch.setattr(generate, "HOME", tmp_path)
    (line,) = generate.stale("page.md", ["ends"])
    assert line.startswith("page.md:4: part 'ends' is out of date: there stands 'all end well.', now it is '")
    assert list(generate.stale("page.md", ["names"])) == []
    assert generate.renewed(old, ["ends"]) == new
    assert generate.renewed(old, ["names"]) == old


def test_what_a_run_gave_is_kept_for_the_same_code_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = []
    monkeypatch.setattr(runs, "KEPT", tmp_path / "kept")

    @runs.kept
    def numbers(name: str) -> list[float]:
        made.append(name)
        return [0.1]

    assert [numbers("a"), numbers("a"), numbers("b")] == [[0.1]] * 3
    assert made == ["a", "b"]
    monkeypatch.setattr(runs, "code_hash", lambda: "another")
    assert numbers("a") == [0.1]
    assert made == ["a", "b", "a"]
    assert [folder.name for folder in (tmp_path / "kept").iterdir()] == ["another"]


def test_every_mark_is_closed_and_every_part_is_used() -> None:
    texts = [read(name) for name in generate.DOCUMENTS]
    used = {found[2].split()[0] for text in texts for found in generate.PART.finditer(text)}
    assert used == set(generate.PARTS)
    for text in texts:
        assert len(re.findall("<!-- generated: ", text)) == len(re.findall("<!-- /generated -->", text))


def test_the_description_has_every_rule_once() -> None:
    headings = re.findall(r"^#### `(\w+)`$", read("docs/ODD.md"), re.MULTILINE)
    assert sorted(set(headings) & {rule.name for rule in all_rules()}) == sorted(rule.name for rule in all_rules())
    assert len(headings) == len(set(headings))


def test_the_list_of_parameters_has_every_parameter_once() -> None:
    listed = [name for names in declarations.sections().values() for name in names]
    assert sorted(listed) == sorted(Scenario.model_fields)


# examples


EXAMPLES = [(name, number) for name in PAGES for number in range(len(blocks(name, "python")))]


@pytest.mark.parametrize(("name", "number"), EXAMPLES)
def test_example_runs(name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    exec(compile(blocks(name, "python")[number], f"{name} example {number + 1}", "exec"), {"__name__": "__main__"})


@pytest.mark.slow
def test_the_examples_of_the_page_on_papers_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, block in enumerate(blocks(SESSION, "python"), 1):
        exec(compile(block, f"{SESSION} example {number}", "exec"), names)
    assert names["study"].to_frame().loc[-1, "effect"] == 0.0


def shell_lines(name: str) -> list[list[str]]:
    """The commands in a document's shell examples, split at spaces, without remarks."""
    lines = "".join(blocks(name, "bash")).splitlines()
    return [re.sub(r"\s+#.*", "", line).split() for line in lines]


def command_named(words: list[str]) -> Any:
    """The command that a command line starts with."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        assert word in command.commands, f"no command {word!r}"
        command = command.commands[word]
    return command


@pytest.mark.parametrize("name", PAGES)
def test_every_command_shown_exists(name: str) -> None:
    lines = shell_lines(name)
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert {words[0] for words in lines} <= {"make", "zerolimit"}
    for words in lines:
        if words[0] == "make":
            assert words[1] in targets
            continue
        known = {name for option in command_named(words[1:]).params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"`make ([a-z-]+)", "".join(map(read, (*PAGES, "CONTRIBUTING.md"))))))
)
def test_every_target_named_exists(target: str) -> None:
    assert re.search(rf"^{target}:.*## ", read("Makefile"), re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_every_preset_named_exists(name: str) -> None:
    named = {words[2] for words in shell_lines(name) if words[:2] == ["zerolimit", "run"] and words[2][0] != "-"}
    named |= set(re.findall(r'CreditMarket\("([^"]+)"', read(name)))
    assert named <= set(presets())


def test_the_guide_names_every_file_of_a_run() -> None:
    tables = (store.MONTHLY, store.PLATFORM_FILE, store.EPISODES, PANEL, store.PORTFOLIO)
    files = (store.SCENARIO, store.PROVENANCE, store.FIGURE, *tables)
    assert [file for file in files if f"`{file}`" not in read("docs/guide.md")] == []


# every command is run as it stands, in the order of the pages, after `make run`

FILES = {
    "clients.csv": "LINE,OWED\n20000,3000\n5000,4900\n80000,0\n",
    "ledger.csv": "客户,授信额度,余额,客群,逾期天数\n"
    + '甲,2.0,"3,000",工薪,0\n乙,0.5,4900,零工,12\n丙,8.0,,个体,0\n合计,10.5,7900,,\n',
    "LoanStats.csv": "Notes offered by Prospectus\nid,loan_amnt,term,annual_inc,desc\n"
    + "".join(f'"{k}",{2000 + 100 * k}," 36 months",{40000 + k},"a\nb"\n' for k in range(30))
    + '\n"Total amount funded: 104350",,,,\n',
    "events.csv": "month,kind,value\n7,tightness,0.2\n",
    "experiments/tipping/study.toml": """
borrowers = 100
months = 2
[vary]
pool_share = [0.2, 0.3]
""",
    "economy.csv": "date,macro\n" + "".join(f"{2007 + k // 12}-{k % 12 + 1:02d},{-k / 60:.2f}\n" for k in range(36)),
}
"""What the examples say the reader brings; and a study that is small."""


def example_lines() -> list[str]:
    """The command lines of the pages, but for those whose output stands beside them (run by docs/generate.py)."""
    pages = "\n".join(generate.PART.sub("", read(name)) for name in PAGES)
    found = "\n".join(re.findall(r"^```bash\n(.*?)^```", pages, re.DOTALL | re.MULTILINE))
    return [re.sub(r"\s+#.*", "", line) for line in found.splitlines() if line.startswith("zerolimit ")]


@pytest.fixture(scope="module")
def after_make_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    recipe = re.search(r"^run:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    assert recipe is not None
    for line in recipe[1].splitlines():
        assert line.startswith("\t$(BIN)/zerolimit ")
        runs.command(folder, line.removeprefix("\t$(BIN)/"))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("line", example_lines())
def test_a_command_line_runs_as_it_stands(line: str, after_make_run: Path) -> None:
    assert runs.command(after_make_run, line)


# facts


@pytest.mark.parametrize("name", Scenario.model_fields)
def test_every_source_is_a_known_fact_or_an_assumption(name: str) -> None:
    source = about(name)["source"]
    if source and source != "assumption":
        word, _, row = source.partition(" ")
        assert word == "facts"
        assert row in FACTS


def test_every_fact_cited_is_listed() -> None:
    known = set(FACTS)
    assert {"A3", "C14", "H"} <= known
    for file in (*sorted((HOME / "model").rglob("*.py")), *sorted((HOME / "docs").glob("*.md"))):
        cited = set(re.findall(r"\bfacts ([A-H]\d*)\b", file.read_text(encoding="utf-8")))
        assert cited <= known, file.name


# the project's files


def tracked() -> list[Path]:
    """Text files that belong to the project."""
    ask = ["git", "-C", str(HOME), "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    files = [HOME / name for name in names if (HOME / name).is_file()]
    return [file for file in files if b"\0" not in file.read_bytes()]


HOSTS = tuple(".".join((name, "org")) for name in ("pypi", "pythonhosted", "anaconda", "npmjs"))
FOLDERS = ("wo" + "rk", "ro" + "ot", "ho" + "me", "tm" + "p", "Us" + "ers")
PATHS = re.compile(rf"(?<![\w.~*<-])/(?:{'|'.join(FOLDERS)})(?:/|\b)")


def test_no_registry_and_no_machine_path_is_named() -> None:
    found = {}
    for file in tracked():
        text = file.read_text(encoding="utf-8", errors="replace")
        if bad := [host for host in HOSTS if host in text] + PATHS.findall(text):
            found[file.relative_to(HOME).as_posix()] = bad
    assert found == {}


def test_paths_of_machines_are_noticed() -> None:
    assert PATHS.search("see " + "/".join(("", "wo" + "rk", "main")))
    assert not PATHS.search("run/" + "wo" + "rk and the ~/" + "tm" + "p of others")


def anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


BY_HAND = (
    "docs/facts.md",
    "docs/page.md",
    "docs/peers.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "experiments/README.md",
)


@pytest.mark.parametrize("name", [*generate.DOCUMENTS, *BY_HAND])
def test_links_within_the_project_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(name)):
        if "://" in target:
            continue
        path, _, place = target.partition("#")
        file = ((HOME / name).parent / path) if path else HOME / name
        assert file.is_file(), target
        if place:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in {anchor(heading) for heading in headings}, target


@pytest.mark.parametrize("name", [one.name for one in (*all_rules(), *CAPS)])
def test_what_a_rule_says_is_text_that_the_site_reads(name: str) -> None:
    """The site's build, which takes minutes, refuses the same."""
    said = next(one for one in (*all_rules(), *CAPS) if one.name == name).function.__doc__
    found = StringIO()
    publish_doctree(inspect.cleandoc(said or ""), settings_overrides={"warning_stream": found, "report_level": 2})
    assert found.getvalue() == ""
