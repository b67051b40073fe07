"""What makes a plain function count outcomes: it names flags, and their bits are packed into words here.

    @outcomes
    def count_decided(happened, review):
        return (
            flag("zero_limit", happened == ZERO_LIMIT, "zero-limit events"),
            flag("reviewed", review != NO_REVIEW, "lines decided"),
        )

Declared is an outcome in this one place: its name, when it is so, and what it means; whom it is about says the phase of the
month in which the rule stands. Both engines run the function that is made of it, in which each word is a sum of powers of 2.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zerolimit.basics.errors import BadDeclaration, quoted, refuse_unknown
from zerolimit.rules.rule import Rule, rule
from zerolimit.vocabulary.draws import PURPOSES
from zerolimit.vocabulary.fields import FIELDS, declare_flow

BITS = 12
"""Flags of one word: more of a rule go to further words."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One outcome: a bit of a word."""

    name: str
    says: str
    word: str
    bit: int

    def of(self, values: Mapping[str, float]) -> bool:
        """Whether it is set in a borrower's words."""
        return bool(int(values[self.word]) >> self.bit & 1)


FLAGS: dict[str, Flag] = {}
"""Every outcome, by name."""


def flag(name: str, condition: Any, says: str) -> Any:
    """One outcome in what a function under @outcomes returns: name and meaning are texts, the condition is read as code."""
    raise BadDeclaration(f"outcome {name}: flag() stands in what a function under @outcomes returns")


def outcomes(function: Callable[..., Any]) -> Rule:
    """Declare a rule that counts outcomes, and these. BadDeclaration: one is declared twice, or not as shown above."""
    where = f"outcomes of {function.__name__}"
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    for name in inspect.signature(function).parameters:
        if name != "terms":
            refuse_unknown(where, "draw" if name.startswith("u_") else "field", name, (*FIELDS, *PURPOSES))
    returns = [node for node in ast.walk(definition) if isinstance(node, ast.Return)]
    if len(returns) != 1 or not isinstance(returns[0].value, ast.Tuple) or returns[0] is not definition.body[-1]:
        raise BadDeclaration(f"{where}: a function under @outcomes ends in one return (flag(...), flag(...), ...)")
    found: dict[str, Flag] = {}
    words: dict[str, ast.expr] = {}
    for at, node in enumerate(returns[0].value.elts):
        name, condition, says = parts_of(where, node)
        if name in FLAGS or name in found:
            raise BadDeclaration(f"{where}: outcome {name} is declared twice")
        one = found[name] = Flag(name, says, f"{function.__name__}_{at // BITS + 1}", at % BITS)
        term = ast.IfExp(condition, ast.Constant(float(2**one.bit)), ast.Constant(0.0))
        words[one.word] = ast.BinOp(words[one.word], ast.Add(), term) if one.bit else term
    returns[0].value = ast.Tuple([*words.values()], ast.Load()) if len(words) > 1 else next(iter(words.values()))
    definition.decorator_list = []
    ast.increment_lineno(ast.fix_missing_locations(tree), function.__code__.co_firstlineno - 1)
    made: dict[str, Any] = {}
    exec(compile(tree, function.__code__.co_filename, "exec"), function.__globals__, made)
    for word in words:
        declare_flow(word, "i2", "bits", f"outcomes that the rule {function.__name__} counts")
    FLAGS.update(found)
    return rule(*words)(made[function.__name__])


def parts_of(where: str, node: ast.expr) -> tuple[str, ast.expr, str]:
    """Name, condition and meaning of a flag."""
    shown = quoted(ast.unparse(node))
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "flag"):
        raise BadDeclaration(f'{where}: flag("name", condition, "meaning") is needed, not {shown}')
    if node.keywords or len(node.args) != 3:
        raise BadDeclaration(f"{where}: flag() takes a name, a condition and a meaning, not {shown}")
    name, condition, says = node.args
    if not (isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isidentifier()):
        raise BadDeclaration(f"{where}: an outcome's name is a text, as of a variable, not {quoted(ast.unparse(name))}")
    if not (isinstance(says, ast.Constant) and isinstance(says.value, str) and says.value):
        raise BadDeclaration(f"{where}: outcome {name.value}: its meaning is a text, not {quoted(ast.unparse(says))}")
    return name.value, condition, says.value
