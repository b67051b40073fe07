"""What makes a plain function a cap: one named upper bound on a line. Its file in rules/caps/ holds all of it.

    @cap(number=13, mechanism="positioning", says="too many lines in one sector", short="sector", ...)
    def sector(base_line, sector, terms):
        return terms.sector_keep * base_line if sector == terms.sector_full else NO_CAP

A cap reads a borrower's fields, `terms` and what rules/formula.py derives (`base_line`, `balance`, ...), and gives fen:
NO_CAP where it does not apply. From the table that rules/caps/ collects, rules/unrolled.py writes out the decision.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from zerolimit.basics.errors import BadDeclaration, nearest, quoted, refuse_unknown
from zerolimit.basics.wording import Phrase
from zerolimit.rules.formula import DERIVED
from zerolimit.rules.rule import contract, helper
from zerolimit.vocabulary.fields import FIELDS
from zerolimit.vocabulary.mechanisms import BASELINE, MECHANISMS
from zerolimit.vocabulary.names import END_SCORE, ENDS

MOST_CAPS = 30
"""Bits of a mask, which an i4 column holds."""
RETIRED: dict[int, str] = {}
"""Numbers of caps that are no more, with their names: they are never given again, so stored runs keep their meaning."""
DECISION, ALLOCATION = "decision", "allocation"
"""Who sets a cap: policy, when it decides the line; the platform, when it shares the pool."""

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a cap; it becomes one of the scenario's."""

    name: str
    default: float
    unit: str
    low: float
    high: float
    says: str
    source: str = "assumption"
    off: float | None = None
    """What rules see while the cap's mechanism is off, if it is another."""


@dataclass(frozen=True)
class Decided:
    """A decision as a cap's words see it: the borrower's numbers, the month's terms (rule units), and the line."""

    values: Numbers
    terms: Numbers
    line: float
    """The line (fen) that this cap alone leaves; NO_CAP or more where it sets none."""
    usable: float = 0.0
    """The smallest line (fen) that is of use after the decision."""
    level: float = 0.0
    """Where the pool's rule ended (allocation.rules.allocate)."""


@dataclass(frozen=True)
class Compared:
    """A borrower's number and the threshold that it is compared with."""

    says: str
    unit: str
    own: float
    threshold: float
    above: bool = True
    """Whether at the threshold and above is the good side, or at the threshold and below."""

    @property
    def distance(self) -> float:
        """How far on the good side; below 0: how far short."""
        return self.own - self.threshold if self.above else self.threshold - self.own


@dataclass(frozen=True)
class Cap:
    """One named upper bound on a line; the lowest is the reason for a cut. Called like the plain function that it is."""

    name: str
    number: int
    place: float
    mechanism: str
    says: str
    short: str
    ends_as: float
    colour: str
    hatch: str
    lifted_by_appeal: bool
    forgotten: tuple[str, ...]
    set_by: str
    numbers: Callable[[Decided], Phrase]
    thresholds: Callable[[Decided], Iterable[Compared]]
    distance: Callable[..., Any] | None
    parameters: tuple[Parameter, ...]
    function: Callable[..., Any]
    reads: tuple[str, ...]
    terms: tuple[str, ...]

    def __call__(self, *values: Any) -> Any:
        return self.function(*values)

    @property
    def code(self) -> float:
        """What a stored reason says."""
        return float(self.number)

    @property
    def bit(self) -> float:
        """Its bit in a mask."""
        return float(2 ** (self.number - 1))


def cap(
    *,
    number: int,
    mechanism: str,
    says: str,
    short: str,
    colour: str,
    numbers: Callable[[Decided], Phrase],
    thresholds: Callable[[Decided], Iterable[Compared]],
    hatch: str = "",
    ends_as: float = END_SCORE,
    lifted_by_appeal: bool = False,
    forgotten: tuple[str, ...] = (),
    distance: Callable[..., Any] | None = None,
    parameters: tuple[Parameter, ...] = (),
    place: float | None = None,
    set_by: str = DECISION,
) -> Callable[[Callable[..., Any]], Cap]:
    """Declare a cap above its function, which gives fen. All that the model knows of it stands here.

    `number` is its code and bit for ever: the next that is free. Of caps that are alike low the one with the lowest `place`
    is the reason (its number, unless said). `says` is the reason in words, `short` a legend's. `colour` is one of the
    palette's, `hatch` tells caps of one colour apart. With `lifted_by_appeal` an appeal leaves it out, and where it is won
    the memories in `forgotten` begin anew. `ends_as` is how an episode ends when the line comes back after this reason.
    `distance` measures how far a borrower is from it: a function like the cap's own, its docstring unit and meaning.
    """

    def register(function: Callable[..., Any]) -> Cap:
        reads, terms = contract(function, "cap")
        name = function.__name__
        where = f"cap {name}"
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST_CAPS:
            raise BadDeclaration(f"{where}: its number is a whole one from 1 to {MOST_CAPS}, not {quoted(number)}")
        refuse_unknown(where, "mechanism", mechanism, (*MECHANISMS, BASELINE))
        for field in forgotten:
            refuse_unknown(where, "field", field, FIELDS)
        measured = [] if distance is None else [distance]
        for one in (function, *measured):
            for read in contract(one, "cap")[0]:
                refuse_unknown(where, "field", read, (*FIELDS, *DERIVED, "terms"))
        if ends_as not in map(float, range(1, len(ENDS))):
            raise BadDeclaration(f"{where}: ends_as is none of vocabulary.names.END_..., but {quoted(ends_as)}")
        if set_by not in (DECISION, ALLOCATION):
            raise BadDeclaration(
                f"{where}: set_by: {quoted(set_by)} is none of {DECISION}, {ALLOCATION}"
                f"{nearest(set_by, (DECISION, ALLOCATION))}"
            )
        for one in (function, *measured):
            helper(one)
        return Cap(
            name,
            number,
            float(number) if place is None else float(place),
            mechanism,
            says,
            short,
            float(ends_as),
            colour,
            hatch,
            lifted_by_appeal,
            tuple(forgotten),
            set_by,
            numbers,
            thresholds,
            distance,
            tuple(parameters),
            function,
            reads,
            tuple(sorted({*terms, *(term for one in measured for term in contract(one, "cap")[1])})),
        )

    return register
