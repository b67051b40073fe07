"""Real clients in: a file, a DataFrame or the shipped data becomes the first population.

Only the limit is required. What a file lacks, a column or a cell, is drawn from the scenario's population; the statement
says what. Money is fen inside, yuan in files (times `scale`, or in the unit told).
"""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zerolimit.basics.errors import BadInput, one_line, quoted
from zerolimit.basics.files import path_of, read_file
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import FEN, number_of, shown
from zerolimit.parameters.declarations import DEFAULTS
from zerolimit.portfolio import settlement
from zerolimit.portfolio.columns import COLUMNS, HISTORY, NAMES, OLDEST
from zerolimit.portfolio.keys import keys_of
from zerolimit.portfolio.options import NOT_USED, POSITION, Reading, how, refuse_warm_up, with_options
from zerolimit.portfolio.reader import Read, Reader, Used
from zerolimit.portfolio.settlement import Drawn, FirstPopulation
from zerolimit.portfolio.statement import Statement
from zerolimit.portfolio.tables import WRITTEN, Most, Raw, from_csv, from_frame, from_parquet, inflated, like, unzipped
from zerolimit.portfolio.text import better, name_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Array = NDArray[Any]
MINIMUM_LOAN = float(DEFAULTS["minimum_loan"])
"""Yuan; a scenario may say another."""

SHIPPED = {"uci": 0.25}
"""Portfolios inside the package and their default scale. uci: 4 NT$ to the yuan, about 2005's rate (an assumption)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a portfolio came from, for a run's provenance."""

    name: str
    sha256: str
    scale: float
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of reading that were given (options.py)."""
    written: bool = False
    """A run wrote it: its units are ours."""


@dataclass(frozen=True, eq=False, repr=False)
class Portfolio(Shown, FirstPopulation):
    """The clients of a file as a first population."""

    source: Source
    size: int
    given: tuple[str, ...]
    """Columns that were read."""
    drawn: tuple[str, ...]
    """Columns that were missing and so are drawn from the scenario's population."""
    statement: Statement
    """What was read: a line a column, and what is odd."""
    table: pa.Table = field(repr=False)
    """The columns in use, in yuan as read (balances below 0 kept); reading it again gives the same portfolio."""
    values: Mapping[str, Array] = field(repr=False)
    """Column name -> fen, months, codes, years; `history` has a row a client and a column a month, newest first."""
    blanks: Mapping[str, Array] = field(default_factory=dict, repr=False)
    """Column name -> whose cell is blank, and so drawn, of the columns that have blanks."""

    def __str__(self) -> str:
        return str(self.statement)

    def _repr_html_(self) -> str:
        return self.statement._repr_html_()

    @property
    def notes(self) -> tuple[str, ...]:
        """Facts for the run's summary, a line each; lines closed from the start under the scenario's usual minimum loan."""
        return self.told(MINIMUM_LOAN)

    def told(self, minimum_loan: float) -> tuple[str, ...]:
        """The notes, under a scenario's minimum loan in yuan."""
        money = f"{number_of(self.size, 'client')}, money times {self.source.scale:g} is yuan"
        said = (*self.statement.remarks, *(f"? {one}" for one in self.statement.questions))
        return (money, *self.closed(minimum_loan), *said)

    def closed(self, minimum_loan: float) -> Iterator[str]:
        """Which lines are closed before the first month, and why."""
        limit, least = self.values["limit"], round(minimum_loan * FEN)
        drawn = self.blanks.get("limit", np.zeros(1, bool))
        if (zeros := int(np.count_nonzero((limit == 0) & ~drawn))) > 0:
            yield f"{number_of(zeros, 'limit')} of 0: closed from the start"
        if (below := int(np.count_nonzero((limit > 0) & (limit < least)))) > 0:
            yield f"{number_of(below, 'limit')} below the minimum loan of {minimum_loan:,.12g} yuan: closed from the start"

    def refuse_closed(self, minimum_loan: float) -> None:
        """BadInput where no line is open, or most are too small and nobody has said in which unit they are."""
        limit, where = self.values["limit"], f"portfolio {self.source.name}"
        if "limit" in self.blanks:
            return
        some = limit[limit > 0]
        small = int(np.count_nonzero(some < round(minimum_loan * FEN)))
        told = self.unit_is_told
        if not len(some):
            raise BadInput(f"{where}: no line is open: every limit is 0")
        if small == len(some) or (2 * small > len(some) and not told):
            middle = float(np.median(some)) / FEN
            in_wan = middle >= 0.1 and middle * COLUMNS["limit"].units["wan"] <= COLUMNS["limit"].high
            says = "no line is open: every limit is" if small == len(some) else f"{small:,} of {len(some):,} limits are"
            asked = f"in 万? {how('units', 'limit=wan')}" if in_wan else f"in another unit? {how('scale', 'YUAN')}"
            taken = "" if small == len(some) else f"; {how('units', 'limit=yuan')} takes them as they are"
            raise BadInput(
                f"{where}: {says} below the minimum loan of {minimum_loan:,.12g} yuan, half of them at most {middle:,.12g};"
                f" {asked} reads them{taken}"
            )

    @property
    def unit_is_told(self) -> bool:
        """Whether somebody has said in which unit the limits are."""
        source, units = self.source, self.source.options.get("units", {})
        return source.written or "scale" in source.options or "limit" in units or source.scale != 1.0

    terms: ClassVar = {"vacant_share": 0.0, "first_closed": 0.0}
    """Every row of a file is an account, and has the line that the file says."""

    @cached_property
    def ids(self) -> Array | None:  # type: ignore[override]  # a class attribute there, found once here
        import pyarrow as pa

        return self.table["id"].cast(pa.string()).to_numpy() if "id" in self.given else None

    @cached_property
    def keys(self) -> Array | None:  # type: ignore[override]
        return None if self.ids is None else keys_of(self.ids)

    def _in_short(self) -> str:
        drawn = f"; drawn from the scenario's population: {', '.join(self.drawn)}" if self.drawn else ""
        return f"portfolio {self.source.name}: {number_of(self.size, 'client')}, read: {', '.join(self.given)}{drawn}"

    def to_frame(self) -> pd.DataFrame:
        """The columns in use, a row a client; money in yuan as read."""
        return self.table.to_pandas()

    def births(self) -> Iterable[tuple[Array, Mapping[str, float]]]:
        return settlement.births(self.values, self.blanks) if "segment" in self.values else ()

    def traits(self, drawn: Drawn) -> Mapping[str, Array]:
        return settlement.traits(self.values, self.blanks, drawn)

    def accounts(self, drawn: Drawn) -> Mapping[str, Array]:
        self.refuse_closed(drawn.terms["minimum_loan"] / FEN)
        return settlement.accounts(self.values, self.blanks, drawn)


