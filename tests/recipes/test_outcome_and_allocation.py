"""CONTRIBUTING's recipes for an outcome and an allocation rule, followed in a copy of the package: the files they touch."""

from pathlib import Path

import pytest
from tests.recipes.test_cap import copied, ran, touched, translated

OUTCOME = '        flag("zero_young", zero and age < 40.0, "zero-limit events of those below forty at the opening"),\n'
COUNTED = """
import zerolimit
from zerolimit import Simulation, load_scenario
from zerolimit.month import OUTCOMES
from zerolimit.results.columns import monthly_columns, monthly_meanings
from zerolimit.rules.flags import FLAGS
from zerolimit.rules.outcome import count_decided
from zerolimit.testing import check_rule

check_rule(count_decided)
world = Simulation(load_scenario("defaults", borrowers=150, pool_share=0.15), 1, engine="objects").run(6)
young, all_of_them = (sum(int(one.counts[name].sum()) for one in world.history) for name in ("zero_young", "zero_limit"))
assert 0 < young < all_of_them, (young, all_of_them)
assert "zero_young" in monthly_columns(world.history) and monthly_meanings()["zero_young"][1].endswith("opening")
assert FLAGS["zero_young"].bit == len(OUTCOMES[FLAGS["zero_young"].word]) - 1
print("counted")
"""
ORDER = '''

@order("the smallest line first", unit="fen")
def smallest(lowest):
    """The lowest cap, less first."""
    return -lowest
'''
SHARED = """
import numpy as np
import zerolimit, zerolimit.app.page
from zerolimit import Simulation, load_scenario
from zerolimit.app.language import Words
from zerolimit.app.controls import says_of
from zerolimit.rules.allocations import ALLOCATIONS
from zerolimit.testing import allocation, check_allocation


def lived(name):
    world = Simulation(load_scenario("defaults", borrowers=300, pool_share=0.3, allocation=name), 1, engine="objects")
    return world.run(5).column("limit")


allocation.check_worlds = lambda rule: None
check_allocation("smallest")
assert [name for name in ALLOCATIONS if name != "smallest" and (lived(name) == lived("smallest")).all()] == []
for language in ("en", "zh"):
    words = Words(language)
    assert words("option.smallest") and words.declared("allocation", "smallest", ALLOCATIONS["smallest"].says)
print("shared")
"""
FORGOTTEN = """
from zerolimit.app.language import texts
from zerolimit.rules.allocations import ALLOCATIONS
print([name for name in ALLOCATIONS if name not in texts("zh")["allocation"] or name not in texts("en")["option"]])
"""


def changed(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_an_outcome_is_one_file_of_code(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    file = copy / "rules" / "outcome.py"
    text = file.read_text(encoding="utf-8")
    at = text.index("    notice_left,\n    terms,\n):\n", text.index("def count_decided("))
    text = text[:at] + "    age,\n" + text[at:]
    end = text.index("\n    )\n", text.index('"zero_at_risk"')) + 1
    file.write_text(text[:end] + OUTCOME + text[end:], encoding="utf-8")
    assert touched(copy) == {"rules/outcome.py"}
    assert ran(tmp_path, COUNTED) == "counted"


def test_an_outcome_of_a_field_that_its_rule_does_not_read_is_told(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    changed(copy / "rules" / "outcome.py", 'flag("blocked", happened == BLOCKED', 'flag("blocked", age < 30.0')
    told = ran(tmp_path, "from zerolimit.engine.compiled import ordinary_loops; ordinary_loops()")
    assert told.endswith("rule count_decided: unknown term 'age'")


def test_an_outcome_with_the_name_of_another_is_told(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    changed(copy / "rules" / "outcome.py", 'flag("blocked"', 'flag("zero_limit"')
    assert ran(tmp_path, "import zerolimit.month").endswith(
        "outcomes of count_decided: outcome zero_limit is declared twice"
    )


@pytest.mark.slow
def test_an_allocation_rule_is_one_file_of_code_and_one_of_text_a_language(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    file = copy / "rules" / "allocations.py"
    file.write_text(file.read_text(encoding="utf-8") + ORDER, encoding="utf-8")
    assert ran(tmp_path, FORGOTTEN) == "['smallest']"
    changed(copy / "app" / "texts" / "en.toml", "[option]\n", '[option]\nsmallest = "Smallest line first"\n')
    translated(copy, {"option": {"smallest": "额度小者优先"}, "allocation": {"smallest": "额度最小者优先"}})
    assert touched(copy) == {"rules/allocations.py", "app/texts/en.toml", "app/texts/zh.toml"}
    assert ran(tmp_path, SHARED) == "shared"


def test_an_allocation_rule_without_a_function_or_with_an_unknown_field_is_told(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    file = copy / "rules" / "allocations.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + ORDER.replace("lowest", "lowset"), encoding="utf-8")
    assert "allocation smallest: unknown field 'lowset'; did you mean 'lowest'?" in ran(tmp_path, "import zerolimit.month")
    file.write_text(text + '\n\norder("without a function")(None)\n', encoding="utf-8")
    assert "order: @order stands above a plain function" in ran(tmp_path, "import zerolimit.month")
