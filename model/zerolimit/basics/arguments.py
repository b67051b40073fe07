"""What is public says of each argument in its signature what it takes; here that is held against what it is given.

`@public` above a function or a class (its `__init__` and public methods) turns an argument of another kind into one line
that names it. Only kinds are checked, and those that Python itself knows; ranges and names are the function's own.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from zerolimit.basics.errors import BadInput, quoted, with_article

WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "True or False",
    Path: "a path",
    type(None): "None",
    Mapping: "a mapping of names to values",
    dict: "a mapping of names to values",
    Callable: "a function",
    type: "a class",
}
"""Kinds that are checked, as messages call them."""
MANY: dict[Any, str] = {int: "whole numbers", float: "numbers", str: "texts"}
"""Kinds that are checked one by one in a list."""
LISTS = (Iterable, Sequence, list, tuple)
Test = Callable[[Any], bool]
"""Says of a value whether it is of a kind."""


class Unknown:
    """Stands in an annotation for a name that only type checkers need: anything goes."""

    def __getattr__(self, name: str) -> Unknown:
        return self

    def __getitem__(self, of: Any) -> Unknown:
        return self

    def __or__(self, other: Any) -> Unknown:
        return self

    __ror__ = __or__


class Scope(dict[str, Any]):
    """Names that an annotation may use; those that are not imported are Unknown."""

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name) if hasattr(builtins, name) else Unknown()


def public[F: Callable[..., Any]](what: F) -> F:
    """A function, or the public methods of a class, with arguments checked."""
    if not isinstance(what, type):
        return _checked(what)
    made = () if is_dataclass(what) else ("__init__",)
    for name, method in list(vars(what).items()):
        if isinstance(method, types.FunctionType) and (name in made or not name.startswith("_")):
            setattr(what, name, _checked(method))
    return what


def documented[F: Callable[..., Any]](**lists: Iterable[str]) -> Callable[[F], F]:
    """Completes a docstring from declarations: `{rates}` on a line of its own becomes a list of what is given as `rates`."""

    def fill(function: F) -> F:
        text = inspect.cleandoc(function.__doc__ or "")
        for name, lines in lists.items():
            text = text.replace(f"{{{name}}}", "\n".join(f"- {line}" for line in lines))
        function.__doc__ = text
        return function

    return fill


def _checked(function: Any) -> Any:
    signature = inspect.signature(function)
    if not [name for name in signature.parameters if name not in ("self", "cls")]:
        return function

    @functools.cache
    def kinds() -> dict[str, Any]:
        scope = Scope(function.__globals__)
        given = {name: one.annotation for name, one in signature.parameters.items() if one.annotation is not one.empty}
        found = {name: eval(text, {}, scope) if isinstance(text, str) else text for name, text in given.items()}
        return {name: kind for name, kind in found.items() if kind is not Any and not isinstance(kind, Unknown | TypeVar)}

    def refuse(args: tuple[Any, ...], words: dict[str, Any]) -> None:
        try:
            given = signature.bind(*args, **words).arguments
        except TypeError:
            return  # Python says what is missing or too much
        for name, kind in kinds().items():
            if name not in given:
                continue
            variable = signature.parameters[name].kind
            if variable is inspect.Parameter.VAR_POSITIONAL:
                values = [(name, one) for one in given[name]]
            elif variable is inspect.Parameter.VAR_KEYWORD:
                values = list(given[name].items())
            else:
                values = [(name, given[name])]
            for whose, value in values:
                if not fits(value, kind):
                    raise BadInput(f"{whose}: {needed(kind)} is needed, not {quoted(value)}")

    @functools.cache
    def tests() -> tuple[list[Test], Test | None, dict[str, Test], Test]:
        """Of arguments by place, of those behind them, by name, and of other names."""
        by_place: list[Test] = []
        by_name: dict[str, Test] = {}
        behind: Test | None = None
        other: Test = _anything
        for name, one in signature.parameters.items():
            test = test_of(kinds().get(name, Any))
            if one.kind is one.VAR_POSITIONAL:
                behind = test
            elif one.kind is one.VAR_KEYWORD:
                other = test
            else:
                by_place += [test] if one.kind is not one.KEYWORD_ONLY else []
                by_name |= {name: test} if one.kind is not one.POSITIONAL_ONLY else {}
        return by_place, behind, by_name, other

    @functools.wraps(function)
    def call(*args: Any, **words: Any) -> Any:
        by_place, behind, by_name, other = tests()
        fit = all(test(value) for test, value in zip(by_place, args, strict=False))
        if behind is not None:
            fit = fit and all(map(behind, args[len(by_place) :]))
        if not (fit and all(by_name.get(name, other)(value) for name, value in words.items())):
            refuse(args, words)
        return function(*args, **words)

    return call


def options(kind: Any) -> tuple[Any, ...]:
    """The kinds of a union, or the one."""
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def needed(kind: Any) -> str:
    """What an argument takes, in words."""
    every = [one for one in options(kind) if one is not type(None)]
    return " or ".join(dict.fromkeys(_word(one) for one in every))


def _word(kind: Any) -> str:
    origin = get_origin(kind) or kind
    if origin is Literal:
        return " or ".join(repr(one) for one in get_args(kind))
    inside = get_args(kind)
    if origin is tuple and inside and Ellipsis not in inside:
        return f"a list of {len(inside)} values"
    if origin is type and inside:
        return f"a subclass of {getattr(inside[0], '__name__', 'it')}"
    if origin in LISTS:
        return f"a list of {MANY[inside[0]]}" if inside and inside[0] in MANY else "a list"
    name = getattr(origin, "__name__", "value")
    return WORDS.get(origin, with_article(name))


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind, as far as can be said without using it up."""
    return test_of(kind)(value)


