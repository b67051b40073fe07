"""Cap 13: a closed account asks again before the bar of the closure's reason has passed."""

from zerolimit.basics.wording import number_of, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.mechanisms import BASELINE


def numbers(d):
    return say("readmitted in {months} at the earliest", months=number_of(int(d.values["barred"]), "month"))


def thresholds(d):
    if d.values["barred"] > 0.0:
        yield Compared("months until readmission", "months", d.values["barred"], 0.0, above=False)


@cap(
    number=13,
    mechanism=BASELINE,
    says="closed too recently to be readmitted",
    short="bar",
    colour="black",
    hatch="///",
    numbers=numbers,
    thresholds=thresholds,
)
def barred(barred):
    """0 where a re-application comes before the bar of the closure's reason has passed."""
    return 0.0 if barred > 0.0 else NO_CAP