@with_options
def read_portfolio(source: str | Path | pd.DataFrame, *, most: Most | None = None, **options: Any) -> Portfolio:
    """Clients from a CSV, CSV.gz, zip or Parquet file, a pandas DataFrame, or the shipped portfolio "uci".

    Options by name (options.py): `columns` maps our column name (COLUMNS, history_1 to history_12) to the file's, `scale`
    turns the file's money into yuan (default 1; the shipped data have their own), `units` says what is in another unit. A
    file with more than `most` is refused before it is read.
    """
    where = f"portfolio {path_of(source, 'portfolio').name}" if isinstance(source, str | Path) else "portfolio DataFrame"
    reading = Reading.of(options, where)
    raw = read_raw(source, most or Most(), reading)
    scale = reading.scale
    if scale is None:
        scale = SHIPPED.get(source, 1.0) if isinstance(source, str) else 1.0
    used, taken = match_columns(raw, reading)
    if isinstance(source, str) and source in SHIPPED:
        taken = []
    read = Reader(raw, used, reading, float(scale)).read()
    history = "history" in read.values
    given = tuple(name for name in COLUMNS if name in read.values or (name == "id" and "id" in used))
    derived = {"id", "late"} if history else {"id"}
    drawn = tuple(name for name in COLUMNS if name not in given and name not in derived)
    name = raw.where.removeprefix("portfolio ")
    statement = replace(read.statement, remarks=(*taken, *read.statement.remarks, *about_drawn(read, drawn, raw, used)))
    table = read.table.replace_schema_metadata(WRITTEN)
    return Portfolio(
        Source(name, raw.sha256 or hash_of(table), float(scale), reading.given(), raw.ours),
        read.size,
        given,
        drawn,
        statement,
        table,
        read.values,
        read.blanks,
    )


