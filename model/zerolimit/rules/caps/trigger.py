"""Cap 5: frequent small loans."""

from zerolimit.basics.wording import distinguished, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.vocabulary.constants import NEVER, NO_CAP


def loans_to_trigger(frequency, terms):
    """loans a month below the trigger"""
    return terms.trigger_frequency - frequency


def numbers(d):
    often, most = distinguished(d.values["frequency"], d.terms["trigger_frequency"], 2)
    size, small = distinguished(100.0 * d.values["loan_size"], 100.0 * d.terms["trigger_size"])
    return say(
        "{often} loans a month, trigger above {most}; of {size} % of a month's recorded income, small below {small} %",
        often=often,
        most=most,
        size=size,
        small=small,
    )


def thresholds(d):
    if d.terms["trigger_frequency"] < NEVER:
        often, most = d.values["frequency"], d.terms["trigger_frequency"]
        yield Compared("loans a month, at most", "loans a month", often, most, above=False)
        size, least = d.values["loan_size"], d.terms["trigger_size"]
        yield Compared("or loan size, share of income, at least", "share of income", size, least)


@cap(
    number=5,
    mechanism="trigger",
    says="frequent small loans",
    short="small loans",
    colour="blue",
    lifted_by_appeal=True,
    forgotten=("frequency",),
    numbers=numbers,
    thresholds=thresholds,
    distance=loans_to_trigger,
)
def trigger(base_line, frequency, loan_size, terms):
    """trigger_keep x formula line where frequency > trigger_frequency and loan_size < trigger_size."""
    frequent = frequency > terms.trigger_frequency and loan_size < terms.trigger_size
    return terms.trigger_keep * base_line if frequent else NO_CAP
