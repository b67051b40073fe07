"""The decision over all caps, written out from their table as plain functions that both engines take.

Nothing loops over caps while a month runs: what is written is what a person would have written by hand
(`inspect.getsource(weigh.function)` shows it).
"""

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from zerolimit.rules.allocations import ALLOCATIONS, ORDER
from zerolimit.rules.cap import Cap
from zerolimit.rules.caps import CAPS, POLICY
from zerolimit.rules.formula import DERIVED
from zerolimit.rules.rule import contract, helper
from zerolimit.vocabulary.constants import WON_FIRST
from zerolimit.vocabulary.fields import FIELDS
from zerolimit.vocabulary.names import APPEAL_WON, END_SCORE

Function = Callable[..., Any]


def made(name: str, lines: list[str], like: Function, scope: dict[str, Any]) -> Function:
    """A function from its text, at home in another one's module; Python shows its text as that of any function."""
    text = "\n".join(lines) + "\n"
    file = f"<{like.__module__}.{name}, written out from rules/caps>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope = {**scope, "__name__": like.__module__}
    exec(compile(text, file, "exec"), scope)
    function: Function = scope[name]
    function.__doc__ = like.__doc__
    return function


def parameters_of(function: Function) -> tuple[str, ...]:
    return contract(function, "cap")[0]


def body_of(function: Function) -> tuple[list[ast.Assign], ast.expr] | None:
    """Assignments and the value returned, of a function that is no more than these; None of another one."""
    try:
        found = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, SyntaxError):
        return None
    if not isinstance(found, ast.FunctionDef) or function.__closure__:
        return None
    *before, last = found.body
    steps = [one for one in before if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    plain = all(
        isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) and not one.targets[1:] for one in steps
    )
    if not plain or not isinstance(last, ast.Return) or last.value is None:
        return None
    if any(isinstance(node, ast.Lambda | ast.comprehension | ast.NamedExpr) for one in found.body for node in ast.walk(one)):
        return None
    return [one for one in steps if isinstance(one, ast.Assign)], last.value


