"""The documents say what the code says: generated parts, examples, commands, sources, versions, links."""

import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main

from zerolimit.cli import app
from zerolimit.month import all_rules
from zerolimit.results import store
from zerolimit.scenario import Scenario, about, presets

HOME = Path(__file__).parent.parent


def written_by() -> ModuleType:
    """docs/generate.py."""
    spec = importlib.util.spec_from_file_location("generate", HOME / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = written_by()
OF_A_RUN = ("printed", "patterns")
"""Generated parts that show what the default scenario gives."""
WRITE_ANEW = "out of date: run docs/generate.py"


def read(name: str) -> str:
    return (HOME / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE)


# generated parts


@pytest.mark.parametrize("name", GENERATE.DOCUMENTS)
def test_generated_parts_are_up_to_date(name: str) -> None:
    assert GENERATE.renewed(read(name), OF_A_RUN) == read(name), WRITE_ANEW


@pytest.mark.parametrize("part", OF_A_RUN)
def test_what_documents_say_of_the_default_scenario_is_what_it_gives(part: str) -> None:
    shown = [found[3] for name in GENERATE.DOCUMENTS for found in GENERATE.PART.finditer(read(name)) if found[2] == part]
    assert shown == [f"{GENERATE.PARTS[part]()}\n"], WRITE_ANEW


def test_a_stale_part_is_noticed() -> None:
    stale = "<!-- generated: ends -->\nall end well.\n<!-- /generated -->"
    assert GENERATE.renewed(stale) == f"<!-- generated: ends -->\n{GENERATE.ends()}\n<!-- /generated -->"
    assert GENERATE.renewed(stale, skip=("ends",)) == stale


def test_every_mark_is_closed_and_every_part_is_used() -> None:
    texts = [read(name) for name in GENERATE.DOCUMENTS]
    used = {found[2].split()[0] for text in texts for found in GENERATE.PART.finditer(text)}
    assert used == set(GENERATE.PARTS)
    for text in texts:
        assert len(re.findall("<!-- generated: ", text)) == len(re.findall("<!-- /generated -->", text))


def test_the_description_has_every_rule_once() -> None:
    headings = re.findall(r"^#### `(\w+)`$", read("docs/ODD.md"), re.MULTILINE)
    assert sorted(set(headings) & {rule.name for rule in all_rules()}) == sorted(rule.name for rule in all_rules())
    assert len(headings) == len(set(headings))


def test_the_list_of_parameters_has_every_parameter_once() -> None:
    listed = [name for names in GENERATE.sections().values() for name in names]
    assert sorted(listed) == sorted(Scenario.model_fields)


# examples


@pytest.mark.parametrize("number", range(len(blocks("README.md", "python"))))
def test_readme_example_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    exec(compile(blocks("README.md", "python")[number], f"README example {number + 1}", "exec"), {"__name__": "__main__"})


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


def test_every_command_in_the_readme_exists() -> None:
    lines = shell_lines("README.md")
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert {words[0] for words in lines} == {"make", "zerolimit"}
    for words in lines:
        if words[0] == "make":
            assert words[1] in targets
            continue
        known = {name for option in command_named(words[1:]).params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z-]+)", read("README.md")))))
def test_every_target_in_the_readme_exists(target: str) -> None:
    assert re.search(rf"^{target}:.*## ", read("Makefile"), re.MULTILINE)


def test_every_preset_in_the_readme_exists() -> None:
    named = {words[2] for words in shell_lines("README.md") if words[:2] == ["zerolimit", "run"] and words[2][0] != "-"}
    named |= set(re.findall(r'CreditMarket\("([^"]+)"', read("README.md")))
    assert named <= set(presets())


def test_the_readme_names_every_file_of_a_run() -> None:
    tables = (store.MONTHLY, store.PLATFORM_FILE, store.EPISODES, store.PANEL, store.PORTFOLIO)
    files = (store.SCENARIO, store.PROVENANCE, store.FIGURE, *tables)
    assert [file for file in files if f"`{file}`" not in read("README.md")] == []


# facts


@pytest.mark.parametrize("name", Scenario.model_fields)
def test_every_source_is_a_known_fact_or_an_assumption(name: str) -> None:
    source = about(name)["source"]
    if source and source != "assumption":
        word, _, row = source.partition(" ")
        assert word == "facts"
        assert row in GENERATE.facts()


def test_every_fact_cited_is_listed() -> None:
    known = set(GENERATE.facts())
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
        text = file.read_text(encoding="utf-8")
        if bad := [host for host in HOSTS if host in text] + PATHS.findall(text):
            found[file.relative_to(HOME).as_posix()] = bad
    assert found == {}


def test_paths_of_machines_are_noticed() -> None:
    assert PATHS.search("see " + "/".join(("", "wo" + "rk", "main")))
    assert not PATHS.search("run/" + "wo" + "rk and the ~/" + "tm" + "p of others")


def anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("name", [*GENERATE.DOCUMENTS, "docs/facts.md", "CHANGELOG.md", "CONTRIBUTING.md", "experiments/README.md"])
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
