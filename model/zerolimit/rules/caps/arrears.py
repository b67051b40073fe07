"""Cap 3: a payment is past due."""

from zerolimit.basics.wording import in_yuan, number_of, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.mechanisms import BASELINE


def numbers(d):
    late, terms = d.values["late"], d.terms
    if terms["arrears_steps"] and terms["arrears_freeze"] <= late < terms["arrears_close"]:
        return say("{months} late: nothing can be drawn", months=number_of(int(late), "month"))
    return say("{months} late: no more than {line}", months=number_of(int(late), "month"), line=in_yuan(d.line))


def thresholds(d):
    yield Compared("months past due", "months", d.values["late"], 0.0, above=False)


@cap(
    number=3,
    mechanism=BASELINE,
    says="a payment is past due",
    short="arrears",
    colour="grey",
    hatch="///",
    numbers=numbers,
    thresholds=thresholds,
)
def arrears(late, limit, balance, terms):
    """The balance where one month late, 0 where more.

    With arrears_steps 0 from arrears_close months past due on; before that the line, less arrears_trim of its undrawn part
    while below arrears_freeze, from which on nothing of it can be drawn.
    """
    taken = terms.arrears_trim * max(0.0, limit - balance) if late < terms.arrears_freeze else 0.0
    in_steps = limit - taken if late < terms.arrears_close else 0.0
    at_once = balance if late == 1.0 else 0.0
    return NO_CAP if late == 0.0 else (in_steps if terms.arrears_steps > 0.0 else at_once)