class Renamed(ast.NodeTransformer):
    """Names of a function as they are called where its body is put."""

    def __init__(self, names: Callable[[str], str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(self.names(node.id), mode="eval").body


class Text:
    """The lines of a function over caps, with what they name and read."""

    def __init__(self, instead: Mapping[str, str | float]) -> None:
        self.instead = instead
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {}
        self.reads: list[str] = []

    def value(self, function: Function, given: Mapping[str, str]) -> str:
        """What a function gives, as an expression: its body where it is plain, else a call. What it needs goes before."""
        name = function.__name__
        arguments = {one: given[one] if one in given else self.argument(one) for one in parameters_of(function)}
        body = body_of(function)
        if body is None:
            return f"{self.known(name, function, name)}({', '.join(arguments.values())})"
        steps, last = body
        assigned = [one.targets[0].id for one in steps if isinstance(one.targets[0], ast.Name)]
        local = {one: f"{name}_{one}{'_' if f'{name}_{one}' in FIELDS else ''}" for one in assigned}

        def named(one: str) -> str:
            if one in local or one in arguments:
                return local.get(one) or arguments[one]
            return self.known(one, function.__globals__[one], name) if one in function.__globals__ else one

        rename = Renamed(named)
        for one in steps:
            self.lines.append(f"{named(ast.unparse(one.targets[0]))} = {ast.unparse(rename.visit(one.value))}")
        return ast.unparse(rename.visit(last))

    def known(self, name: str, what: Any, of: str) -> str:
        """The name of a constant or helper, told apart where two modules mean two things by it."""
        shown = name if self.scope.get(name, what) is what and name not in FIELDS else f"{of}_{name}_"
        self.scope[shown] = what
        return shown

    def argument(self, name: str) -> str:
        """How a name is passed on: a derived amount, a field, or what stands in a field's place."""
        if name in DERIVED:
            if not any(line.startswith(f"{name} = ") for line in self.lines):
                self.lines.append(f"{name} = {self.value(DERIVED[name], {})}")
            return name
        given = self.instead.get(name, name)
        if isinstance(given, float):
            return repr(given)
        self.reads += [] if given in self.reads else [given]
        return given


def caps_unrolled(
    answer: Function, caps: tuple[Cap, ...] = POLICY, instead: Mapping[str, str | float] | None = None
) -> Function:
    """`answer`, given what the caps say: a function of all that they read (and of what else it reads) that works this out.

    Of its parameters `base_line` is the formula's line (fen), `lowest` the lowest cap (fen), `cap_reason` the number of the
    first that is this low, in the order of places, `cap_mask` the bits of those below the minimum loan, `measured` every
    cap (fen) and every distance. `instead` names other fields (or numbers) for fields that caps read.
    """
    text = Text(instead or {})
    asked = parameters_of(answer)
    values = {cap.name: f"cap_{cap.name}" for cap in caps}
    for cap in caps:
        text.lines.append(f"cap_{cap.name} = {text.value(cap.function, {})}")
    if {"lowest", "cap_reason"} & {*asked}:
        low = ", ".join(values.values())
        text.lines.append(f"lowest = min({low})" if len(caps) > 1 else f"lowest = {low}")
    if "cap_reason" in asked:
        last, *others = sorted(caps, key=lambda cap: -cap.place)
        text.lines.append(f"cap_reason = {last.code!r}")
        text.lines += [f"cap_reason = {cap.code!r} if cap_{cap.name} <= lowest else cap_reason" for cap in others]
    if "cap_mask" in asked:
        text.argument("terms")
        bits = [f"({cap.bit!r} if cap_{cap.name} < terms.minimum_loan else 0.0)" for cap in caps]
        text.lines += ["cap_mask = (", *(f"    {'+ ' if k else ''}{bit}" for k, bit in enumerate(bits)), ")"]
    if "measured" in asked:
        distances = [text.value(cap.distance, {}) for cap in CAPS if cap.distance is not None]
        text.lines += ["measured = (", *(f"    {one}," for one in (*values.values(), *distances)), ")"]
    worked_out = {"lowest", "cap_reason", "cap_mask", "measured"}
    told = text.value(answer, {name: name for name in worked_out})
    reads = [*(name for name in text.reads if name != "terms"), *(["terms"] if "terms" in text.reads else [])]
    body = [f"    {line}" for line in (*text.lines, f"return {told}")]
    return made(answer.__name__, [f"def {answer.__name__}({', '.join(reads)}):", *body], answer, text.scope)


def over_caps(instead: Mapping[str, str | float] | None = None, *, lifted: bool = True) -> Callable[[Function], Function]:
    """Above a function that reads what the caps say (`caps_unrolled`); without `lifted` those stay out that appeals lift."""

    def unroll(answer: Function) -> Function:
        caps = POLICY if lifted else tuple(cap for cap in POLICY if not cap.lifted_by_appeal)
        if body_of(answer) is None:
            helper(answer)
        return caps_unrolled(answer, caps, instead)

    return unroll


def forgetting(answer: Function) -> Function:
    """Above a function of one memory and what else it reads: the same for every memory that an appeal lets begin anew."""
    memories = [name for cap in CAPS for name in cap.forgotten]
    memory, *others = parameters_of(answer)
    text = Text({})
    values = [text.value(answer, {memory: name}) for name in memories]
    lines = [f"def {answer.__name__}({', '.join([*memories, *others])}):", f"    return {', '.join(values)}"]
    return made(answer.__name__, lines, answer, text.scope)


def route_unrolled(answer: Function, caps: tuple[Cap, ...] = CAPS) -> Function:
    """Above an empty function of a reason: how an episode ends when the line comes back after it, as caps declare."""
    routes: dict[float, list[int]] = {}
    for cap in caps:
        routes.setdefault(cap.ends_as, []).append(cap.number)
    routes.pop(END_SCORE, None)
    said = repr(END_SCORE)
    for route, numbers in reversed(routes.items()):
        said = f"{route!r} if {' or '.join(spans('reason', numbers))} else ({said})"
    return made(answer.__name__, [f"def {answer.__name__}(reason):", f"    return {said}"], answer, {})


def place_unrolled(answer: Function) -> Function:
    """Above an empty function: the place in the pool's order by the rule in force, of all that the orders read."""
    orders = [one for one in ALLOCATIONS.values() if one.kind == ORDER]
    calls = {one.name: f"place_{one.name}({', '.join(one.reads)})" for one in orders}
    first, *others = orders
    *some, last = [one for one in others if one.won_first]
    lines = ["how = terms.allocation", f"place = {calls[first.name]}"]
    lines += [f"place = {calls[one.name]} if how == {one.code!r} else place" for one in others if not one.won_first]
    chosen = calls[last.name]
    for one in reversed(some):
        chosen = f"{calls[one.name]} if how == {one.code!r} else ({chosen})"
    asked = " or ".join(spans("how", [int(one.code) for one in (*some, last)]))
    lines += [f"chosen = {chosen}", "won = 1.0 if appealed == APPEAL_WON else 0.0"]
    lines += [f"return chosen + WON_FIRST * won if {asked} else place"]
    reads = dict.fromkeys([name for one in orders for name in one.reads if name != "terms"] + ["appealed", "terms"])
    scope = {"APPEAL_WON": APPEAL_WON, "WON_FIRST": WON_FIRST, **{f"place_{one.name}": one.function for one in orders}}
    text = [f"def {answer.__name__}({', '.join(reads)}):", *(f"    {line}" for line in lines)]
    return made(answer.__name__, text, answer, scope)


def spans(name: str, numbers: list[int]) -> list[str]:
    """Conditions under which a number is one of some: as few as its neighbours allow."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return [
        f"({name} >= {float(span[0])!r} and {name} <= {float(span[-1])!r})" if span[1:] else f"{name} == {float(span[0])!r}"
        for span in found
    ]
