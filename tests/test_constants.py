"""No number hides in a rule: what a study might move is a parameter, all else has a name in vocabulary/constants.py."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

import zerolimit
from zerolimit.parameters.scenario import Scenario
from zerolimit.vocabulary.constants import CONSTANTS
from zerolimit.vocabulary.fields import FIELDS, STORABLE

PACKAGE = Path(zerolimit.__file__).parent
RULES = sorted((PACKAGE / "rules").rglob("*.py"))
FACTS = (Path(__file__).parent.parent / "docs" / "facts.md").read_text(encoding="utf-8")
OTHER_SOURCES = {"assumption", "definition", "storage", "arithmetic"}

MACHINERY = {"__init__", "cap", "flags", "rule", "unrolled"}
"""Modules that make rules and caps; in them only what is declared a helper reaches a borrower."""
IN_WORDS = {"numbers", "thresholds"}
"""Functions of a cap's file that speak of a decision; they have no part in it."""

ALLOWED = {
    "exponential": "coefficients of a Taylor series",
    "normal": "coefficients of a fitted quantile function",
    "schedule": "positions in the unrolled schedule",
    "keep_account": "laws by their number",
    "keep_within_line": "laws by their number",
    "keep_served": "laws by their number",
    "count_at_end": "months past due by their number",
    "count_arrears": "months past due by their number",
}
"""Rules, helpers and constants of modules with other numbers than 0 and 1, and what these are."""


def numbers(tree: ast.AST) -> Iterator[ast.Constant]:
    """The numeric literals in a tree other than 0 and 1."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value not in (0, 1):
            yield node


def parts(text: str, module: str = "") -> dict[str, ast.AST]:
    """What reaches a borrower in a module of rules: bodies of its functions, and the numbers that it names."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            if node.name not in IN_WORDS and (module not in MACHINERY or is_helper(node)):
                found[node.name] = ast.Module(node.body, [])
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and module not in MACHINERY:
            found[ast.unparse(node.targets[0])] = node
    return found


def is_helper(function: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "helper" for one in function.decorator_list)


def hidden(text: str, allowed: Collection[str], module: str = "") -> list[str]:
    """Each number in a module of rules that has no name, as line and function."""
    return [
        f"line {node.lineno}, {name}: {node.value!r}"
        for name, part in parts(text, module).items()
        if name not in allowed
        for node in numbers(part)
    ]


@pytest.mark.parametrize("file", RULES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_number_hides_in_a_rule(file: Path) -> None:
    found = hidden(file.read_text(encoding="utf-8"), ALLOWED, file.stem)
    assert not found, (
        f"{file.name}: {'; '.join(found)}. Make it a parameter (parameters/declarations.py), or name it in"
        " vocabulary/constants.py"
    )


def test_a_number_in_a_rule_is_found() -> None:
    text = """
HALF = 0.5
@cap(number=13)
def keep(line, terms):
    return line * 0.7 + 1.0 - 0.0
def plain(line):
    return line * HALF
def numbers(d):
    return 100.0 * d
@helper
def twice(x):
    return 2.0 * x
"""
    assert hidden(text, ()) == ["line 2, HALF: 0.5", "line 5, keep: 0.7", "line 12, twice: 2.0"]
    assert hidden(text, ("HALF", "keep", "twice")) == []
    assert hidden(text, (), "cap") == ["line 12, twice: 2.0"]


def test_every_exemption_is_needed() -> None:
    read = [parts(file.read_text(encoding="utf-8"), file.stem) for file in RULES]
    assert {name for found in read for name, part in found.items() if any(numbers(part))} == set(ALLOWED)


def test_every_constant_is_used_and_has_a_source() -> None:
    names = [
        node.id if isinstance(node, ast.Name) else node.name
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.alias) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    ]
    assert not [name for name in CONSTANTS if name not in names]
    for name, (_, about) in CONSTANTS.items():
        rows = about.source.removeprefix("facts ").split(", ") if about.source.startswith("facts ") else []
        assert about.source in OTHER_SOURCES or (rows and all(f"| {row} |" in FACTS for row in rows)), name
        assert about.unit, name
        assert about.says, name


def test_no_constant_is_a_parameter_too() -> None:
    assert not {name.lower() for name in CONSTANTS}.intersection(Scenario.model_fields)


def test_limits_of_storage_fit_into_their_columns() -> None:
    bytes_and_words = {"MONTHS_MOST": "i1", "ZEROS_MOST": "i1", "SPELL_MOST": "i2", "TENURE_MOST": "i2"}
    limits = bytes_and_words | {"LARGEST": "i4", "SHARE_MOST": "q2"}
    assert {name for name, (_, about) in CONSTANTS.items() if about.source == "storage"} == set(limits)
    for name, kind in limits.items():
        assert CONSTANTS[name][0] <= STORABLE[kind], name
    assert FIELDS["zeros"].storage == limits["ZEROS_MOST"]
