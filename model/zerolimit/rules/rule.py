"""What makes a plain function a rule of the model, and the arithmetic that rules may use.

A rule reads the fields, draws (`u_...`) and `terms` that its parameters name, and returns the fields that it writes,
in the order given to `@rule`. It stays ordinary Python; the engines decide how it reaches all borrowers.
"""

import builtins
import dis
import hashlib
import importlib
import inspect
import math
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pickle import PicklingError
from typing import Any

from zerolimit.basics.errors import BadRule, quoted
from zerolimit.vocabulary.names import GIG, SALARIED

LIBRARY: list[Callable[..., Any]] = []
"""Every rule and helper that compiled loops may call (engine/compiled.py makes them known to the compiler)."""

REFUSED = {"exp", "log", "pow", "floor", "round", "log10", "log2", "expm1", "log1p"}
"""Not in rules: they differ between C libraries and engines, or stop the vectoriser. Use the helpers below."""


@dataclass(frozen=True)
class Rule:
    """One behaviour of one borrower. Called like the plain function that it is."""

    name: str
    function: Callable[..., Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    terms: tuple[str, ...]
    after: str | None = None
    user_defined: bool = False
    """Brought by a user: what it returns is checked on every borrower."""

    def __call__(self, *values: Any) -> Any:
        return self.function(*values)

    def __deepcopy__(self, memo: Any) -> "Rule":
        return self

    def __reduce__(self) -> Any:
        """Pickled by name, as functions are: the decorated name in its module is the rule."""
        where, name = self.function.__module__, self.function.__qualname__
        if vars(sys.modules.get(where, builtins)).get(name) not in (self, replace(self, user_defined=False)):
            raise PicklingError(f"rule {self.name}: pickle finds rules by name, and {where}.{name} is none; take a file")
        return rule_named, (where, name, self.user_defined, fingerprint(self.function) if self.user_defined else "")

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for name in self.reads if not name.startswith("u_") and name != "terms")

    @property
    def draws(self) -> tuple[str, ...]:
        return tuple(name for name in self.reads if name.startswith("u_"))


def rule_named(module: str, name: str, user_defined: bool, code: str) -> Rule:
    """A pickled rule; PicklingError where its code is not what it was."""
    found: Rule = replace(getattr(importlib.import_module(module), name), user_defined=user_defined)
    if code and fingerprint(found.function) != code:
        raise PicklingError(f"rule {found.name}: its code in {module} is not what was pickled")
    return found


@cache
def instructions(code: types.CodeType) -> list[dis.Instruction]:
    """The steps of a function's code; of a helper they are asked for by each rule that calls it."""
    return [*dis.get_instructions(code)]


def names_used(function: Callable[..., Any]) -> set[str]:
    """The attribute and unresolved names in a function and in the helpers that it calls."""
    scope = function.__globals__
    found: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        for step in instructions(code):
            if step.opname == "LOAD_ATTR":
                found.add(step.argval)
            elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                called = scope.get(step.argval)
                if called in LIBRARY and called is not function:
                    found |= names_used(called)
                elif step.argval not in scope and (not hasattr(builtins, step.argval) or step.argval in REFUSED):
                    found.add(step.argval)
    return found


