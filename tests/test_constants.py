"""No number hides in a rule: what a study might move is a parameter, all else has a name in vocabulary/constants.py."""

import ast
from collections.abc import Iterator
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

ALLOWED = {
    "exponential": "coefficients of a Taylor series",
    "normal": "coefficients of a fitted quantile function",
    "schedule": "positions in the unrolled schedule",
    "keep_account": "laws by their number",
    "keep_within_line": "laws by their number",
    "keep_served": "laws by their number",
    # until caps are a table (issue 14, section 1)
    "NO_CAP": "caps",
    "cap_values": "caps",
    "weigh": "caps",
    "measure": "caps",
    "place": "allocation",
    "hear": "caps, codes",
    # until outcomes are named flags and codes have names (issue 14, section 1)
    "ask": "codes",
    "call_for_review": "codes",
    "commit": "codes",
    "record": "caps, codes",
    "look": "codes",
    "stand_in_queue": "codes",
    "count_decided": "flags, codes",
    "count": "flags, codes",
    "repay": "codes",
    "apply_payment": "codes",
    "charge_off": "codes",
    "count_arrears": "flags, codes",
    "remember": "codes",
    "feel": "codes",
    "leave": "flags, codes",
    "count_stirred": "flags, codes",
}
"""Rules, helpers and module constants with other numbers than 0 and 1, and what these are."""


def numbers(tree: ast.AST) -> Iterator[ast.Constant]:
    """The numeric literals in a tree other than 0 and 1."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value not in (0, 1):
            yield node


def parts(text: str) -> dict[str, ast.AST]:
    """The functions and assigned names of a module."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found[ast.unparse(target)] = node
    return found


def hidden(text: str, allowed: dict[str, str]) -> list[str]:
    """Each number in a module of rules that has no name, as line and function."""
    return [
        f"line {node.lineno}, {name}: {node.value!r}"
        for name, part in parts(text).items()
        if name not in allowed
        for node in numbers(part)
    ]


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_no_number_hides_in_a_rule(file: Path) -> None:
    found = hidden(file.read_text(encoding="utf-8"), ALLOWED)
    assert not found, (
        f"{file.name}: {'; '.join(found)}. Make it a parameter (parameters/declarations.py), or name it in"
        " vocabulary/constants.py"
    )


def test_a_number_in_a_rule_is_found() -> None:
    text = "HALF = 0.5\ndef keep(line, terms):\n    return line * 0.7 + 1.0 - 0.0\ndef plain(line):\n    return line * HALF"
    assert hidden(text, {}) == ["line 1, HALF: 0.5", "line 3, keep: 0.7"]
    assert hidden(text, {"HALF": "", "keep": ""}) == []


def test_every_exemption_is_needed() -> None:
    needed = {name for file in RULES for name, part in parts(file.read_text(encoding="utf-8")).items() if any(numbers(part))}
    assert needed == set(ALLOWED)


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
