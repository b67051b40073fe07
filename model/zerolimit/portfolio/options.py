"""How a portfolio's file is read: every option once, as a field of `Reading`, with its flag, meaning, values and default.

The keywords of `read_portfolio` and `CreditMarket`, the flags of every command with --portfolio, the table [portfolio] of a
study, provenance, the page's form and the documents follow from here.
"""

from __future__ import annotations

import codecs
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.portfolio.columns import COLUMNS, NAMES, unit_of
from zerolimit.vocabulary.names import SEGMENTS

NOT_USED = "-"
"""In a map: this column is not taken, whatever the file calls it."""
POSITION = "#"
"""In a map, before a number: the file's column at this place, from 1."""
BLANKS = ("NA", "N/A", "#N/A", "NaN", "null", "None", ".")
"""What is a blank cell beside one with nothing in it, in any case of letters, where numbers and segments stand."""
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
MARKS = {"point": ".", "comma": ",", "space": " ", "apostrophe": "'"}
REFUSE, DROP, KEEP, DRAW = "refuse", "drop", "keep", "draw"


@dataclass(frozen=True)
class Option:
    """What is declared of an option beside its name and default."""

    takes: str
    """What it takes, in a message and in the documents."""
    meaning: str
    check: Callable[[Any], Any]
    """A value as given in Python or TOML -> as it is kept; ValueError says what is wrong."""
    kind: type = str
    """Of a value on the command line: str, int, float; dict for NAME=VALUE and tuple for a value, both repeatable."""
    metavar: str = "TEXT"
    allowed: tuple[str, ...] = ()
    """The values, where they are few."""


def text_map(value: Any) -> Mapping[str, Any]:
    """A mapping of texts."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"a mapping of names to values is needed, not {quoted(value)}")
    return value


def column_map(value: Any) -> dict[str, str | tuple[str, ...]]:
    """Our names -> the file's; of a history, several in one text with commas or in a list."""
    found: dict[str, str | tuple[str, ...]] = {}
    for ours, theirs in text_map(value).items():
        if ours not in NAMES:
            raise ValueError(f"{quoted(ours)} is none of {', '.join(COLUMNS)}{nearest(ours, NAMES)}")
        if isinstance(theirs, list | tuple) and ours == "history" and theirs:
            theirs = tuple(theirs)
        if not all(isinstance(one, str) and one.strip() for one in (theirs if isinstance(theirs, tuple) else (theirs,))):
            raise ValueError(f"{ours}: a column of the file is needed, not {quoted(theirs)}")
        found[ours] = theirs
    return found


def unit_map(value: Any) -> dict[str, str]:
    """Our names -> units, each by its first name."""
    found = {}
    for ours, unit in text_map(value).items():
        column = COLUMNS.get(ours)
        if column is None or not column.units:
            some = [name for name, one in COLUMNS.items() if one.units]
            raise ValueError(f"{quoted(ours)} is none of {', '.join(some)}{nearest(ours, some)}")
        known = unit_of(column, unit)
        if known is None:
            raise ValueError(f"{ours}: {quoted(unit)} is none of {', '.join(column.units)}{nearest(unit, column.units)}")
        found[ours] = known
    return found


def segment_map(value: Any) -> dict[str, str]:
    """The file's names of segments -> ours."""
    for theirs, ours in text_map(value).items():
        if not isinstance(ours, str) or ours not in SEGMENTS:
            raise ValueError(f"{theirs}: {quoted(ours)} is none of {', '.join(SEGMENTS)}{nearest(ours, SEGMENTS)}")
    return dict(value)


def texts(value: Any) -> tuple[str, ...]:
    """One text or number, or several, as texts."""
    many = value if isinstance(value, list | tuple | set | frozenset) else (value,)
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in many):
        raise ValueError(f"texts or numbers are needed, not {quoted(value)}")
    return tuple(dict.fromkeys(f"{one:.12g}" if isinstance(one, float) else str(one).strip() for one in many))


def factor(value: Any) -> float:
    """Yuan per unit."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value <= 1e300 or not math.isfinite(value):
        raise ValueError(f"scale must be a finite number above 0 (yuan per unit of the file's money), not {quoted(value)}")
    return float(value)


def whole(low: int) -> Callable[[Any], int]:
    """A whole number from `low` on."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(f"a whole number from {low} on is needed, not {quoted(value)}")
        return value

    return check


