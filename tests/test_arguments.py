"""Arguments of public functions are held against their signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest, one_line, quoted

if TYPE_CHECKING:
    import no_such_module


@public
def function(
    months: int = 1,
    rate: float = 0.5,
    by: str | Sequence[str] = "month",
    names: Iterable[str] = (),
    folder: Path | str | None = None,
    given: Mapping[str, Any] | None = None,
    call: Callable[[int], None] | None = None,
    switch: bool = False,
    which: Literal["a", "b"] = "a",
    pair: tuple[int, int] = (0, 1),
    strange: no_such_module.Thing | None = None,
    anything: Any = None,
    **parameters: int,
) -> str:
    return "done"


GOOD: list[dict[str, Any]] = [
    {"months": np.int64(3)},
    {"rate": 1},
    {"rate": np.float32(1)},
    {"by": ["month", "segment"]},
    {"by": np.array(["month"])},
    {"names": (name for name in "ab")},
    {"names": {"a"}},
    {"folder": Path("x")},
    {"folder": None},
    {"given": {"a": 1}},
    {"call": print},
    {"switch": np.True_},
    {"which": "b"},
    {"pair": [1, 2]},
    {"strange": 3},
    {"anything": object()},
    {"other": 3},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"months": "36"}, "months: a whole number is needed, not '36'"),
    ({"months": True}, "months: a whole number is needed, not True"),
    ({"months": 1.0}, "months: a whole number is needed, not 1.0"),
    ({"months": np.arange(3)}, "months: a whole number is needed, not [0 1 2]"),
    ({"rate": "0.5"}, "rate: a number is needed, not '0.5'"),
    ({"by": None}, "by: a text or a list of texts is needed, not None"),
    ({"by": 3}, "by: a text or a list of texts is needed, not 3"),
    ({"by": [3]}, "by: a text or a list of texts is needed, not [3]"),
    ({"names": 3}, "names: a list of texts is needed, not 3"),
    ({"names": b"ab"}, "names: a list of texts is needed, not b'ab'"),
    ({"folder": 3}, "folder: a path or a text is needed, not 3"),
    ({"given": [1]}, "given: a mapping of names to values is needed, not [1]"),
    ({"given": {1: 2}}, "given: a mapping of names to values is needed, not {1: 2}"),
    ({"call": 3}, "call: a function is needed, not 3"),
    ({"switch": 1}, "switch: True or False is needed, not 1"),
    ({"which": "c"}, "which: 'a' or 'b' is needed, not 'c'"),
    ({"pair": (1, 2, 3)}, "pair: a list of 2 values is needed, not (1, 2, 3)"),
    ({"other": "x"}, "other: a whole number is needed, not 'x'"),
]


def kinds(words: dict[str, Any]) -> str:
    return ", ".join(f"{name} {type(one).__name__}" for name, one in words.items())


@pytest.mark.parametrize("words", GOOD, ids=kinds)
def test_what_a_signature_says_is_taken(words: dict[str, Any]) -> None:
    assert function(**words) == "done"


@pytest.mark.parametrize(("words", "message"), BAD, ids=[message for _, message in BAD])
def test_anything_else_is_one_line_that_names_it(words: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        function(**words)
    assert str(caught.value) == message


def test_python_says_itself_what_is_missing_or_too_much() -> None:
    with pytest.raises(TypeError, match="takes from 0 to 12 positional arguments"):
        function(*range(13))


def test_a_message_is_one_printable_line_of_bounded_length() -> None:
    assert str(BadInput("a\nb\t\x1b[31m\ud800")) == "a b \\x1b[31m\\ud800"
    assert len(str(BadInput("x" * 5_000))) <= 1_000
    assert one_line("0123456789" * 3, 15) == "01234 ... 56789"
    assert quoted("x" * 100) == "'" + "x" * 26 + " ... " + "x" * 26 + "'"
    assert quoted(10**5_000) == "an int"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pool", "; did you mean 'pool_share' or 'pool_yuan'?"),
        ("pol_share", "; did you mean 'pool_share'?"),
        ("size", "; did you mean 'funding'?"),
        ("nothing", ""),
        (3, ""),
    ],
)
def test_hints_are_names_with_the_word_then_those_spelt_alike_then_those_that_mean_it(name: object, hint: str) -> None:
    meanings = {"pool_share": "share of lines", "pool_yuan": "yuan", "funding": "size of a fixed pool"}
    assert nearest(name, meanings, meanings) == hint
