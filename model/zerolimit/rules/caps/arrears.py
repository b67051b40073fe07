"""Cap 3: a payment is past due."""

from zerolimit.basics.wording import in_yuan, number_of, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.mechanisms import BASELINE


def numbers(d):
    return say("{months} late: no more than {line}", months=number_of(int(d.values["late"]), "month"), line=in_yuan(d.line))


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
def arrears(late, balance):
    """The balance where one month late, 0 where more."""
    return NO_CAP if late == 0.0 else (balance if late == 1.0 else 0.0)