def encoding(value: Any) -> str:
    """An encoding that Python knows."""
    try:
        return codecs.lookup(value).name
    except (LookupError, TypeError, ValueError):
        some = ("utf-8", "gb18030", "utf-16", "cp1252", "latin-1", "big5")
        raise ValueError(f"{quoted(value)} is unknown (as {', '.join(some)}){nearest(value, some)}") from None


def letter(words: Mapping[str, str], others: bool = False) -> Callable[[Any], str]:
    """One of some letters, by itself or by name."""

    def check(value: Any) -> str:
        found = words.get(value, value) if isinstance(value, str) else None
        if found is None or (found not in words.values() and not (others and len(found) == 1 and found not in '"\r\n')):
            more = ", or one other letter" if others else ""
            raise ValueError(f"{quoted(value)} is none of {', '.join(words)}{more}{nearest(value, words)}")
        return found

    return check


def one_of(*words: str) -> Callable[[Any], str]:
    """One of some words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{quoted(value)} is none of {', '.join(words)}{nearest(value, words)}")
        return value

    return check


def option(default: Any, *said: Any, **more: Any) -> Any:
    """A field of `Reading`."""
    made = {"default_factory": dict} if default == {} else {"default": default}
    return field(**made, metadata={"option": Option(*said, **more)})


@dataclass(frozen=True)
class Reading:
    """How a file is read. Without options: what can be found out is, and the statement says it."""

    columns: Mapping[str, str | tuple[str, ...]] = option(
        {},
        "OURS=THEIRS",
        "a column by another name, or by place as `limit=#5`; `age=-`: not this one; `history=PAY_0,PAY_2`: several."
        " With a map only what is mapped is used",
        column_map,
        kind=dict,
        metavar="OURS=THEIRS",
    )
    scale: float | None = option(None, "a number", "yuan per unit of the file's money", factor, kind=float, metavar="YUAN")
    units: Mapping[str, str] = option(
        {},
        "COLUMN=UNIT",
        "a column's unit, if another: `limit=wan`, `income=yuan/year`, `balance=percent`, `late=days`, `term=years`",
        unit_map,
        kind=dict,
        metavar="COLUMN=UNIT",
    )
    segments: Mapping[str, str] = option(
        {},
        "THEIRS=OURS",
        f"a segment by another name; ours are {', '.join(SEGMENTS)}",
        segment_map,
        kind=dict,
        metavar="THEIRS=OURS",
    )
    missing: tuple[str, ...] = option(
        (),
        "a text or number",
        f"what else than blank and {', '.join(BLANKS)} stands for a missing value",
        texts,
        kind=tuple,
        metavar="VALUE",
    )
    encoding: str | None = option(
        None, "an encoding", "of a text that is not UTF-8, UTF-16 with its mark, or GB18030", encoding, metavar="NAME"
    )
    delimiter: str | None = option(
        None,
        "comma, semicolon, tab, pipe, space or another letter",
        "what stands between values, where it is not found",
        letter(DELIMITERS, others=True),
        metavar="LETTER",
    )
    header: int | None = option(
        None,
        "a whole number",
        "the line with the names, counted from 1, where it is not found; those above it are skipped; 0: there is none",
        whole(0),
        kind=int,
        metavar="LINE",
    )
    decimal: str | None = option(
        None,
        "point or comma",
        "the mark before decimals, where it is not found",
        letter({name: MARKS[name] for name in ("point", "comma")}),
        metavar="MARK",
    )
    thousands: str | None = option(
        None,
        "comma, point, space or apostrophe",
        "the mark between thousands, where it is not found",
        letter(MARKS),
        metavar="MARK",
    )
    totals: str = option(
        REFUSE,
        "refuse, drop or keep",
        "rows with sums in place of a client",
        one_of(REFUSE, DROP, KEEP),
        metavar="WORD",
        allowed=(REFUSE, DROP, KEEP),
    )
    blank_limits: str = option(
        REFUSE,
        "refuse, drop or draw",
        "rows without a limit; draw: one from the scenario's population",
        one_of(REFUSE, DROP, DRAW),
        metavar="WORD",
        allowed=(REFUSE, DROP, DRAW),
    )
    rows: int | None = option(
        None, "a whole number", "so many clients at most, the first ones", whole(1), kind=int, metavar="N"
    )

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str = "portfolio") -> Reading:
        """The options given by name, None for those left out; BadInput names what is none and what cannot be."""
        kept = {}
        for name, value in given.items():
            if name not in OPTIONS:
                raise BadInput(
                    f"{where}: unknown option {quoted(name)} (known: {', '.join(OPTIONS)}){nearest(name, OPTIONS)}"
                )
            if value is not None:
                try:
                    kept[name] = OPTIONS[name].check(value)
                except ValueError as error:
                    raise BadInput(f"{where}: {name}: {str(error).removeprefix(f'{name} ')}") from None
        both = [name for name in ("decimal", "thousands") if name in kept]
        if len(both) == 2 and kept["decimal"] == kept["thousands"]:
            raise BadInput(f"{where}: decimal and thousands: both are {kept['decimal']!r}; they must differ")
        return cls(**kept)

    def given(self) -> dict[str, Any]:
        """What differs from the defaults, as JSON and TOML hold it."""
        values = {name: getattr(self, name) for name in OPTIONS}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {name: value for name, value in plain.items() if value not in (None, {}, [], OPTIONS_DEFAULT[name])}


OPTIONS: dict[str, Option] = {one.name: one.metadata["option"] for one in fields(Reading)}
"""Name -> what is declared of it."""
OPTIONS_DEFAULT: dict[str, Any] = {name: getattr(Reading(), name) for name in OPTIONS}


def flag(name: str) -> str:
    """An option on the command line."""
    return "--" + name.replace("_", "-")


def how(name: str, value: str) -> str:
    """An option with its value, as messages propose it; Python and studies have it under the same name."""
    return f"{flag(name)} {value}"


def from_texts(name: str, given: Sequence[str] | str | float | None) -> Any:
    """An option's value from the command line; None where it is not there."""
    if given is None or given == [] or not isinstance(given, list | tuple):
        return given or None if not isinstance(given, int | float) else given
    if OPTIONS[name].kind is tuple:
        return tuple(given)
    found: dict[str, str] = {}
    for text in given:
        ours, equals, theirs = (part.strip() for part in text.partition("="))
        if not equals or not ours or not theirs:
            raise BadInput(f"{flag(name)} {text!r}: write it as {OPTIONS[name].metavar.lower()}")
        if ours in found:
            raise BadInput(f"{flag(name)}: {ours} is given twice")
        found[ours] = theirs
    return found


