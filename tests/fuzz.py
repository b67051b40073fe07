"""Hostile input, drawn with a seed from what is declared: the commands and their options, the scenario's parameters, the
words of a study, the columns of calendars, series and portfolios, the signatures of what is public.

    python tests/fuzz.py --seed 1 --cases 2500            what went wrong, and how many cases went how
    python tests/fuzz.py --seed 1 --only "python 17"      one case again, with its traceback

What is new and declared is drawn from without a word here. A case ends well where the input is used, where it is refused in
one line (BadInput; the command line's exit code 2) with nothing left behind, or where it takes long and is stopped as by
Ctrl-C. The process has so much address space and no more.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime
import decimal
import fractions
import gzip
import importlib
import inspect
import io
import json
import math
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import typer.main
from typer.testing import CliRunner

import zerolimit
from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.commands.cli import app
from zerolimit.explanation.cases.case import cases as scripted_cases
from zerolimit.parameters.dated import limits, names_of
from zerolimit.parameters.declarations import DATED
from zerolimit.parameters.scenario import FILE_ONLY, Scenario, load_scenario, presets
from zerolimit.portfolio.columns import COLUMNS, NAMES
from zerolimit.portfolio.options import DELIMITERS, MARKS, OPTIONS
from zerolimit.results.episodes import EVENTS
from zerolimit.run import simulation as simulations
from zerolimit.study import sweep as sweeping
from zerolimit.study.definition import Settings
from zerolimit.vocabulary.outcomes import RATES

ROOM = 2 << 30
"""Address space beyond what the libraries take, bytes."""
LONG = 0.5
"""Seconds after which a case is stopped as by Ctrl-C."""
LONGEST = 2_000
"""Letters of a message."""
BORROWERS, MONTHS = 20, 2


# values


class Odd:
    """An object that nobody expects."""


TEXTS = (
    "", " ", "\0", "a\0b", "\n", "a\nb", "\t", "[/b]", "[bold]x", "{}", "%s", "'", '"', "\\", "\x1b[31m", "\u202e", "💥",
    "ü", "零",
    "\ud800", "\udcff", "²", "١٢", "-1", "-0", "0", "1", "3", "0.5", "1e400", "-1e400", "1e308", "nan", "inf", "-inf",
    "0x10", "1_000",
    "1,000", "9" * 30, "9" * 5000, "x" * 300, "x" * 5000, "true", "false", "none", "None", "null", "[]", "[1", "a=b",
    "=", "==", ":",
    "1:", ":1", "a:b", "1:a=b", "[" * 2000, "../..", "/", ".", "..", "~", "/dev/null", "/dev/zero", "/proc/self/mem",
    "/proc/1/x",
    "/dev/full", "no/such", "2018-13", "2018-01", "99999-01", "file.py:rule", "sample=1", "all", "auto", "baseline",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 3, 7, 100, 400, 10_001, 10**6, 10**8, 2**31, 2**32, 2**53, 2**63, 2**64, 10**12, 10**15, 10**30,
    -(10**30), 10**400,
    0.0, -0.0, 0.5, 1.0, 1.5, -0.5, 1e-300, 1e15, 1e308, -1e308, math.nan, math.inf, -math.inf, True, False,
)  # fmt: skip


def objects(draw: random.Random) -> Any:
    """Anything that Python has."""
    makers: list[Callable[[], Any]] = [
        lambda: None, lambda: draw.choice(TEXTS), lambda: draw.choice(NUMBERS), lambda: draw.choice(NUMBERS),
        lambda: b"bytes", list, lambda: (), dict, set, lambda: [[]], lambda: [None], lambda: {1: 2}, lambda: {"a": 1},
        lambda: [draw.choice(NUMBERS)], lambda: [draw.choice(TEXTS)], lambda: {draw.choice(TEXTS): draw.choice(NUMBERS)},
        Odd, lambda: Odd, lambda: len, lambda: (lambda: 1), lambda: math, lambda: Path("no/such"), lambda: Path(),
        lambda: np.int64(3), lambda: np.float64("nan"), lambda: np.array(3), lambda: np.arange(30), lambda: np.eye(2),
        lambda: np.array([]),
        lambda: np.bool_(True), lambda: np.str_("month"), lambda: np.array(["month"]), lambda: pd.DataFrame(),
        lambda: pd.DataFrame({"limit": [1, 2], "id": ["a", "b"]}), lambda: pd.Series([1, 2]), lambda: pd.NA, lambda: pd.NaT,
        lambda: pd.Timestamp("2018-01-01"), lambda: datetime.date(2018, 1, 1), lambda: decimal.Decimal("1.5"),
        lambda: decimal.Decimal("NaN"), lambda: fractions.Fraction(1, 3), lambda: 1j, lambda: (k for k in range(3)),
        lambda: range(3),
        lambda: iter([1]), lambda: frozenset([1]), lambda: bytearray(b"x"), lambda: ..., lambda: NotImplemented,
        lambda: io.StringIO("x"),
        lambda: random.Random(1), lambda: np.random.default_rng(1), lambda: Exception("x"), lambda: pa.table({"limit": [1]}),
    ]  # fmt: skip
    return draw.choice(makers)()


def plain_value(draw: random.Random, depth: int = 0) -> Any:
    """Anything that TOML or JSON has."""
    kind = draw.randrange(8 if depth < 3 else 5)
    if kind < 2:
        return draw.choice(NUMBERS)
    if kind < 4:
        return draw.choice(TEXTS)
    if kind == 4:
        return draw.choice([datetime.date(2018, 1, 1), datetime.datetime(2018, 1, 1), datetime.time(1)])
    if kind == 5:
        return [plain_value(draw, depth + 1) for _ in range(draw.randrange(3))]
    return {draw.choice(TEXTS): plain_value(draw, depth + 1) for _ in range(draw.randrange(3))}


def likely(draw: random.Random, kind: type, name: str) -> Any:
    """A value of a declared field: inside, at a corner, one of its names, or anything."""
    declared = kind.model_fields[name]  # type: ignore[attr-defined]
    low, high = limits(declared)
    known: list[Any] = [declared.default, *names_of(declared), *(one for one in (low, high) if one is not None)]
    known += [draw.uniform(low, min(high, 1e6))] if low is not None and high is not None else []
    return draw.choice(known) if draw.random() < 0.4 else plain_value(draw)


def toml_text(value: Any) -> str:
    """A value as TOML writes it, as far as TOML can."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    if isinstance(value, int):
        return str(value) if abs(value) < 10**4000 else "1" * 4400
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_text, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml_text(str(key))} = {toml_text(one)}" for key, one in value.items()) + "}"
    return json.dumps(str(value)).replace("\\ud800", "?").replace("\\udcff", "?") if value is not None else '"none"'