def test_of(kind: Any) -> Test:
    """What says of a value whether it is of a kind: made once, since it is asked at every call."""
    tests = [_test_of(one) for one in options(kind)]
    return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


def _anything(value: Any) -> bool:
    return True


def _test_of(kind: Any) -> Test:
    if kind is Any or isinstance(kind, Unknown | TypeVar | str):
        return _anything
    if kind is None or kind is type(None):
        return lambda value: value is None
    origin, inside = get_origin(kind) or kind, get_args(kind)
    if origin is Literal:
        return lambda value: value in inside
    if origin in (bool, int, float):
        return lambda value: _is_number(value, origin)
    if origin is Path:
        return lambda value: isinstance(value, os.PathLike)
    if origin is type:
        base = inside[0] if inside and isinstance(inside[0], type) else object
        return lambda value: isinstance(value, type) and issubclass(value, base)
    if origin is Callable or getattr(origin, "__name__", "") == "Callable":
        return callable
    if origin is tuple and inside and Ellipsis not in inside:
        return lambda value: isinstance(value, tuple | list) and len(value) == len(inside) and all(map(fits, value, inside))
    if origin in LISTS:
        return lambda value: _is_list(value, origin, inside[0] if inside else Any)
    if origin in (Mapping, dict):
        return lambda value: isinstance(value, Mapping) and (not inside or all(fits(key, inside[0]) for key in value))
    return lambda value: not isinstance(origin, type) or isinstance(value, origin)


def _is_number(value: Any, kind: type) -> bool:
    """numpy's scalars count as Python's; a switch is no number."""
    switch = isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")
    if kind is bool or switch:
        return switch and kind is bool
    if hasattr(value, "__index__"):
        return not getattr(value, "ndim", 0)
    return kind is float and isinstance(value, Real)


def _is_list(value: Any, origin: Any, each: Any) -> bool:
    """A list of any sort; what is read only once is not looked into. A text, or a mapping's names, where texts are."""
    if isinstance(value, Mapping):
        return each is str and origin is Iterable and all(isinstance(one, str) for one in value)
    if isinstance(value, bytes | bytearray):
        return False
    if isinstance(value, str):
        return fits("", each) and origin in (Iterable, Sequence)
    if isinstance(value, list | tuple | set | frozenset | range):
        return each not in MANY or all(fits(one, each) for one in value)
    if origin is Sequence:
        return hasattr(value, "__len__") and hasattr(value, "__getitem__") and getattr(value, "ndim", 1) == 1
    return hasattr(value, "__iter__") and getattr(value, "ndim", 1) == 1