def as_arguments(given: Mapping[str, Any]) -> list[str]:
    """Options as `Reading.given` has them -> the words of a command line."""
    found: list[str] = []
    for name, value in given.items():
        if isinstance(value, Mapping):
            pairs = ((ours, one if isinstance(one, str) else ",".join(one)) for ours, one in value.items())
            some = [f"{ours}={theirs}" for ours, theirs in pairs]
        else:
            some = [f"{one:.12g}" if isinstance(one, float) else str(one) for one in listed(value)]
        for one in some:
            found += [f"{flag(name)}={one}"] if one.startswith("-") else [flag(name), one]
    return found


def listed(value: Any) -> Sequence[Any]:
    """A value that may be several."""
    return value if isinstance(value, list | tuple) else (value,)


def split_options(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keywords that are options of reading, and the others."""
    return {k: v for k, v in given.items() if k in OPTIONS}, {k: v for k, v in given.items() if k not in OPTIONS}


def with_options[Function: Callable[..., Any]](function: Function) -> Function:
    """Its signature, for help and documents, names every option in place of `**options`."""
    signature = inspect.signature(function)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    more: Iterable[inspect.Parameter] = (
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in OPTIONS
    )
    function.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
    return function


AS_READ = "a portfolio starts as it was read, with no months simulated before month 0"


def refuse_warm_up(parameters: Mapping[str, Any], where: str = "") -> None:
    """BadInput where parameters that go with a portfolio set months before month 0."""
    if parameters.get("warm_up_months"):
        raise BadInput(f"{where}warm_up_months: {AS_READ}; leave it out")
