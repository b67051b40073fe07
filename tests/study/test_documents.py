"""The guide to studies and the studies that come with the project."""

import re
import tomllib
from pathlib import Path

import pytest
import typer.main

from zerolimit.commands.cli import app
from zerolimit.study.definition import read_study

HOME = Path(__file__).parents[2]
GUIDE = (HOME / "docs" / "studies.md").read_text(encoding="utf-8")
EXPERIMENTS = sorted(path.parent for path in (HOME / "experiments").glob("*/study.toml"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def test_the_guides_study_file_is_a_study() -> None:
    (text,) = blocks("toml")
    study = read_study(tomllib.loads(text))
    assert (len(study.points), study.settings.replications) == (16, 6)


def test_the_guides_examples_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    for number, text in enumerate(blocks("python")):
        exec(compile(text, f"example {number + 1}", "exec"), {"__name__": "__main__"})


def test_every_command_in_the_guide_exists() -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line in "".join(blocks("bash")).splitlines():
        words = re.sub(r"\s+#.*", "", line).split()
        options = {name for option in known[words[1]].params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_a_study_of_the_project_is_whole(path: Path) -> None:
    study = read_study(path)
    assert study.settings.question.endswith("?")
    text = (path / "README.md").read_text(encoding="utf-8")
    assert study.settings.question in text
    assert f"make study NAME={path.name}" in text
    assert re.search(r"\A# .*\n\nNumbers of version \d+\.\d+\.\d+, run on \d{4}-\d\d-\d\d", text)
    for name in ("run.py", "figure.png", "table.csv"):
        assert (path / name).is_file()
    assert "(figure.png)" in text
    assert f"({path.name}/README.md)" in (HOME / "experiments" / "README.md").read_text(encoding="utf-8")
