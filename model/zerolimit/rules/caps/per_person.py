"""Cap 11: a legal ceiling per person (facts C10)."""

from zerolimit.basics.wording import in_yuan, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.vocabulary.constants import MONTHS_A_YEAR, NO_CAP
from zerolimit.vocabulary.names import END_LOOSENING


def numbers(d):
    return say("no more than {line}", line=in_yuan(d.line))


def thresholds(d):
    if d.line < NO_CAP:
        yield Compared("ceiling per person", "fen", d.line, d.usable)


@cap(
    number=11,
    mechanism="tightening",
    says="legal ceiling per person",
    short="personal ceiling",
    colour="black",
    ends_as=END_LOOSENING,
    numbers=numbers,
    thresholds=thresholds,
)
def per_person(income_seen, terms):
    """The lower of person_cap and person_cap_income annual incomes."""
    return min(terms.person_cap, terms.person_cap_income * MONTHS_A_YEAR * income_seen)
