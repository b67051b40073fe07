"""Cap 7: loans often repaid early."""

from zerolimit.basics.wording import distinguished, in_yuan, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.vocabulary.constants import NEVER, NO_CAP


def numbers(d):
    often, most = distinguished(100.0 * d.values["early"], 100.0 * d.terms["trigger_early"])
    return say("{often} % of loans, trigger above {most} %; {line} kept", often=often, most=most, line=in_yuan(d.line))


def thresholds(d):
    if d.terms["trigger_early"] < NEVER:
        yield Compared("loans repaid early, at most", "share", d.values["early"], d.terms["trigger_early"], above=False)


@cap(
    number=7,
    mechanism="trigger",
    says="loans often repaid early",
    short="early repayment",
    colour="blue",
    hatch="...",
    lifted_by_appeal=True,
    forgotten=("early",),
    numbers=numbers,
    thresholds=thresholds,
)
def early(base_line, early, terms):
    """early_keep x formula line where early > trigger_early."""
    return terms.early_keep * base_line if early > terms.trigger_early else NO_CAP
