"""Moments of a world: each a ratio of whole sums over borrowers and months, declared once, as text.

    moment("late_share", over="late >= 1", where="principal > 0")
    moment("no_line_again", over="without_line > 0", where="lag(without_line, 1) > 0", says="a month later still without")

A formula is of whole numbers: fields as their columns hold them at the month's end (money in fen, shares as numbers of
1/16,384), `principal` (what is owed), `lag(field, months)`, comparisons (true counts 1), `and or not`, `+ - * //` (0 where
the divisor is not above 0), `min max abs`. Codes go by name: `segment == 'gig'`. What a month counts already
(docs/results.md: outcomes as `zero_limit`, sums as `sum_limit`) is a formula too; only `segment` and `decile` can stand
beside it.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.basics.shown import Shown
from zerolimit.engine.base import Array
from zerolimit.engine.row_sums import REAL, Column, RowSums, Summed, local
from zerolimit.results.columns import BY, divided, monthly_meanings
from zerolimit.vocabulary.cells import CELLS, CELLS_PER_SEGMENT
from zerolimit.vocabulary.fields import BYTES, DTYPES, FIELDS, STATE
from zerolimit.vocabulary.names import CODES, LEFT

FORMULA_FIELDS = tuple(one.name for one in STATE if not one.void)
"""Fields that formulas read: what is void while nothing is scheduled says nothing."""
DERIVED = {"principal": "scheduled + overdue"}
"""What follows from fields, as formulas."""
CELL_FIELDS = ("segment", "decile")
LARGEST = {"i1": 2**7, "i2": 2**15, "q2": 2**15, "i4": 2_000_000_000}
"""The largest size of a whole number, by storage, for the check that sums are exact."""
MOST_LAG = 120
EXACT = 2**63
"""Below it sums are exact."""
EXACT_DIVISION = 2**53
"""Below it the quotient of two whole numbers, divided as real ones and rounded down, is exact: real ones divide faster."""
NARROW = 2**31
"""Below it a number fits into 32 bits, which processors turn into real numbers, and back, several at a time."""
COUNT, AMOUNT, CONDITION = "count", "amount", "condition"
COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
CALCULATED = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//"}
DIVIDE = "; divide first, as in limit // 10_000"


@public
@dataclass(frozen=True, repr=False)
class Moment(Shown):
    """A ratio of two sums over the borrowers of a world and months, or a correlation; made by `moment()`."""

    name: str
    over: str
    under: str
    where: str = ""
    says: str = ""
    kind: str = "ratio"

    def _in_short(self) -> str:
        what = f"correlation of {self.over} and {self.under}" if self.kind != "ratio" else f"{self.over} over {self.under}"
        return f"moment {self.name}: {what}{f', where {self.where}' if self.where else ''}"


@public
def moment(
    name: str,
    over: str | None = None,
    under: str = "1",
    *,
    where: str = "",
    correlation: Sequence[str] | None = None,
    says: str = "",
) -> Moment:
    """A moment of one's own, for `keep=` of `zerolimit.worlds`: the sum of `over` divided by the sum of `under`.

    Sums are taken over borrowers and months, of those for whom `where` holds. Counted is who has an account at the month's
    end; with `lag(..., k)`, who had one at the end of the month k months before and is still the same borrower in the slot
    (those who have left since have `status == 'left'`). `correlation=(a, b)` gives Pearson's correlation of two formulas in
    place of a ratio. Formulas are whole numbers of fields, as said at the top of this module:

        moment("utilisation_mean", over="1000 * principal // limit", under="1000", where="limit > 0")
        moment("blocked_gig", over="blocked", under="at_risk", where="segment == 'gig'")
        moment("limit_persistence", correlation=("limit // 10_000", "lag(limit, 1) // 10_000"), where="limit > 0")

    BadInput: a formula cannot be read, names nothing that is known, or mixes what cannot be mixed.
    """
    if not name.isidentifier():
        raise BadInput(f"moment: {quoted(name)} is no name; letters, digits and _ are allowed, not beginning with a digit")
    if correlation is not None:
        if over is not None or under != "1" or len(correlation) != 2:
            raise BadInput(f"moment {name}: correlation: two formulas are needed, and neither over nor under")
        found = Moment(name, correlation[0], correlation[1], where, says, "correlation")
    elif over is None:
        raise BadInput(f"moment {name}: over: a formula is needed, as in over='late >= 1'")
    else:
        found = Moment(name, over, under, where, says)
    parts_of(found)
    return found


@public
def histogram(name: str, of: str, edges: Sequence[int], *, where: str = "", says: str = "") -> tuple[Moment, ...]:
    """Shares of borrowers by what a formula is: below the first edge, from each edge to below the next, from the last on.

    A moment each, `NAME_below_EDGE`, `NAME_EDGE_to_EDGE` and `NAME_from_EDGE`; together they are 1. BadInput as of `moment`,
    and where edges do not rise.
    """
    if not edges or any(a >= b for a, b in pairwise(edges)):
        raise BadInput(f"histogram {name}: edges: whole numbers that rise are needed, not {quoted(list(edges))}")
    if (formula := Formula(of, f"histogram {name}: of")).found.kind != AMOUNT or formula.counts:
        raise formula.wrong(f"an amount of each borrower is needed, as in limit, not {quoted(of)}")
    first, last = edges[0], edges[-1]
    rows = [(f"below_{first}", f"{of} < {first}")]
    rows += [(f"{a}_to_{b}", f"{a} <= {of} < {b}") for a, b in pairwise(edges)]
    rows += [(f"from_{last}", f"{of} >= {last}")]
    named = [(f"{name}_{end.replace('-', 'minus_')}", over) for end, over in rows]
    return tuple(moment(one, over, where=where, says=says) for one, over in named)


# formulas


class Read(NamedTuple):
    """A part of a formula: as code, its kind, the largest that it can be."""

    code: str
    kind: str
    low: int
    high: int
    exact: str = ""
    """Code of the same as a real number, if it is not made of the whole one;"""
    divided: bool = False
    """then it comes first, since there is a quotient in it."""

    @property
    def most(self) -> int:
        """The largest size."""
        return max(-self.low, self.high)

    @property
    def number(self) -> str:
        """As a whole number; a condition counts 1 where it is true."""
        return f"np.int64({self.code})" if self.kind == CONDITION else self.code

    @property
    def real(self) -> str:
        """As a real number, which holds it exactly where it is below EXACT_DIVISION."""
        return self.exact or f"np.float64({self.number})"

    @classmethod
    def rounded(cls, exact: str, low: int, high: int) -> Read:
        """A whole number that is calculated as a real one: a processor turns it fast only into a narrow one."""
        narrow = max(-low, high) < NARROW
        return cls(f"np.int64(np.int32({exact}))" if narrow else f"np.int64({exact})", AMOUNT, low, high, exact, True)


@dataclass
class Formula:
    """A formula read: what it asks of columns or of a month's counts."""

    text: str
    where: str
    """What is said in front of an error."""
    columns: set[Column] = field(default_factory=set)
    counts: set[str] = field(default_factory=set)
    found: Read = field(init=False)

    def __post_init__(self) -> None:
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise self.wrong(f"{quoted(self.text)} is no formula, as in 'late >= 1 and limit > 0'") from None
        self.found = self.read(tree, 0)

    def wrong(self, why: str) -> BadInput:
        """What is wrong with it, to be raised."""
        return BadInput(f"{self.where}: {why}")

    def read(self, node: ast.expr, lag: int) -> Read:
        """A part of it, of which fields are `lag` months behind."""
        match node:
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return Read(str(value), AMOUNT, value, value, f"{value}.0" if abs(value) < EXACT_DIVISION else "")
            case ast.Constant(value=value):
                raise self.wrong(f"{quoted(value)} is no whole number; take multiples, as in 10 * principal >= 9 * limit")
            case ast.Name(id=name):
                return self.named(name, lag)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self.calculated("-", Read("0", AMOUNT, 0, 0), self.read(inner, lag), ast.unparse(node))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return Read(f"np.logical_not({self.condition(inner, lag)})", CONDITION, 0, 1)
            case ast.BoolOp(op=op, values=values):
                sign = " & " if isinstance(op, ast.And) else " | "
                return Read(f"({sign.join(self.condition(one, lag) for one in values)})", CONDITION, 0, 1)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in CALCULATED:
                large = ast.unparse(left if isinstance(op, ast.FloorDiv) else node)
                return self.calculated(CALCULATED[type(op)], self.read(left, lag), self.read(right, lag), large)
            case ast.Compare(left=left, ops=ops, comparators=others):
                pairs = zip([left, *others], ops, others, strict=False)
                return Read(f"({' & '.join(self.compared(*pair, lag) for pair in pairs)})", CONDITION, 0, 1)
            case ast.Call(func=ast.Name(id="lag"), args=[inner, ast.Constant(value=int() as months)], keywords=[]):
                if lag or isinstance(months, bool) or not 1 <= months <= MOST_LAG:
                    raise self.wrong(f"lag: a field and 1 to {MOST_LAG} months are needed, and no lag within another")
                return self.read(inner, months)
            case ast.Call(func=ast.Name(id="abs"), args=[inner], keywords=[]):
                one = self.of_borrowers(self.read(inner, lag))
                return Read(f"np.abs({one.number})", AMOUNT, 0, one.most)
            case ast.Call(func=ast.Name(id="min" | "max" as name), args=[left, right], keywords=[]):
                a, b = (self.of_borrowers(self.read(one, lag)) for one in (left, right))
                chosen = min if name == "min" else max
                low, high = chosen(a.low, b.low), chosen(a.high, b.high)
                if as_reals(a, b):
                    return Read.rounded(f"np.{name}imum({a.real}, {b.real})", low, high)
                return Read(f"np.{name}imum({a.number}, {b.number})", AMOUNT, low, high)
        raise self.wrong(
            f"{quoted(ast.unparse(node))}: allowed are fields, whole numbers, + - * //, comparisons, and, or, not,"
            " min(a, b), max(a, b), abs(a) and lag(field, months)"
        )

    def named(self, name: str, lag: int) -> Read:
        """A field, what follows from fields, or what a month counts."""
        if name in DERIVED:
            return self.read(ast.parse(DERIVED[name], mode="eval").body, lag)
        if name in FORMULA_FIELDS:
            self.columns.add((name, lag))
            return Read(local((name, lag)), AMOUNT, *ends_of(name))
        if name in COUNTS:
            if lag:
                raise self.wrong(f"lag: {name} is counted by month, and no field of a borrower")
            self.counts.add(name)
            return Read(name, COUNT, 0, 0)
        known = [*FORMULA_FIELDS, *DERIVED, *COUNTS]
        if name in FIELDS:
            raise self.wrong(f"{name} is known only within the month; fields at its end are needed{nearest(name, known)}")
        raise self.wrong(f"unknown field, count or sum {quoted(name)}{nearest(name, known)}")

    def condition(self, node: ast.expr, lag: int) -> str:
        """Code of a condition; BadInput where it is a number."""
        one = self.read(node, lag)
        if one.kind != CONDITION:
            raise self.wrong(f"{quoted(ast.unparse(node))}: a comparison is needed beside and, or, not, as in late >= 1")
        return one.code

    def of_borrowers(self, one: Read) -> Read:
        """BadInput for what is counted by month: there only sums and multiples are sums over borrowers again."""
        if one.kind == COUNT:
            raise self.wrong("counts can be added, and multiplied by numbers or conditions on segment and decile, no more")
        return one

    def calculated(self, sign: str, left: Read, right: Read, large: str) -> Read:
        """A sum, difference, product or quotient; `large` is what would be too large, as it was written."""
        a, b = left.number, right.number
        if COUNT in (left.kind, right.kind):
            if sign == "//" or (sign == "*" and left.kind == right.kind):
                self.of_borrowers(left if left.kind == COUNT else right)
            return Read(f"({a} {sign} {b})", COUNT, 0, 0)
        if sign == "//":
            if left.most >= EXACT_DIVISION:
                raise self.wrong(f"{quoted(large)} can be as large as {left.most:.0e}{DIVIDE}")
            by = right.low if right.low == right.high else 0
            if by > 0:
                return Read.rounded(f"np.floor({left.real} / {by}.0)", left.low // by, left.high // by)
            quotient = f"(np.floor({left.real} / np.maximum({right.real}, 1.0)) * np.float64({b} > 0))"
            return Read.rounded(quotient, min(left.low, 0), max(left.high, 0))
        corners = [
            {"+": x + y, "-": x - y, "*": x * y}[sign] for x in (left.low, left.high) for y in (right.low, right.high)
        ]
        found = Read(f"({a} {sign} {b})", AMOUNT, min(corners), max(corners))
        if found.most >= EXACT:
            raise self.wrong(f"{quoted(large)} can be as large as {found.most:.0e}{DIVIDE}")
        exact = f"({left.real} {sign} {right.real})"
        if found.most < NARROW and as_reals(left, right):
            return Read.rounded(exact, found.low, found.high)
        return found._replace(exact=exact) if found.most < EXACT_DIVISION else found

    def compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr, lag: int) -> str:
        """Code of one comparison; codes go by name."""
        if type(op) not in COMPARED:
            raise self.wrong(f"allowed comparisons are {' '.join(COMPARED.values())}")
        sign = COMPARED[type(op)]
        sides = [left, right]
        for k, (one, other) in enumerate(((left, right), (right, left))):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                sides[k] = ast.Constant(self.code_of(one.value, other))
        a, b = (self.of_borrowers(self.read(one, lag)) for one in sides)
        return f"({a.real} {sign} {b.real})" if as_reals(a, b) else f"({a.number} {sign} {b.number})"

    def code_of(self, word: str, node: ast.expr) -> int:
        """The number of a code's name."""
        inner = node.args[0] if isinstance(node, ast.Call) and node.args else node
        name = inner.id if isinstance(inner, ast.Name) else ""
        if name not in CODES:
            raise self.wrong(f"{quoted(word)} stands beside no field with names; such are {', '.join(FIELDS_WITH_NAMES)}")
        if word not in CODES[name]:
            raise self.wrong(f"{name}: {quoted(word)} is not one of {', '.join(CODES[name])}{nearest(word, CODES[name])}")
        return CODES[name].index(word)