def contract(function: Any, what: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a rule or a cap reads, and its terms; BadRule where it is no plain function, or not plain arithmetic."""
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise BadRule(
            f"{what}: @{what} stands above a plain function, def name(...): return ...; not above {quoted(function)}"
        )
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD or parameter.default is not parameter.empty:
            raise BadRule(f"{what} {function.__name__}: parameter {parameter.name!r} must be plain, without default")
    used = names_used(function)
    if any(step.opname == "BINARY_OP" and "**" in step.argrepr for step in instructions(function.__code__)):
        used.add("pow")
    if bad := used & REFUSED:
        raise BadRule(
            f"{what} {function.__name__}: {sorted(bad)[0]!r} is refused, it differs between engines and machines;"
            " see zerolimit.rules.rule for whole, exponential, normal"
        )
    return tuple(inspect.signature(function).parameters), tuple(sorted(used - {"terms"}))


def rule(*writes: str, after: str | None = None) -> Callable[[Callable[..., Any]], Rule]:
    """Declare a rule that writes the named fields. Names are checked when the month is put together.

    `after` names the rule after which a user-defined rule runs (`CreditMarket(rules=[...])`); a rule with the name of
    a built-in one takes its place.
    """

    for name in (*writes, *([] if after is None else [after])):
        if not isinstance(name, str):
            raise BadRule(f"rule: field names and `after` must be texts, not {quoted(name)}")

    def register(function: Callable[..., Any]) -> Rule:
        reads, terms = contract(function, "rule")
        return Rule(function.__name__, function, reads, tuple(writes), terms, after)

    return register


def helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """A plain function that rules may call."""
    LIBRARY.append(function)
    return function


def whole(x: float) -> float:
    """x rounded down, as a float. (Compiled to a vector instruction by engine/compiled.py.)"""
    return float(math.floor(x))


def root(x: float) -> float:
    """The square root; exactly rounded everywhere (IEEE 754), unlike `**`."""
    return math.sqrt(x)


@helper
def clip(x: float, low: float, high: float) -> float:
    """x, kept within [low, high]."""
    return min(high, max(low, x))


@helper
def ema(mean: float, value: float, weight: float) -> float:
    """Moving average: mean + weight (value - mean)."""
    return mean + weight * (value - mean)


@helper
def by_segment(segment: float, salaried: float, gig: float, owner: float) -> float:
    """The value for the borrower's segment."""
    return salaried if segment == SALARIED else (gig if segment == GIG else owner)


@helper
def exponential(x: float) -> float:
    """e^x for |x| <= 8 from + and x alone: Taylor to degree 8 at x/64, squared six times. Relative error below 2e-12."""
    y = x * 0.015625
    e = 1.0 + y * (
        1.0
        + y
        * (
            0.5
            + y
            * (
                1.0 / 6.0
                + y * (1.0 / 24.0 + y * (1.0 / 120.0 + y * (1.0 / 720.0 + y * (1.0 / 5040.0 + y * (1.0 / 40320.0)))))
            )
        )
    )
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    return e * e


@helper
def normal(u: float) -> float:
    """Standard normal quantile of u in (0, 1), from + - x / and square roots alone.

    With p = min(u, 1 - u) and r = p^(1/8), z = P(r) / Q(r); fitted on p in [2^-26, 1/2], absolute error below 1e-4.
    """
    p = min(u, 1.0 - u)
    r = root(root(root(p)))
    over = 8.21265702205992 + r * (
        56.81217261840436
        + r * (-148.61311055464003 + r * (127.98185569471778 + r * (-73.48402228027177 + r * 27.65539206514127)))
    )
    z = over / (1.0 + r * (13.701518909646595 - r * 13.757168873382424))
    return -z if u < 0.5 else z


def fingerprint(function: Callable[..., Any]) -> str:
    """Hash of a user-defined rule, the same in every process: code, constants, the values and functions that it names."""
    digest, seen = hashlib.sha256(), set()
    functions = [function]
    while functions:
        one = functions.pop()
        if one in seen:
            continue
        seen.add(one)
        names = inspect.getclosurevars(one)
        for name, value in sorted({**names.globals, **names.nonlocals}.items()):
            called = value.function if isinstance(value, Rule) else value
            if isinstance(called, types.FunctionType):
                functions += [called] if not str(called.__module__).startswith("zerolimit.") else []
            elif isinstance(value, bool | int | float | complex | str | bytes | tuple):
                digest.update(f"{name} = {value!r}\n".encode())
            elif hasattr(value, "tobytes"):
                digest.update(f"{name} = ".encode() + value.tobytes())
        codes = [one.__code__]
        while codes:
            code = codes.pop()
            codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
            plain = [constant for constant in code.co_consts if not isinstance(constant, types.CodeType)]
            digest.update(f"{code.co_code.hex()} {plain!r} {code.co_names!r} {code.co_varnames!r}\n".encode())
    return digest.hexdigest()
