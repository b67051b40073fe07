"""CONTRIBUTING's recipe for a cap, followed in a copy of the package: what it touches, what tells what is forgotten."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import zerolimit

PACKAGE = Path(zerolimit.__file__).parent
HOME = Path(__file__).parent.parent.parent

CAP = '''"""Cap 14: too much is lent in construction already."""

from zerolimit.basics.wording import in_yuan, say
from zerolimit.rules.cap import Compared, Parameter, cap
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.names import END_LOOSENING, SECTORS

CONSTRUCTION = float(SECTORS.index("construction"))


def numbers(d):
    return say("of lines in construction {share} % are kept: {line}", share=f"{100 * d.terms['sector_keep']:.0f}",
               line=in_yuan(d.line))


def thresholds(d):
    if d.terms["sector_keep"] < 1.0:
        yield Compared("line that the sector keeps", "fen", d.line, d.usable)


@cap(
    number=14,
    mechanism="MECHANISM",
    says="too much is lent in this sector",
    short="sector",
    colour="red",
    hatch="///",
    ends_as=END_LOOSENING,
    numbers=numbers,
    thresholds=thresholds,
    parameters=(Parameter("sector_keep", 1.0, "share", 0.0, 1.0, "of the formula line kept in construction", off=1.0),),
)
def sector_limit(base_line, sector, terms):
    """sector_keep x formula line in construction, while sector_keep < 1."""
    return terms.sector_keep * base_line if sector == CONSTRUCTION and terms.sector_keep < 1.0 else NO_CAP
'''
CHINESE = {
    "reason": {"sector_limit": "行业集中"},
    "english": {
        "sector": "行业",
        "sector limit": "行业集中",
        "too much is lent in this sector": "该行业贷款过于集中",
        "of lines in construction {share} % are kept: {line}": "建筑业额度保留 {share}%：{line}",
        "line that the sector keeps": "行业限额保留的额度",
    },
}
MECHANISM = """        Mechanism(
            "concentration",
            "Lines in a sector with much lent already are lower.",
            {},
            group="portfolio",
            colour="teal",
        ),
"""

WORKS = """
import zerolimit, zerolimit.app.page
from zerolimit import Simulation, load_scenario
from zerolimit.parameters.scenario import Scenario
from zerolimit.parameters.terms import TERMS
from zerolimit.results.episodes import episode_columns
from zerolimit.results.figures import LOOKS
from zerolimit.rules.appeal import support
from zerolimit.rules.caps import CAP, MEASURED, REASONS
from zerolimit.testing import check_cap

cap = CAP["sector_limit"]
check_cap(cap)
assert REASONS[13] == "sector_limit" and "cap_sector_limit" in MEASURED and "sector_limit" in LOOKS
assert "sector_keep" in Scenario.model_fields and "sector_keep" in TERMS and "sector" in support.reads


def lived(months, **parameters):
    world = Simulation(load_scenario("defaults", borrowers=120, **parameters), 1, engine="objects")
    return world.run(months)


def events(world):
    return sum(int(month.counts["zero_by_sector_limit"].sum()) for month in world.history)


full = lived(8, sector_keep=0.0)
assert events(full) > 0, "closes no line"
assert events(lived(4)) == 0, "acts at its default"
assert events(lived(4, sector_keep=0.0, off=(cap.mechanism,))) == 0, "acts while its mechanism is off"
construction = full.column("sector") == 3
assert ((full.column("mask").astype(int) >> 13 & 1) <= construction).all(), "has its bit in another sector"
assert (full.column("reason")[construction] == 14).any(), "is the reason of nobody"
print("works")
"""
FORGOTTEN = """
from dataclasses import replace
from zerolimit.rules.caps import CAP
from zerolimit.testing import check_cap

cap = CAP["sector_limit"]
for one in (cap, replace(cap, parameters=(replace(cap.parameters[0], off=None),))):
    try:
        check_cap(one)
    except AssertionError as error:
        print(error)
