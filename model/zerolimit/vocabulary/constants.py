"""Numbers of the model that are no parameters: conventions, definitions and limits of storage, each declared once.

What a study might move is a parameter (parameters/). A rule has no number of its own but 0 and 1
(tests/test_constants.py).
"""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class About:
    """Unit, meaning and source of a constant: a row of docs/facts.md, assumption, definition, storage or arithmetic."""

    unit: str
    says: str
    source: str = "definition"


ONE_YUAN: Annotated[float, About("fen", "1 yuan; the least amount by which a rule divides")] = 100.0
MONTHS_A_YEAR: Annotated[float, About("months", "a year")] = 12.0
DAYS_A_YEAR: Annotated[float, About("days", "a year")] = 365.0

SCORE_LOW: Annotated[float, About("points", "lowest score, risk and general", "facts E3")] = 350.0
SCORE_HIGH: Annotated[float, About("points", "highest score, risk and general", "facts E3")] = 950.0
SCORE_SPAN: Annotated[float, About("points", "from the lowest score to the highest")] = SCORE_HIGH - SCORE_LOW
SCORE_GOOD: Annotated[float, About("points", "general score from which a borrower counts as good", "facts E4")] = 600.0
SIGNAL_MOST: Annotated[float, About("points", "largest signal in the risk score, up or down", "assumption")] = 300.0
ADULT: Annotated[float, About("years", "age of majority")] = 18.0

INCOME_LEAST: Annotated[float, About("fen a month", "lowest mean or recorded income", "assumption")] = 10_000.0
INCOME_MOST: Annotated[float, About("fen a month", "highest mean or recorded income", "assumption")] = 50_000_000.0

SHORT_TERM: Annotated[float, About("months", "term of a share term_3 of loans")] = 3.0
MEDIUM_TERM: Annotated[float, About("months", "term of a share term_6 of loans")] = 6.0
LONG_TERM: Annotated[float, About("months", "term of all other loans; length of the schedule", "facts C26")] = 12.0
ESTABLISHED: Annotated[float, About("months", "shortest tenure at the start; 1 is an applicant's")] = 2.0
MOST_OVERDUE: Annotated[float, About("instalments", "most that are overdue at the start", "assumption")] = 6.0
TWO_MONTHS: Annotated[float, About("months", "past due: the band of cure_2, step_2 and hold_2")] = 2.0
TWO_PARTS: Annotated[float, About("parts", "of arrears, paid with probability step_2 or step_3")] = 2.0

NO_CAP: Annotated[float, About("fen", "a line that nothing bounds")] = 2.0e9
NEVER: Annotated[float, About("any", "a threshold that nothing reaches")] = 1.0e9
NO_CAMPAIGN: Annotated[float, About("points", "a place in a campaign's order that nothing reaches")] = -NEVER

WON_FIRST: Annotated[float, About("points", "of rank, by which an appeal won goes before all others")] = 10_000.0
TARGET_FIRST: Annotated[float, About("points", "of rank, for a segment that fits the target: more than any score")] = 1_000.0

CUT_BELOW: Annotated[float, About("share", "of the line before: a line below it counts as cut")] = 0.95
HALVED_AT: Annotated[float, About("share", "of the line before: a line at it or below counts as cut by half")] = 0.5
FREED_BELOW: Annotated[float, About("share", "of what repayment should free: less than it counts as not restored")] = 0.9

LARGEST: Annotated[float, About("fen", "amounts stay within it: more is consumed or refused", "storage")] = 1.9e9
SHARE_MOST: Annotated[float, About("share", "largest share or rate in a column of kind q2", "storage")] = 1.9
MONTHS_MOST: Annotated[float, About("months", "up to which a column of kind i1 counts", "storage")] = 120.0
SPELL_MOST: Annotated[float, About("months", "up to which a spell without a line counts (i2)", "storage")] = 32_000.0
TENURE_MOST: Annotated[float, About("months", "up to which tenure counts (i2)", "storage")] = 30_000.0
ZEROS_MOST: Annotated[float, About("count", "up to which a borrower's zero limits count (i1)", "storage")] = 100.0

HALF: Annotated[
    float, About("1", "1/2 + u and e^(s z - s^2 / 2) have mean 1; floor(x + 1/2) forgives rounding", "arithmetic")
] = 0.5
DOUBLE: Annotated[float, About("1", "2 u has mean 1, u uniform", "arithmetic")] = 2.0
FIVEFOLD: Annotated[float, About("1", "5 u^4 has mean 1, u uniform", "arithmetic")] = 5.0
NEARLY_ONE: Annotated[float, About("1", "floor(x + 0.999) rounds points up, to thousandths", "arithmetic")] = 0.999
EXPONENT_MOST: Annotated[float, About("1", "largest |x| of which `exponential` is exact", "arithmetic")] = 8.0

CONSTANTS: dict[str, tuple[float, About]] = {
    name: (globals()[name], about)
    for name, annotation in __annotations__.items()
    for about in getattr(annotation, "__metadata__", ())
}
"""Name -> value and meaning, in the order of declaration."""
