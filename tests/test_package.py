"""What is handed on: the wheel runs outside the checkout, and all that describes the project says the same."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import zerolimit

HOME = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION: dict[str, Any] = yaml.safe_load((HOME / "CITATION.cff").read_text(encoding="utf-8"))
CODEMETA: dict[str, Any] = json.loads((HOME / "codemeta.json").read_text(encoding="utf-8"))


# what describes the project


def test_name_version_and_licence_are_the_same_everywhere() -> None:
    assert CODEMETA["name"] == PROJECT["name"]
    assert CITATION["title"].startswith(f"{PROJECT['name']}: ")
    assert CITATION["version"] == CODEMETA["version"] == PROJECT["version"] == zerolimit.__version__
    assert CITATION["license"] == PROJECT["license"] == CODEMETA["license"].rsplit("/", 1)[-1]
    assert (HOME / "LICENSE").read_text(encoding="utf-8").startswith(f"{PROJECT['license']} License")


def test_authors_keywords_words_and_python_are_the_same_everywhere() -> None:
    authors = [one["name"] for one in PROJECT["authors"]]
    assert authors == [one["name"] for one in CITATION["authors"]] == [one["name"] for one in CODEMETA["author"]]
    assert PROJECT["keywords"] == CITATION["keywords"] == CODEMETA["keywords"]
    assert CODEMETA["description"] == PROJECT["description"]
    assert CODEMETA["programmingLanguage"]["version"] == PROJECT["requires-python"]


def test_the_citation_has_what_its_format_asks_for() -> None:
    assert {"cff-version", "message", "title", "authors"} <= set(CITATION)
    for reference in CITATION["references"]:
        assert {"type", "title", "authors", "year", "doi"} <= set(reference)


def test_every_shipped_data_set_has_its_attribution_and_licence() -> None:
    licence = (HOME / "LICENSE").read_text(encoding="utf-8")
    described = (HOME / "model/zerolimit/data/README.md").read_text(encoding="utf-8")
    cited = {one["title"]: one for one in CITATION["references"] if one["type"] == "data"}
    for file in sorted((HOME / "model/zerolimit/data").glob("*.parquet")):
        assert f"data/{file.name}" in licence
        assert file.name in described
    for title, one in cited.items():
        assert title in licence
        assert title in described
        assert one["doi"] in licence
        assert one["license"].replace("CC-BY-", "CC BY ") in licence


def test_the_change_log_opens_with_what_is_not_released_and_flags_outputs() -> None:
    text = (HOME / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.split(r"^## ", text, flags=re.MULTILINE)[1]
    assert first.startswith(("[Unreleased]", f"[{PROJECT['version']}]"))
    assert "### Regression information" in first


# the wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=HOME, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    source = HOME / "model"
    ours = {
        file.relative_to(source).as_posix()
        for file in (source / "zerolimit").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    inside = {name for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert inside == ours
    assert {"zerolimit/py.typed", "zerolimit/data/uci.parquet", "zerolimit/presets/baseline.toml"} <= inside
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a new environment with the wheel, which finds the libraries (not this checkout) in the present one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "env", with_pip=True)
    scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / Path(sys.executable).name
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", wheel]
    subprocess.run(list(map(str, install)), check=True, capture_output=True, cwd=folder)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([str(python), "-c", ask], check=True, capture_output=True, text=True, cwd=folder).stdout.strip()
    (Path(site) / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return scripts


def outside(scripts: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the installed wheel, run away from the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    folder = scripts.parent.parent
    return subprocess.run(
        [str(scripts / words[0]), *words[1:]], capture_output=True, text=True, check=False, cwd=folder, env=environment
    )


@pytest.mark.slow
def test_the_installed_wheel_is_itself_and_says_its_version(installed: Path) -> None:
    where = outside(installed, "python", "-c", "import zerolimit; print(zerolimit.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(installed.parent), where.stderr
    said = outside(installed, "zerolimit", "version")
    assert (said.returncode, said.stdout.split()[-1]) == (0, PROJECT["version"])


@pytest.mark.slow
def test_the_installed_wheel_runs_a_scenario_and_the_shipped_clients(installed: Path) -> None:
    small = ("--engine", "objects", "--months", "3", "--seed", "1")
    drawn = outside(installed, "zerolimit", "run", "jiebei-2020", "--borrowers", "60", *small, "--out", "drawn")
    assert drawn.returncode == 0, drawn.stderr
    assert "On-time payers at risk" in drawn.stdout
    files = {file.name for file in (installed.parent.parent / "drawn").iterdir()}
    assert {"monthly.parquet", "scenario.toml", "provenance.json", "summary.png"} <= files
    ask = "import zerolimit; print(zerolimit.read_portfolio('uci').size)"
    assert outside(installed, "python", "-c", ask).stdout.strip() == "30000"