def as_reals(a: Read, b: Read) -> bool:
    """Whether two numbers are better put together as real ones."""
    return (a.divided or b.divided) and max(a.most, b.most) < EXACT_DIVISION


def ends_of(name: str) -> tuple[int, int]:
    """The lowest and the highest that a field can be, as formulas read it."""
    field = FIELDS[name]
    if field.storage == "f4":
        return -REAL[name].most, REAL[name].most
    most = LARGEST[field.storage]
    return (0 if field.storage == "i4" and not field.signed else -most), most


FIELDS_WITH_NAMES = tuple(name for name in CODES if name in FORMULA_FIELDS)
COUNTS = tuple(name for name in monthly_meanings() if name not in (*BY, *FORMULA_FIELDS, *DERIVED))
"""What a month counts, as formulas name it. A field of the same name (out_of_work) goes before."""


@dataclass(frozen=True)
class Part:
    """One sum: over rows, of a code over columns; or over cells of what a month counts."""

    code: str
    columns: frozenset[Column]
    counts: frozenset[str]
    most: int
    counted: bool = False
    """The code is true or false of each row, and what is true is counted;"""
    times: int = 1
    """so many for each."""

    @property
    def alone(self) -> Array:
        """Of a sum over cells: what it is where nothing is counted."""
        return self.at({})

    @property
    def weights(self) -> dict[str, Array]:
        """Of a sum over cells: by how much each count is multiplied in each cell."""
        return {name: self.at({name: np.ones(CELLS, np.int64)}) for name in sorted(self.counts)}

    def at(self, counts: Mapping[str, Array]) -> Array:
        """Its value in each cell, where counts are as given and the others 0."""
        cell, nothing = np.arange(CELLS), np.zeros(CELLS, np.int64)
        known = {"segment": cell // CELLS_PER_SEGMENT, "decile": cell % CELLS_PER_SEGMENT}
        found = eval(self.code, {"np": np, **known, **dict.fromkeys(self.counts, nothing), **counts})
        return np.asarray(found) + nothing


@cache
def parts_of(one: Moment) -> tuple[Part, ...]:
    """The sums that a moment needs: over and under; of a correlation n, a, b, aa, bb, ab."""
    where = Formula(one.where or "1 == 1", f"moment {one.name}: where")
    if where.found.kind != CONDITION:
        raise where.wrong(f"a comparison is needed, as in limit > 0, not {quoted(one.where)}")
    words = ("over", "under") if one.kind == "ratio" else ("correlation", "correlation")
    a, b = (Formula(text, f"moment {one.name}: {word}") for text, word in zip((one.over, one.under), words, strict=True))
    if one.kind != "ratio":
        return parts_of_correlation(a, b, where)
    if a.counts and not b.counts and b.found.code == "1":
        raise b.wrong(f"what {one.over} is to be divided by is needed, as in under='accounts'")
    rows = [formula for formula in (a, b) if not formula.counts]
    columns = set().union(where.columns, *(formula.columns for formula in rows)) if rows else set()
    over, under = (
        over_cells(one, where) if one.counts else over_rows(one.found, columns, where, {*one.columns}) for one in (a, b)
    )
    return over, under


def parts_of_correlation(a: Formula, b: Formula, where: Formula) -> tuple[Part, ...]:
    """n, a, b, aa, bb, ab."""
    for formula in (a, b):
        if formula.counts:
            raise formula.wrong(f"{sorted(formula.counts)[0]} is counted by month, and no field of a borrower")
        if formula.found.most**2 >= EXACT:
            raise formula.wrong(f"{formula.text} can be as large as {formula.found.most:.0e}{DIVIDE}")
    one, other = (formula.found._replace(code=formula.found.number, kind=AMOUNT) for formula in (a, b))
    pairs = [a.calculated("*", x, y, a.text) for x, y in ((one, one), (other, other), (one, other))]
    columns = {*a.columns, *b.columns, *where.columns}
    return tuple(
        over_rows(read, columns, where, {*a.columns, *b.columns}) for read in (Read("1", AMOUNT, 1, 1), one, other, *pairs)
    )


def over_rows(read: Read, columns: set[Column], where: Formula, own: set[Column]) -> Part:
    """The sum of a formula over borrowers who are there (by all `columns` of their moment), where something holds."""
    there, present = presence(columns)
    held = " & ".join([*([where.found.code] if where.columns else []), *there])
    same = read.low if read.low == read.high else None
    if read.kind == CONDITION:
        code = f"{read.code} & {held}"
    elif same is not None:
        code = held
    else:
        code = f"{read.code} & -np.int64({held})"
    used = {column for column in (*own, *where.columns, *present) if re.search(rf"\b{local(column)}\b", code)}
    counted = read.kind == CONDITION or same is not None
    return Part(code, frozenset(used), frozenset(), read.most, counted, 1 if same is None else same)


def over_cells(one: Formula, where: Formula) -> Part:
    """The sum of a formula of what the month counts, over cells."""
    if where.counts:
        raise where.wrong(f"{sorted(where.counts)[0]} is a number of borrowers, and no condition")
    for formula in (one, where):
        for column in sorted(formula.columns):
            if column not in [(name, 0) for name in CELL_FIELDS]:
                raise formula.wrong(
                    f"{local(column)} cannot stand beside {sorted(one.counts)[0]}, which is counted by"
                    f" {' and '.join(CELL_FIELDS)}"
                )
    found = Part(
        f"{one.found.code} * {where.found.code}" if where.columns else one.found.code, frozenset(), frozenset(one.counts), 0
    )
    if found.alone.any():
        raise one.wrong(f"{one.text} adds numbers to what a month counts; counts can be added to counts alone")
    return found


def presence(columns: Iterable[Column]) -> tuple[list[str], set[Column]]:
    """Who counts: codes of the conditions, and the columns that they read."""
    lags = sorted({lag for _, lag in columns} - {0})
    first = ("status", lags[-1] if lags else 0)
    codes = [f"({local(first)} != {int(LEFT)})"]
    codes += [f"(generation == {local(('generation', lag))})" for lag in lags]
    return codes, {first, *([("generation", 0)] if lags else []), *(("generation", lag) for lag in lags)}


# taken month by month


class RowMonths:
    """What is taken of borrowers' columns after each month: of one world, or of worlds whose rows follow each other."""

    def __init__(self, parts: Sequence[Part], starts: Array, *, compiled: bool) -> None:
        columns = sorted(set().union(*(one.columns for one in parts)))
        formulas = [Summed(one.code, one.counted) for one in parts]
        different = list(dict.fromkeys(formulas))
        self.sums = RowSums(different, columns, compiled=compiled)
        self.places = [different.index(one) for one in formulas]
        self.times = np.array([one.times for one in parts], np.int64)
        self.starts = np.asarray(starts, np.int64)
        self.month = 0
        lags: dict[str, int] = {}
        for name, lag in columns:
            lags[name] = max(lag, lags.get(name, 0))
        self.names = tuple(lags)
        self.past = {name: [self.before_the_first(name) for _ in range(lag)] for name, lag in lags.items() if lag}
        """The last months' columns of those that are looked back to, in rings."""

    def before_the_first(self, name: str) -> Array:
        """A column of nobody."""
        return np.full(self.starts[-1], int(LEFT) if name == "status" else 0, DTYPES[FIELDS[name].storage])

    def take(self, raw: Callable[[str], Array], in_parts: Callable[..., list[Array]] | None = None) -> Array:
        """Sums of the month that has just been run, (worlds, parts), from its columns as stored.

        `in_parts` shares worlds among threads (Engine.in_parts).
        """
        now = {name: np.ascontiguousarray(raw(name)) for name in self.names}
        columns = [self.column(now, *one) for one in self.sums.columns]

        def some(first: int, last: int) -> Array:
            return self.sums.of(columns, self.starts[first : last + 1])[:, self.places] * self.times

        found = np.concatenate((in_parts or alone)(some, len(self.starts) - 1, 1))
        for name, ring in self.past.items():
            np.copyto(ring[self.month % len(ring)], now[name])
        self.month += 1
        return found

    def only(self, worlds: Sequence[int]) -> RowMonths:
        """The same for some of the worlds, whose rows follow each other from now on."""
        some = copy(self)
        rows = np.concatenate([np.arange(*self.starts[number : number + 2]) for number in worlds])
        some.starts = np.concatenate([[0], np.cumsum(np.diff(self.starts)[worlds])])
        some.past = {name: [column[rows] for column in ring] for name, ring in self.past.items()}
        return some

    def column(self, now: Mapping[str, Array], name: str, lag: int) -> Array:
        """A column of this month, or of one before."""
        return self.past[name][(self.month - lag) % len(self.past[name])] if lag else now[name]

    @property
    def bytes_a_borrower(self) -> int:
        """Memory of the columns kept for looking back."""
        return sum(BYTES[FIELDS[name].storage] * len(ring) for name, ring in self.past.items())


def alone(work: Callable[[int, int], Array], length: int, least: int) -> list[Array]:
    """All of the work at once, by nobody else."""
    return [work(0, length)]


def value_of(one: Moment, sums: Sequence[Array]) -> Array:
    """A moment's values from its parts' sums; not a number where there is nothing to divide by."""
    if one.kind == "ratio":
        return divided(*sums)
    return np.array([pearson(*map(int, some)) for some in zip(*sums, strict=True)], np.float64)


def pearson(n: int, a: int, b: int, aa: int, bb: int, ab: int) -> float:
    """Pearson's correlation from whole sums; not a number where one side does not vary."""
    left, right = n * aa - a * a, n * bb - b * b
    return (n * ab - a * b) / math.sqrt(left) / math.sqrt(right) if left > 0 and right > 0 else math.nan