def broken(draw: random.Random, data: bytes) -> bytes:
    """Bytes with something wrong: cut, flipped, doubled, with strange ones between."""
    how = draw.randrange(6)
    at = draw.randrange(len(data) + 1)
    if how == 0:
        return data[:at]
    if how == 1 and data:
        at = min(at, len(data) - 1)
        return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
    if how == 2:
        return (
            data[:at]
            + draw.choice([b"\0", b"\xff", b"\r", b"\n", b"[[", b"'", b'"', b",", b"\xef\xbb\xbf", b"[" * 3000])
            + data[at:]
        )
    if how == 3:
        return data + data
    if how == 4:
        return draw.choice(
            [b"", b"\n", b"\0" * 50, b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xff\xfe", gzip.compress(data), b"x=" * 9]
        )
    return data.replace(
        *draw.choice([(b"\n", b"\r"), (b",", b";"), (b",", b"|"), (b"0", b"9" * 400), (b".", b"e"), (b" ", b"\t")])
    )


# files


def table_of(
    draw: random.Random, columns: Sequence[str], rows: int, good: Callable[[str, int], Any]
) -> dict[str, list[Any]]:
    """A table of some columns with values that are good, but for a few."""
    found = {name: [good(name, k) for k in range(rows)] for name in columns}
    for _ in range(draw.randrange(3)):
        if found and rows:
            found[draw.choice(list(found))][draw.randrange(rows)] = draw.choice([*TEXTS, *NUMBERS, None])
    if draw.random() < 0.3:
        found[draw.choice([*TEXTS, *columns[:1], "Month", "limits"])] = [draw.choice(TEXTS)] * rows
    if draw.random() < 0.2 and len(found) > 1:
        found.pop(draw.choice(list(found)))
    return found


def frame_of(table: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """A table as pandas holds it, each value as it is."""
    frame = pd.DataFrame({k: pd.Series(list(values), dtype=object) for k, values in enumerate(table.values())})
    frame.columns = pd.Index(list(table), dtype=object)
    return frame


def csv_bytes(draw: random.Random, table: Mapping[str, Sequence[Any]]) -> bytes:
    """A table as CSV, sometimes broken."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=draw.choice(",,,;\t"))
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=False))
    data = text.getvalue().encode("utf-8", "surrogatepass")
    return broken(draw, data) if draw.random() < 0.4 else data


ARROW: tuple[tuple[pa.DataType, Any], ...] = (
    (pa.null(), None), (pa.bool_(), True), (pa.int8(), 3), (pa.uint64(), 2**63), (pa.float16(), np.float16(1)),
    (pa.float32(), 1.5),
    (pa.float64(), math.nan), (pa.decimal128(38, 2), decimal.Decimal("1.50")),
    (pa.decimal256(60, 2), decimal.Decimal("1.50")),
    (pa.date32(), datetime.date(2018, 1, 1)), (pa.timestamp("ns"), 1), (pa.timestamp("us", tz="UTC"), 1),
    (pa.time64("us"), 1),
    (pa.duration("s"), 1), (pa.month_day_nano_interval(), (1, 2, 3)), (pa.string(), "3"), (pa.large_string(), "a"),
    (pa.string_view(), "a"), (pa.binary(), b"\xff"), (pa.large_binary(), b"1"), (pa.binary(2), b"ab"),
    (pa.list_(pa.int64()), [1, 2]),
    (pa.list_(pa.string()), ["1"]), (pa.list_(pa.list_(pa.int8())), [[1]]), (pa.large_list(pa.float64()), [1.0]),
    (pa.list_(pa.int8(), 2), [1, 2]),
    (pa.struct([("a", pa.int64())]), {"a": 1}), (pa.map_(pa.string(), pa.int64()), [("a", 1)]),
    (pa.dictionary(pa.int8(), pa.string()), "a"), (pa.dictionary(pa.int32(), pa.int64()), 3),
)  # fmt: skip


def arrow_table(draw: random.Random, columns: Sequence[str], rows: int, good: Callable[[str, int], Any]) -> pa.Table:
    """Columns of which one or two have any of Arrow's types."""
    strange = draw.sample(list(columns), min(len(columns), draw.randrange(3)))
    made = {}
    for name in columns:
        kind, value = draw.choice(ARROW)
        values = [value] * rows
        if draw.random() < 0.3 and rows:
            values[-1] = None
        if name in strange:
            try:
                made[name] = pa.array(values, kind)
                continue
            except (pa.ArrowException, TypeError, ValueError):
                pass
        made[name] = pa.array([good(name, k) for k in range(rows)])
    return pa.table(made)


def parquet_bytes(draw: random.Random, table: pa.Table) -> bytes:
    sink = io.BytesIO()
    try:
        pq.write_table(table, sink)
    except (pa.ArrowException, ValueError, TypeError):
        return b"PAR1"
    return broken(draw, sink.getvalue()) if draw.random() < 0.3 else sink.getvalue()


def dated_table(draw: random.Random, name: str) -> dict[str, list[Any]]:
    """Rows of a calendar or a series."""
    kind = DATED[name]
    columns = draw.choice([list(kind.model_fields), [one for one, f in kind.model_fields.items() if f.is_required()]])
    if draw.random() < 0.2:
        columns = ["date" if one == "month" else one for one in columns]

    def good(column: str, row: int) -> Any:
        if column == "month":
            return row
        if column == "date":
            return f"2018-{row % 12 + 1:02}"
        names = names_of(kind.model_fields[column])
        return names[row % len(names)] if names else draw.choice([0.0, 0.5, 0.1])

    return table_of(draw, columns, draw.choice([0, 1, 3, 5]), good)


def client(draw: random.Random) -> Callable[[str, int], Any]:
    """Good values of a portfolio."""
    values = {
        "limit": 20_000,
        "id": "c",
        "balance": 500,
        "late": 0,
        "history": "0 0 -1",
        "term": 3,
        "income": 6000,
        "segment": "gig",
        "age": 40,
    }

    def good(column: str, row: int) -> Any:
        return f"c{row}" if column == "id" else values.get(column, 0)

    return good


def client_columns(draw: random.Random) -> list[str]:
    """Columns that go together, and now and then some that do not."""
    others = [name for name in (NAMES if draw.random() < 0.2 else COLUMNS) if name != "limit"]
    return ["limit", *draw.sample(others, draw.randrange(min(len(others), 6)))]


def scenario_text(draw: random.Random) -> bytes:
    """A scenario file."""
    lines = []
    known = [*Scenario.model_fields, *FILE_ONLY]
    names = draw.sample(known, draw.randrange(4)) + draw.choices(
        [*FILE_ONLY, "calendar", "macro", "off"], k=draw.randrange(2)
    )
    for name in dict.fromkeys(names):
        if name in DATED and draw.random() < 0.6:
            table = dated_table(draw, name)
            value: Any = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        elif name in Scenario.model_fields:
            value = likely(draw, Scenario, name)
        else:
            value = draw.choice([*presets(), "good.csv", "self.toml", "bad.csv", plain_value(draw)])
        lines.append(f"{name} = {toml_text(value)}")
    if draw.random() < 0.2:
        lines.append(f"{toml_text(draw.choice(TEXTS))} = {toml_text(plain_value(draw))}")
    if draw.random() < 0.1:
        lines.append(
            draw.choice(
                [
                    "a = " + "[" * 3000,
                    "[" + ".".join("a" * 1500) + "]",
                    "x = " + "1" * 5000,
                    "a.b.c = 1",
                    "[calendar]",
                    "[[off]]",
                ]
            )
        )
    data = "\n".join(lines).encode("utf-8", "replace") + b"\n"
    return broken(draw, data) if draw.random() < 0.2 else data


SMALL_STUDY = {
    "scenario": "defaults",
    "borrowers": BORROWERS,
    "months": MONTHS,
    "engine": "objects",
    "vary": {"base_tightness": [0.0, 0.5]},
}


def study_words(draw: random.Random) -> dict[str, Any]:
    """The words of a study, most of them good."""
    words: dict[str, Any] = dict(SMALL_STUDY)
    for name in draw.sample(list(Settings.model_fields), draw.randrange(4)):
        words[name] = likely(draw, Settings, name)
        if name in ("set", "vary") and draw.random() < 0.7:
            key = draw.choice([*Scenario.model_fields, draw.choice(TEXTS)]) + draw.choice(
                ["", "", "@1", "@", "@x", "@99", "@²"]
            )
            span = {draw.choice(["from", "to", "steps", "scale", "x"]): draw.choice([*NUMBERS, "log"]) for _ in range(2)}
            words[name] = {key: draw.choice([plain_value(draw), [plain_value(draw)], [0.1, 0.2], span])}
        if name == "points" and draw.random() < 0.7:
            words[name] = [{draw.choice(list(Scenario.model_fields)): plain_value(draw)}]
            words["design"] = "list"
            words.pop("vary", None)
        if name in ("outcomes", "by", "rules") and draw.random() < 0.7:
            words[name] = [draw.choice([*RATES, *TEXTS])]
    if draw.random() < 0.1:
        words[draw.choice(TEXTS)] = plain_value(draw)
    return words


def study_text(draw: random.Random) -> bytes:
    data = "\n".join(f"{toml_text(name)} = {toml_text(value)}" for name, value in study_words(draw).items()).encode(
        "utf-8", "replace"
    )
    return broken(draw, data) if draw.random() < 0.2 else data


def ties_bytes(draw: random.Random) -> bytes:
    """A file of ties: CSV, Parquet or GraphML."""
    how = draw.randrange(3)
    if how == 0:
        return csv_bytes(
            draw, table_of(draw, ["source", "target"], draw.randrange(4), lambda name, k: k + (name == "target"))
        )
    if how == 1:
        return parquet_bytes(draw, arrow_table(draw, ["source", "target"], 3, lambda name, k: k + (name == "target")))
    edge = f'<edge source="{draw.choice(["0", "x", "99", ""])}" target="1"/>'
    graph = f'<graph edgedefault="undirected"><node id="0"/>{edge}</graph>'
    return broken(draw, f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{graph}</graphml>'.encode())


# a place of its own for each case


@dataclass
class Place:
    """Where a case works: its own folder, and what all of them may read."""

    here: Path
    shared: Path

    def file(self, name: str, data: bytes) -> str:
        (self.here / name).write_bytes(data)
        return name


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """What a folder holds."""
    found = {}
    for path in folder.rglob("*"):
        about = path.lstat()
        found[str(path.relative_to(folder))] = (about.st_mtime_ns, about.st_size if path.is_file() else -1)
    return found


class Here(Executor):
    """Does its work at once."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **words))
        except Exception as error:
            future.set_exception(error)
        return future


def make_shared(folder: Path) -> None:
    """A run, a study's results, a portfolio."""
    market = zerolimit.CreditMarket(borrowers=BORROWERS, seed=1, panel="all", base_tightness=0.5).run(3)
    market.save(folder / "run")
    rows = [client(random.Random(1))("id", k) for k in range(BORROWERS)]
    pd.DataFrame({"id": rows, "limit": 20_000, "balance": 500}).to_csv(folder / "clients.csv", index=False)
    with_clients = zerolimit.CreditMarket(portfolio=folder / "clients.csv", seed=1).run(2)
    with_clients.save(folder / "clients-run")
    zerolimit.study(SMALL_STUDY, out=folder / "study", executor=Here(), progress=False)


@cache
def markets() -> Any:
    """A market that has been run, to be looked at."""
    return zerolimit.CreditMarket(borrowers=BORROWERS, seed=1, panel="all", base_tightness=0.5).run(3)


# cases


@dataclass
class Case:
    """What is tried, in words, and the call that does it."""

    says: str
    call: Callable[[], Any]
    command: bool = False


def value_of_option(draw: random.Random, option: Any, kind: Any, place: Place) -> str:
    """A value for an option or argument, by its kind."""
    hint = f"{option.name} {option.metavar} {getattr(option, 'help', '')}".lower()
    if draw.random() < 0.35:
        return draw.choice(TEXTS)
    if {int, float} & {kind, *get_args(kind)}:
        return str(draw.choice(NUMBERS))
    if "k=v" in hint:
        name = draw.choice(list(Scenario.model_fields))
        text = f"{name}={toml_text(likely(draw, Scenario, name))}"
        return draw.choice(["1:", "0:", "", "²:", "9:"]) + text if "month:" in hint else text
    if "ours=theirs" in hint:
        return f"{draw.choice(NAMES)}={draw.choice([*NAMES, *TEXTS])}"
    makers: dict[str, Callable[[], bytes]] = {
        "calendar": lambda: csv_bytes(draw, dated_table(draw, "calendar")),
        "macro": lambda: csv_bytes(draw, dated_table(draw, "macro")),
        "portfolio": lambda: (
            csv_bytes(draw, table_of(draw, client_columns(draw), 5, client(draw)))
            if draw.random() < 0.5
            else parquet_bytes(draw, arrow_table(draw, client_columns(draw), 5, client(draw)))
        ),
        "scenario": lambda: scenario_text(draw),
        "preset": lambda: scenario_text(draw),
        "study": lambda: study_text(draw),
    }
    for word, make in makers.items():
        if word in hint and draw.random() < 0.7:
            return place.file(f"{word}.{'toml' if word in ('scenario', 'preset', 'study') else 'csv'}", make())
    return draw.choice(
        [
            "taken", "taken/letter.txt", "taken/letter.txt/x", "out", "deep/er/out", "x" * 300, "x/" * 2500,
            str(place.shared / "run"),
            str(place.shared / "study"), str(place.shared / "clients.csv"), *presets(), *scripted_cases(), *RATES, "0",
            "1", "0:1",
            "127.0.0.1", "local", "256.0.0.1",
        ]
    )  # fmt: skip


SMALL: dict[str, str] = {
    "borrowers": str(BORROWERS), "months": str(MONTHS), "seeds": "2", "engine": "objects", "panel": "none",
    "workers": "1", "players": "trigger",
}  # fmt: skip
"""Options that keep a command short, where it has them and nothing else is said."""


@cache
def commands() -> dict[str, Any]:
    """Every command by its words."""
    found: dict[str, Any] = {}

    def walk(words: str, command: Any) -> None:
        for name, one in getattr(command, "commands", {}).items():
            walk(f"{words} {name}".strip(), one)
        found[words] = command

    walk("", typer.main.get_command(app))
    return found


def good_value(option: Any, place: Place) -> str:
    """A good value of what a command needs."""
    hint = f"{option.name} {option.metavar} {getattr(option, 'help', '')}".lower()
    if "study" in hint:
        return str(place.shared / "study")
    if "run" in hint and "folder" in hint:
        return str(place.shared / "run")
    return "baseline" if "preset" in hint or "toml" in hint else "0"


def is_argument(option: Any) -> bool:
    return not option.opts[0].startswith("-")


def command_case(draw: random.Random, place: Place) -> Case:
    """A command with one to three options wrong."""
    words, command = draw.choice(sorted(commands().items()))
    options, kinds = command.params, get_type_hints(command.callback)
    chosen = draw.sample(options, min(len(options), draw.choice([1, 1, 2, 3])))
    arguments: list[str] = words.split()
    for option in options:
        repeated = 2 if getattr(option, "multiple", False) and draw.random() < 0.3 else 1
        for _ in range(repeated if option in chosen else 1):
            if option in chosen:
                value = value_of_option(draw, option, kinds.get(option.name), place)
            elif option.name in SMALL and not is_argument(option):
                value = SMALL[option.name]
            elif option.required:
                value = good_value(option, place)
            elif option.name == "out":
                value = "results"
            else:
                continue
            if is_argument(option):
                arguments.append(value)
            elif getattr(option, "is_flag", False):
                arguments.append(option.opts[0])
            else:
                arguments += [option.opts[-1], value]
    if draw.random() < 0.05:
        arguments.insert(draw.randrange(len(arguments) + 1), draw.choice(TEXTS))
    terminal = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"} if draw.random() < 0.3 else {}
    return Case(f"zerolimit {arguments!r}", partial(invoke, arguments, terminal), command=True)


def invoke(arguments: list[str], environment: Mapping[str, str]) -> Any:
    return CliRunner().invoke(app, arguments, env=dict(environment))


def scenario_case(draw: random.Random, place: Place) -> Case:
    """A scenario from a file, or parameters in Python."""
    place.file("good.csv", csv_bytes(random.Random(1), {"month": [1], "kind": ["tightness"], "value": [0.5]}))
    place.file("bad.csv", csv_bytes(draw, dated_table(draw, draw.choice(list(DATED)))))
    how = draw.randrange(4)
    if how == 0:
        given: dict[str, Any] = {
            name: objects(draw) for name in draw.sample(list(Scenario.model_fields), draw.choice([1, 1, 2]))
        }
        source = draw.choice(["defaults", load_scenario(), {}, {"need_rate": 0.2}])
        return Case(f"load_scenario({source!r}, **{brief(given)})", lambda: load_scenario(source, **given))
    if how == 1:
        given = {name: objects(draw) for name in draw.sample(list(Scenario.model_fields), 1)}
        return Case(f"Scenario(**{brief(given)})", lambda: zerolimit.Scenario(**given))
    data = scenario_text(draw)
    name = place.file("self.toml", data)
    if how == 2:
        return Case(f"scenario check {data!r}", partial(invoke, ["scenario", "check", name], {}), command=True)

    def lived() -> Any:
        world = load_scenario(name, **({} if b"borrowers" in data else {"borrowers": BORROWERS}))
        return simulations.Simulation(world, 1).run(MONTHS)

    return Case(f"scenario {data!r}", lived)


def dated_case(draw: random.Random, place: Place) -> Case:
    """A calendar or a series: CSV, DataFrame or list."""
    name = draw.choice(list(DATED))
    table = dated_table(draw, name)
    start = draw.choice([{}, {"start": "2018-01"}])
    how = draw.randrange(3)
    if how == 0:
        data = csv_bytes(draw, table)
        source: Any = place.file("dated.csv", data)
        says = f"{name} CSV {data!r}"
    elif how == 1:
        source = frame_of(table)
        if draw.random() < 0.3:
            source.columns = draw.choice([range(source.shape[1]), [("a", k) for k in range(source.shape[1])]])
        says = f"{name} DataFrame {table!r}"
    else:
        source = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        if draw.random() < 0.3:
            source.append(objects(draw))
        says = f"{name} list {brief(source)}"
    return Case(
        says, lambda: simulations.Simulation(load_scenario(borrowers=BORROWERS, **{name: source}, **start), 1).run(MONTHS)
    )


UNITS = tuple(unit for column in COLUMNS.values() for unit in column.units)


def portfolio_case(draw: random.Random, place: Place) -> Case:
    """Clients: CSV, Parquet or DataFrame, and what goes with them."""
    columns, rows = client_columns(draw), draw.choice([0, 1, 5])
    how = draw.randrange(3)
    if how == 0:
        table = table_of(draw, columns, rows, client(draw))
        data = csv_bytes(draw, table)
        source: Any = place.file("clients.csv", data)
        says = f"{data[:400]!r}"
    elif how == 1:
        arrow = arrow_table(draw, columns, rows, client(draw))
        source = place.file(draw.choice(["clients.parquet", "clients.csv"]), parquet_bytes(draw, arrow))
        says = f"Parquet {arrow.schema.to_string(show_field_metadata=False)!r}"
    else:
        made = table_of(draw, columns, rows, client(draw))
        source = frame_of(made)
        if draw.random() < 0.3:
            source["limit"] = [objects(draw) for _ in range(rows)]
        if draw.random() < 0.3:
            source = arrow_table(draw, columns, rows, client(draw)).to_pandas()
        says = f"DataFrame {made!r}"
    given: dict[str, Any] = {}
    if draw.random() < 0.2:
        given["columns"] = draw.choice([objects(draw), {draw.choice(NAMES): draw.choice([*NAMES, *TEXTS])}])
    for name, option in OPTIONS.items():
        if draw.random() < 0.05:
            likely = [
                *option.allowed,
                *DELIMITERS,
                *MARKS,
                "gbk",
                "utf-16",
                *NUMBERS,
                {draw.choice(NAMES): draw.choice(UNITS)},
            ]
            given[name] = objects(draw) if draw.random() < 0.5 else draw.choice(likely)

    def lived() -> Any:
        market = zerolimit.CreditMarket(portfolio=source, seed=1, **given).run(1)
        market.save("kept", panel="none")
        return zerolimit.load("kept").provenance

    return Case(f"portfolio {says} {brief(given)}", lived)


def ties_case(draw: random.Random, place: Place) -> Case:
    data = ties_bytes(draw)
    name = place.file("ties.csv", data)
    parameters = {"borrowers": BORROWERS, "network": "file", "network_file": name, "neighbour_weight": 0.5}
    return Case(f"ties {data[:400]!r}", lambda: simulations.Simulation(load_scenario(**parameters), 1).run(1))


def study_case(draw: random.Random, place: Place) -> Case:
    """A study: file or mapping, and its options."""
    if draw.random() < 0.5:
        data = study_text(draw)
        (place.here / "study").mkdir()
        place.file("study/study.toml", data)
        return Case(f"sweep {data!r}", partial(invoke, ["sweep", "study", "--out", "results"], {}), command=True)
    words = study_words(draw)
    for name in draw.sample(list(Settings.model_fields), draw.randrange(2)):
        words[name] = objects(draw)
    return Case(f"study({brief(words)})", lambda: zerolimit.study(words, out="results", executor=Here(), progress=False))


def stored_case(draw: random.Random, place: Place) -> Case:
    """A folder of a run or a study with a file changed, given to whatever reads folders."""
    name = draw.choice(["run", "run", "clients-run", "study"])
    shutil.copytree(place.shared / name, place.here / "stored")
    every = sorted(path for path in (place.here / "stored").rglob("*") if path.is_file())
    chosen = draw.choice(
        [path for path in every if path.suffix in draw.choice([(".json", ".toml"), (".json", ".toml", ".parquet")])]
    )
    how = draw.randrange(4)
    if chosen.suffix == ".json" and how:
        record = json.loads(chosen.read_text())
        inside = record
        while isinstance(inside, dict) and inside:
            key = draw.choice(sorted(inside))
            if not isinstance(inside[key], dict) or draw.random() < 0.6:
                if draw.random() < 0.3:
                    inside.pop(key)
                else:
                    inside[key] = plain_value(draw)
                break
            inside = inside[key]
        chosen.write_text(json.dumps(record, default=str))
    elif chosen.suffix == ".toml" and how:
        chosen.write_bytes(scenario_text(draw))
    elif chosen.suffix == ".parquet" and how == 1:
        old = pq.read_table(chosen)
        at = draw.randrange(old.num_columns)
        kind, value = draw.choice(ARROW)
        with contextlib.suppress(Exception):
            new = pa.array([value] * old.num_rows, kind)
            pq.write_table(old.set_column(at, draw.choice([old.column_names[at], "x"]), new), chosen)
    elif chosen.suffix == ".parquet" and how == 2:
        pq.write_table(pq.read_table(chosen).slice(0, draw.randrange(3)), chosen)
    elif how == 3:
        chosen.unlink()
    else:
        chosen.write_bytes(broken(draw, chosen.read_bytes()))
    says = f"{name}/{chosen.relative_to(place.here / 'stored')} changed ({how}): "
    if draw.random() < 0.4:
        short = {
            "tell": ["tell", "stored", "--borrower", "0"],
            "explain": ["explain", "stored", "--borrower", "0", "--month", "1"],
            "export": ["export", "stored", "--out", "x.csv"],
            "status": ["sweep", "--status", "stored"],
        }
        what = draw.choice(sorted(short))
        return Case(says + what, partial(invoke, short[what], {}), command=True)
    readers: dict[str, Callable[[Any], Any]] = {
        "repr": repr, "scenario": lambda one: one.scenario, "monthly": lambda one: one.monthly,
        "rate": lambda one: one.rate("zero_limit"),
        "incidence": lambda one: one.incidence(), "panel": lambda one: one.panel, "platform": lambda one: one.platform,
        "tell": lambda one: str(zerolimit.tell(one, 0)), "explain": lambda one: zerolimit.explain(one, 0, 1),
    } if name != "study" else {
        "repr": repr, "table": lambda one: one.table(), "by": lambda one: one.by("base_tightness"),
        "units": lambda one: one.units,
        "design": lambda one: one.design, "point": lambda one: one.per_point("zero_limit"), "rates": lambda one: one.rates,
        "failures": lambda one: one.failures(), "sobol": lambda one: one.sobol(),
    }  # fmt: skip
    what = draw.choice(sorted(readers))
    return Case(says + what, lambda: readers[what](zerolimit.load("stored")))


def public() -> dict[str, Callable[..., Any]]:
    """What is public and can be called: functions and classes of the package, and the methods of what they give."""
    found: dict[str, Callable[..., Any]] = {}
    for name in zerolimit.__all__:
        one = getattr(zerolimit, name)
        if isinstance(one, types.ModuleType):
            found[name] = importlib.import_module("zerolimit.study.sweep").run_study
        elif not isinstance(one, type):
            found[name] = one
    found["CreditMarket"] = zerolimit.CreditMarket
    found["Simulation"] = zerolimit.Simulation
    for owner, make in OBJECTS.items():
        kind = type(make())
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            ours = method.__module__.startswith("zerolimit.")
            passed_on = {one.kind for one in inspect.signature(method).parameters.values()} >= {
                inspect.Parameter.VAR_POSITIONAL
            }
            if ours and not passed_on and not name.startswith("_"):
                found[f"{owner}.{name}"] = partial(call_method, owner, name)
                SIGNATURES[f"{owner}.{name}"] = list(inspect.signature(method).parameters.values())[1:]
    return found


SIGNATURES: dict[str, list[inspect.Parameter]] = {}


def call_method(owner_of: str, method_of: str, /, **words: Any) -> Any:
    return getattr(OBJECTS[owner_of](), method_of)(**words)


SHARED = Path()
OBJECTS: dict[str, Callable[[], Any]] = {
    "market": lambda: markets().copy(),
    "agents": lambda: markets().copy().agents,
    "some agents": lambda: markets().copy().agents.copy(),
    "borrower": lambda: markets().copy().borrower(0),
    "platform": lambda: markets().copy().platform,
    "run": lambda: zerolimit.load(SHARED / "run"),
    "results": lambda: zerolimit.load(SHARED / "study"),
    "scenario": load_scenario,
    "comparison": lambda: compared(),
    "attribution": lambda: attributed(),
    "story": lambda: zerolimit.tell(markets(), 0),
    "simulation": lambda: simulations.Simulation(load_scenario(borrowers=BORROWERS), 1),
}
"""Objects whose methods are public."""


@cache
def compared() -> Any:
    return zerolimit.compare("defaults", only_b={"base_tightness": 0.5}, borrowers=BORROWERS, months=MONTHS, seeds=2)


@cache
def attributed() -> Any:
    return zerolimit.attribute(borrowers=BORROWERS, months=MONTHS, players=["trigger"], follow=[0])


GOOD: dict[str, Callable[[], Any]] = {
    "scenario": lambda: "baseline", "a": lambda: "baseline", "b": lambda: "baseline",
    "source": lambda: SHARED / "clients.csv",
    "months": lambda: MONTHS, "seed": lambda: 1, "seeds": lambda: 2, "borrowers": lambda: BORROWERS,
    "run": lambda: SHARED / "run",
    "borrower": lambda: 0, "month": lambda: 1, "folder": lambda: "out", "name": lambda: "zero_limit",
    "outcome": lambda: "zero_limit",
    "engine": lambda: "objects", "players": lambda: ["trigger"], "number": lambda: 0, "unique_id": lambda: 0,
    "file": lambda: "figure.png",
    "query": lambda: "select 1", "of": lambda: "base_tightness", "base": lambda: 0.0, "names": lambda: "base_tightness",
    "workers": lambda: 1,
    "purpose": lambda: "u_pay", "attr_name": lambda: "trust", "attr_names": lambda: "trust", "value": lambda: 0.5,
    "key": lambda: "trust",
    "by": lambda: "month", "method": lambda: "owes", "kind": lambda: EVENTS[1], "rows": lambda: np.arange(2),
    "stage": lambda: "account",
}  # fmt: skip
"""Good values by the name of a parameter; a parameter of another name that must be given gets anything."""
GOOD_FOR: dict[str, dict[str, Callable[[], Any]]] = {
    "study": {"source": lambda: SMALL_STUDY, "executor": Here, "quiet": lambda: True, "out": lambda: "results"},
    "load_scenario": {"source": lambda: "baseline"},
    "load": {"folder": lambda: SHARED / "run"},
    "Simulation": {"scenario": load_scenario},
    "simulation.column": {"name": lambda: "trust"},
    "attribution.borrower": {"month": lambda: None},
    "results.by": {"outcomes": lambda: None},
    "comparison.differences": {"by": lambda: ("month",)},
    "comparison.values": {"by": lambda: ("month",)},
}
CALLED = {"method", "filter_func", "key", "by", "func"}
"""What may be a caller's function; any that can be called is one."""
NOT_FUZZED = {"most", "args", "progress", "cancel", "say", "executor", "figure", "watch", "measure"}
"""Functions that a caller gives, of which what they do is the caller's."""


def python_case(draw: random.Random, place: Place) -> Case:
    """A public function with one or two arguments wrong."""
    functions = public_functions()
    name, function = draw.choice(sorted(functions.items()))
    given = SIGNATURES.get(name)
    parameters = list(inspect.signature(function).parameters.values()) if given is None else given
    named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    good = {**GOOD, **GOOD_FOR.get(name, {})}
    words: dict[str, Any] = {}
    for one in named:
        if one.default is one.empty:
            words[one.name] = good[one.name]() if one.name in good else objects(draw)
        elif (
            one.name in ("borrowers", "months", "engine", "seeds", "players", "workers", "executor", "quiet", "out")
            and one.name in good
        ):
            words[one.name] = good[one.name]()
    wrong = draw.sample(named, min(len(named), draw.choice([1, 1, 2])))
    for one in wrong:
        if one.name not in NOT_FUZZED:
            words[one.name] = objects(draw)
        if one.name in CALLED and callable(words.get(one.name)):
            words[one.name] = 3
    if any(one.kind is one.VAR_KEYWORD for one in parameters) and draw.random() < 0.3 and "agents" not in name:
        parameter = draw.choice([*Scenario.model_fields, "a", "x" * 300])
        if parameter not in [one.name for one in named]:
            words[parameter] = objects(draw)
    return Case(f"{name}(**{brief(words)})", lambda: function(**words))


@cache
def public_functions() -> dict[str, Callable[..., Any]]:
    return public()


def brief(value: Any) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception as error:
        text = f"<{type(value).__name__}: repr raises {error}>"
    return text if len(text) < 500 else f"{text[:500]}..."


RULE_TEXTS = (
    "def mine(trust): return trust", "def mine(x): return x", "def mine(trust): return None", "def mine(trust): return 'a'",
    "def mine(trust): return trust, trust", "def mine(trust): return 1 / 0", "def mine(trust): raise RuntimeError('own')",
    "def mine(trust): return float('nan')", "def mine(trust): return 1e300", "def mine(trust): return [trust]",
    "def mine(): return 1.0",
    "def mine(trust, terms): return terms.no_such", "def mine(trust, terms): return terms.need_rate",
    "def mine(*trust): return 1.0",
    "def mine(trust=1): return trust", "def mine(trust, /): return trust", "mine = lambda trust: trust", "mine = len",
    "mine = 3",
    "class mine: pass", "def mine(u_pay, u_nothing): return u_pay", "def mine(trust): return trust ** 2", "mine = print",
    "def mine(trust): return trust.x", "def mine(trust): return other(trust)", "async def mine(trust): return trust",
    "def mine(trust): yield trust", "def earn(trust): return trust", "def mine(level, need): return need",
    "import math; mine = math.exp",
)  # fmt: skip


def rule_case(draw: random.Random, place: Place) -> Case:
    """A user-defined rule, declared well or badly, in a market."""
    text = draw.choice(RULE_TEXTS)
    writes = draw.choice(
        [["trust"], ["trust"], ["trust"], [], ["no_such"], ["granted"], ["trust", "cash"], ["principal"], [objects(draw)]]
    )
    after = draw.choice(["feel", "feel", "feel", "no_such", None, objects(draw)])
    scope: dict[str, Any] = {}

    def lived() -> Any:
        exec(text, scope)  # the rule as a user would write it
        function = scope.get("mine", scope.get("earn"))
        own = zerolimit.rule(*writes, after=after)(function)
        return zerolimit.CreditMarket(borrowers=BORROWERS, seed=1, engine="objects", rules=[own]).run(1)

    return Case(f"rule({brief(writes)}, after={brief(after)}) {text}", lived)


INTERFACES: dict[str, tuple[Callable[[random.Random, Place], Case], float]] = {
    "command line": (command_case, 0.28),
    "scenario": (scenario_case, 0.14),
    "calendar and series": (dated_case, 0.10),
    "portfolio": (portfolio_case, 0.12),
    "ties": (ties_case, 0.04),
    "study": (study_case, 0.08),
    "stored folder": (stored_case, 0.06),
    "rule": (rule_case, 0.03),
    "python": (python_case, 0.15),
}
"""What draws the cases of an interface, and their share."""


# trying them


@dataclass
class Outcome:
    """How a case ended: used, refused, stopped, or wrong and why."""

    case: str
    says: str
    ended: str
    told: str = ""
    trace: str = ""


OURS = (BadInput, Cancelled)


def tried(name: str, seed: int, shared: Path) -> Outcome:
    """One case, drawn, made and judged."""
    interface, _, _ = name.rpartition(" ")
    draw = random.Random(f"{seed} {name}")
    with tempfile.TemporaryDirectory(prefix="zerolimit-fuzz-") as folder:
        here = Path(folder)
        (here / "taken").mkdir()
        (here / "taken" / "letter.txt").write_text("keep me")
        before_cwd = os.getcwd()
        os.chdir(here)
        try:
            try:
                case = INTERFACES[interface][0](draw, Place(here, shared))
            except Exception as error:
                return Outcome(name, "", "wrong", "not made", trace_of(error))
            before, common = files(here), files(shared)
            outcome = judged(name, case)
            after = files(here)
            if outcome.ended in ("refused", "stopped") and after != before and not kept(after, before):
                differ = sorted(set(after.items()) ^ set(before.items()))
                outcome.ended, outcome.told = "wrong", f"left behind {differ[:5]}: {outcome.told}"
            if any(after.get(one) is None for one in before if one.startswith("taken")):
                outcome.ended, outcome.told = "wrong", "lost a file of the user's"
            if differ := sorted(set(files(shared).items()) ^ set(common.items())):
                outcome.ended, outcome.told = "wrong", f"changed what it read: {differ[:4]}"
        finally:
            os.chdir(before_cwd)
    return outcome


def trace_of(error: BaseException) -> str:
    """Where an error came from; without the interpreter's own suggestions, which fail on names that are no text."""
    return "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))


def kept(after: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """What a study or a market may leave when something after it is refused or stopped: its whole results."""
    new = after.keys() - before.keys()
    whole = all(one.split("/")[0] in ("results", "kept", "runs") and ".tmp" not in one for one in new)
    return whole and not before.keys() - after.keys()


def judged(name: str, case: Case) -> Outcome:
    """What came of the call."""
    try:
        with warnings.catch_warnings(), stopped_after(LONG):
            warnings.simplefilter("ignore")
            result = case.call()
    except KeyboardInterrupt:
        return Outcome(name, case.says, "stopped")
    except OURS as error:
        return refused(name, case, str(error))
    except Exception as error:
        if traceback.extract_tb(error.__traceback__)[-1].filename == "<string>":
            return Outcome(name, case.says, "used", "a user's own rule failed")
        return Outcome(name, case.says, "wrong", f"{type(error).__name__}: {str(error)[:300]}", trace_of(error))
    if not case.command:
        return Outcome(name, case.says, "used")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        trouble = result.exception
        return Outcome(name, case.says, "wrong", f"{type(trouble).__name__}: {str(trouble)[:300]}", trace_of(trouble))
    if result.exit_code == 130:
        return Outcome(name, case.says, "stopped")
    if result.exit_code == 0:
        return Outcome(name, case.says, "used")
    told = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", result.stderr).replace("\r", "\n").splitlines()  # as a terminal shows it
    if result.exit_code == 1 and "runs failed" in result.stderr:
        return Outcome(name, case.says, "used")
    if result.exit_code != 2:
        return Outcome(name, case.says, "wrong", f"exit code {result.exit_code}: {result.stderr[-300:]}")
    if not told or not told[-1].startswith("zerolimit: "):
        return Outcome(name, case.says, "wrong", f"no line: {result.stderr[-300:]!r} {result.output[-300:]!r}")
    if "not enough memory" in told[-1]:
        return Outcome(name, case.says, "wrong", f"memory: {told[-1]}")
    return refused(name, case, told[-1])


def refused(name: str, case: Case, told: str) -> Outcome:
    """Refused with a message, which has to be one line, printable and not long."""
    if not told.strip() or "\n" in told or len(told) > LONGEST or not told.replace("\ufffd", "").isprintable():
        return Outcome(name, case.says, "wrong", f"not one short line: {told[:300]!r} ({len(told)} letters)")
    return Outcome(name, case.says, "refused", told)


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """As by Ctrl-C, after so much of a processor's time, or sixty times as long on the clock."""
    timers = ((signal.SIGPROF, signal.ITIMER_PROF, seconds), (signal.SIGALRM, signal.ITIMER_REAL, 60.0 * seconds))

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = [signal.signal(number, stop) for number, _, _ in timers]
    for _, timer, after in timers:
        signal.setitimer(timer, after)
    try:
        yield
    finally:
        for (number, timer, _), old in zip(timers, before, strict=True):
            signal.setitimer(timer, 0.0)
            signal.signal(number, old)


@contextmanager
def in_one_process() -> Iterator[None]:
    """Studies run here and not in processes of their own; the page is not served."""
    pool, compile_once = sweeping.local_pool, sweeping.compile_once

    @contextmanager
    def here(workers: int, **words: Any) -> Iterator[Executor]:
        yield Here()

    from zerolimit.app import serve as page

    served = page.serve

    def bound(scenario: str = "defaults", *, host: str = page.LOOPBACK, port: int = page.PORT, browser: bool = True) -> None:
        page.listening(host, port).close()

    sweeping.local_pool, page.serve = here, bound  # type: ignore[assignment]
    sweeping.compile_once = lambda study, say: None
    try:
        yield
    finally:
        sweeping.local_pool, sweeping.compile_once, page.serve = pool, compile_once, served


def room() -> None:
    """From here on so much more address space and no more."""
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, now + ROOM))


def names(number: int) -> list[str]:
    """The cases' names, so many in all."""
    return [f"{name} {k}" for name, (_, share) in INTERFACES.items() for k in range(round(number * share))]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=2500)
    parser.add_argument("--only", help="one case, or an interface")
    parser.add_argument("--list", action="store_true", help="the functions and methods that are called, and leave")
    parser.add_argument("--report", type=Path, help="file for what came of the cases, a line of JSON each")
    chosen = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    wanted = names(chosen.cases)
    if chosen.only is not None:
        wanted = [one for one in wanted if chosen.only in (one, one.rpartition(" ")[0])] or [chosen.only]
    global SHARED
    with tempfile.TemporaryDirectory(prefix="zerolimit-fuzz-shared-") as folder, in_one_process():
        SHARED = Path(folder)
        make_shared(SHARED)
        if chosen.list:
            print(*sorted(public_functions()), sep="\n")
            return 0
        compared(), attributed()
        resting = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        room()
        outcomes = []
        for name in wanted:
            outcomes.append(tried(name, chosen.seed, SHARED))
            if chosen.report is not None:
                with open(chosen.report, "a", encoding="utf-8", errors="replace") as file:
                    file.write(json.dumps(asdict(outcomes[-1])) + "\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resting
    table = Counter((one.case.rpartition(" ")[0], one.ended) for one in outcomes)
    for name in INTERFACES:
        ended = {what: number for (whose, what), number in table.items() if whose == name}
        print(f"{name}: {sum(ended.values())} ({', '.join(f'{number} {what}' for what, number in sorted(ended.items()))})")
    print(f"memory beyond the libraries' own, at most: {peak / 1024:.0f} MB")
    wrong = [one for one in outcomes if one.ended == "wrong"]
    for one in wrong:
        print(f"\n{one.case}: {brief(one.says)}\n  {one.told}")
        if chosen.only is not None:
            print(one.trace)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