def about_drawn(read: Read, drawn: Sequence[str], raw: Raw, used: Used) -> Iterator[str]:
    """What is drawn, and what is not used."""
    if drawn:
        yield f"drawn from the scenario's population: {', '.join(drawn)}"
    some = {name: int(np.count_nonzero(read.blanks[name])) for name in COLUMNS if name in read.blanks}
    if some:
        cells = ", ".join(f"{name} ({count:,})" for name, count in some.items())
        yield f"blank, and drawn cell by cell: {cells}"
    if "income" in drawn or "income" in some:
        which = "blank ones: those" if "income" in some else "the one"
        yield f"income: {which} for which the scenario's population would have been given the file's limit"
    taken = {k for some in used.values() for k in some}
    if unused := [one_line(name, 40) or f"{POSITION}{k + 1}" for k, name in enumerate(raw.names) if k not in taken]:
        yield f"columns not used: {shown(unused)}"


def as_portfolio(
    given: FirstPopulation | pd.DataFrame | str | Path | None,
    options: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> FirstPopulation | None:
    """Given clients, or a portfolio read from what is given, with options of reading by name; None stays None.

    BadInput where scenario parameters set with it ask for months before month 0.
    """
    if given is not None:
        refuse_warm_up(parameters or {})
    if given is not None and not isinstance(given, FirstPopulation):
        return read_portfolio(given, **(options or {}))
    for name, value in (options or {}).items():
        if value is not None:
            raise BadInput(f"{name}: belongs to a portfolio that is read from a file or a DataFrame")
    return given


def read_raw(source: Any, most: Most, reading: Reading) -> Raw:
    """Open a source and list its columns; BadInput where it cannot be read."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return from_frame(source)
    if not isinstance(source, str | Path):
        raise BadInput(
            f"portfolio: a path, a DataFrame or one of {', '.join(SHIPPED)} is needed, not {type(source).__name__}"
        )
    if isinstance(source, str) and source in SHIPPED:
        path = Path(str(resources.files("zerolimit") / "data" / f"{source}.parquet"))
    else:
        path = path_of(source, "portfolio")
    where = f"portfolio {path.name or source}"
    data = read_file(path, "portfolio", SHIPPED, f"no such file, nor a shipped portfolio ({', '.join(SHIPPED)})")
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(b"PK\x03\x04"):
        data, inside = unzipped(data, where, most)
        where = f"{where} ({inside})"
    if data.startswith(b"PAR1") or (data and path.suffix == ".parquet"):
        return from_parquet(data, where, digest, most)
    if data.startswith(b"\x1f\x8b") or (data and path.suffix == ".gz"):
        data = inflated(data, where, most)
    if not data:
        raise BadInput(f"{where}: the file is empty; a header with a column limit and a row a client are needed")
    return from_csv(data, where, digest, most, reading, wanted_names(reading))


# which columns


def wanted_names(reading: Reading) -> tuple[str, ...]:
    """Names that the header must have."""
    mapped = [name for theirs in reading.columns.values() for name in theirs_of(theirs)]
    by_name = tuple(name for name in mapped if name != NOT_USED and not name.startswith(POSITION))
    return by_name if any(theirs != NOT_USED for theirs in reading.columns.values()) else ("limit",)


def theirs_of(theirs: str | Sequence[str]) -> tuple[str, ...]:
    """The columns that one of ours is mapped to; several stand between commas or in a list."""
    return tuple(one.strip() for one in theirs.split(",")) if isinstance(theirs, str) else tuple(theirs)


def match_columns(raw: Raw, reading: Reading) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Our name -> the file's columns by position, for those in use; and what is to be said of columns that nobody mapped.

    Where any is mapped, only what is mapped is used. BadInput where the two sides do not fit.
    """
    found: dict[str, tuple[int, ...]] = {}
    columns = {ours: theirs for ours, theirs in reading.columns.items() if theirs != NOT_USED}
    for ours, theirs in columns.items():
        whole = [theirs] if isinstance(theirs, str) and len(places_of(theirs, raw.names)) == 1 else theirs_of(theirs)
        if len(whole) > 1 and ours != "history":
            raise BadInput(
                f"{raw.where}: column map: {ours} is to be {quoted(theirs)}, which the file does not have; one is taken"
            )
        if len(whole) > OLDEST:
            raise BadInput(f"{raw.where}: column map: a history of {len(whole)} columns; at most {OLDEST} are taken")
        found[ours] = tuple(the_place(one, raw, ours) for one in whole)
    said = []
    if not columns:
        left = {ours for ours, theirs in reading.columns.items() if theirs == NOT_USED}
        alike = {}
        for name in NAMES:
            if name not in left and (places := places_of(name, raw.names)):
                alike[name] = (the_place(name, raw, name),) if len(places) > 1 else (places[0],)
        found |= alike
        others = [name for name in alike if name != "limit"]
        if others and not raw.ours:
            said.append("columns taken by their names; --columns says which are meant")
    if "limit" not in found:
        raise no_limit(raw, bool(columns))
    months = [name for name in HISTORY if name in found]
    if months and "history" in found:
        raise BadInput(f"{raw.where}: both a column history and {months[0]}: the payment history is one or the other")
    if months != list(HISTORY[: len(months)]):
        gap = next(name for name in HISTORY if name not in found)
        raise BadInput(
            f"{raw.where}: {months[-1]} without {gap}: the payment history starts at history_1, the newest, without gaps"
        )
    if months:
        found["history"] = tuple(found.pop(name)[0] for name in months)
    return found, said


def places_of(name: str, names: Sequence[str]) -> list[int]:
    """Where a name stands: as written, else whatever its letters and spaces; `#3` is the third."""
    if name.startswith(POSITION) and name[1:].isdecimal() and name not in names:
        return [int(name[1:]) - 1] if 1 <= int(name[1:]) <= len(names) else []
    exact = [k for k, other in enumerate(names) if other == name]
    return exact or [k for k, other in enumerate(names) if other.strip() and name_of(other) == name_of(name)]


def the_place(name: str, raw: Raw, ours: str) -> int:
    """Where one name stands; BadInput where it is not there, or more than once."""
    places = places_of(name, raw.names)
    if len(places) == 1:
        return places[0]
    if places:
        told = " or ".join(f"{ours}={POSITION}{k + 1}" for k in places[:4])
        raise BadInput(
            f"{raw.where}: column {name.strip()!r} appears more than once; {how('columns', told)} says which is meant"
        )
    close = like(name, raw.names)
    hint = f"; did you mean {close!r}?" if close else f"; there are {listed_names(raw)}"
    raise BadInput(f"{raw.where}: column map: {ours} is to be {quoted(name)}, which the file does not have{hint}")


def listed_names(raw: Raw) -> str:
    """The file's columns in a message, those without a name by position."""
    return shown([name[:40] or f"{POSITION}{k + 1}" for k, name in enumerate(raw.names)])


def no_limit(raw: Raw, mapped: bool) -> BadInput:
    """No column is the limit."""
    if mapped:
        return BadInput(
            f"{raw.where}: no column limit, the only one required, in the map; with a map only what is mapped is used:"
            f" {how('columns', 'limit=NAME')}, there are {listed_names(raw)}"
        )
    close = like("limit", raw.names)
    hint = f"is it {close!r}? {how('columns', shlex.quote(f'limit={close}'))}" if close else ""
    hint = hint or (better(raw.text) if raw.text is not None else "")
    hint = hint or f"{how('columns', 'limit=NAME')} says which it is, there are {listed_names(raw)}"
    return BadInput(f"{raw.where}: no column limit, the only one required; {hint}")


def hash_of(table: Any) -> str:
    """Hash of a table's values, for a source that is no file."""
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update(f"{name}:{table[name].to_pylist()}\n".encode())
    return digest.hexdigest()