"""
TABLE = """
import sys
sys.path.append(sys.argv[1])
from docs import declarations
assert "sector_limit" in declarations.caps() and "cap_sector_limit" in declarations.measures()
assert "sector_keep" in declarations.parameters()
print("listed")
"""


def ran(home: Path, code: str, *arguments: str) -> str:
    """What code prints in the copy; its error where it ends in one."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(home),
        "ZEROLIMIT_CACHE": str(home / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def copied(home: Path) -> Path:
    shutil.copytree(PACKAGE, home / "zerolimit", ignore=shutil.ignore_patterns("__pycache__", "data"))
    return home / "zerolimit"


def touched(copy: Path) -> set[str]:
    """Files of the copy that are new or other than the package's."""
    files = {str(file.relative_to(copy)) for file in copy.rglob("*") if file.suffix in (".py", ".toml")}
    return {
        name
        for name in files
        if not (PACKAGE / name).is_file() or (PACKAGE / name).read_bytes() != (copy / name).read_bytes()
    }


def translated(copy: Path, texts: dict[str, dict[str, str]]) -> None:
    """Texts put into their tables of the Chinese file."""
    file = copy / "app" / "texts" / "zh.toml"
    text = file.read_text(encoding="utf-8")
    for table, rows in texts.items():
        lines = "".join(f'"{english}" = "{chinese}"\n' for english, chinese in rows.items())
        text = text.replace(f"[{table}]\n", f"[{table}]\n{lines}", 1)
    file.write_text(text, encoding="utf-8")


def add(copy: Path, mechanism: str = "positioning", **changed: str) -> None:
    """The cap's file, with some of its text changed."""
    text = CAP.replace("MECHANISM", mechanism)
    for old, new in changed.values():
        assert old in text
        text = text.replace(old, new)
    (copy / "rules" / "caps" / "sector_limit.py").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_a_cap_with_its_parameter_is_one_file_of_code_and_one_of_text(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    add(copy)
    told = ran(tmp_path, FORGOTTEN).splitlines()
    assert told[0].startswith("cap sector_limit: app/texts/zh.toml: [reason] sector_limit"), told
    assert told[1] == "cap sector_limit: none of its terms changes while positioning is off: give a parameter `off`"
    translated(copy, CHINESE)
    assert touched(copy) == {"rules/caps/sector_limit.py", "app/texts/zh.toml"}
    assert ran(tmp_path, WORKS + TABLE, str(HOME)).splitlines() == ["works", "listed"]


@pytest.mark.slow
def test_with_a_mechanism_of_its_own_it_is_one_file_more_of_each(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    add(copy, "concentration")
    file = copy / "vocabulary" / "mechanisms.py"
    text = file.read_text(encoding="utf-8")
    last = text.index("    ),\n)\n")
    file.write_text(text[:last] + MECHANISM + text[last:], encoding="utf-8")
    english = copy / "app" / "texts" / "en.toml"
    english.write_text(
        english.read_text(encoding="utf-8").replace("[mechanism]\n", '[mechanism]\nconcentration = "Concentration"\n', 1),
        encoding="utf-8",
    )
    own = {"mechanism": {"concentration": "行业集中"}, "mechanism_says": {"concentration": "贷款较多的行业额度较低。"}}
    translated(copy, {**CHINESE, **own})
    code, texts = {"rules/caps/sector_limit.py", "vocabulary/mechanisms.py"}, {"app/texts/en.toml", "app/texts/zh.toml"}
    assert touched(copy) == code | texts
    assert ran(tmp_path, WORKS) == "works"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("number=14", "number=5"), "cap trigger: its number, 5, is that of cap sector_limit"),
        (
            ("base_line, sector, terms", "base_line, sektor, terms"),
            "cap sector_limit: unknown field 'sektor'; did you mean 'sector'",
        ),
        (("return terms.sector_keep", "return terms.sector_kept"), "cap sector_limit: unknown term 'sector_kept'"),
        (
            ('"positioning"', '"positionings"'),
            "cap sector_limit: unknown mechanism 'positionings'; did you mean 'positioning'",
        ),
        (("def sector_limit", "def sector_limits"), "rules/caps/sector_limit.py: a file declares one cap, of its own name"),
        (('Parameter("sector_keep"', 'Parameter("growth"'), "cap sector_limit: parameter growth: declared twice"),
        (('colour="red"', 'colour="rde"'), "cap sector_limit: unknown colour 'rde'; did you mean 'red'"),
    ],
    ids=["number", "field", "term", "mechanism", "name", "parameter", "colour"],
)
def test_what_is_wrong_is_told_in_one_line_at_import(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    copy = copied(tmp_path)
    add(copy, only=change)
    assert says in ran(tmp_path, "import zerolimit.results.figures, zerolimit.parameters.terms")
