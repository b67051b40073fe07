"""Cap 1: what recorded income supports, and the floor below which there is no line."""

from zerolimit.basics.wording import in_yuan, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.vocabulary.mechanisms import BASELINE


def numbers(d):
    income, floor = d.values["income_seen"], d.terms["income_floor"]
    if income < floor:
        return say("recorded {income} a month, floor {floor}", income=in_yuan(income), floor=in_yuan(floor))
    return say("recorded {income} a month, enough for a line of {line}", income=in_yuan(income), line=in_yuan(d.line))


def thresholds(d):
    yield Compared("recorded income a month", "fen", d.values["income_seen"], d.terms["income_floor"])


@cap(
    number=1,
    mechanism=BASELINE,
    says="recorded income supports no higher line",
    short="income",
    colour="grey",
    numbers=numbers,
    thresholds=thresholds,
)
def income(line_by_income, income_seen, terms):
    """The income line; 0 where recorded income is below income_floor."""
    return line_by_income if income_seen >= terms.income_floor else 0.0
