"""Cap 6: a line not used for long."""

from zerolimit.basics.wording import in_yuan, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.vocabulary.constants import NEVER, NO_CAP
from zerolimit.vocabulary.names import OPEN


def numbers(d):
    idle, most = f"{d.values['idle']:.0f}", f"{d.terms['trigger_idle']:.0f}"
    return say("{idle} months, trigger at {most}; {line} kept", idle=idle, most=most, line=in_yuan(d.line))


def thresholds(d):
    if d.terms["trigger_idle"] < NEVER:
        yield Compared("months without use, below", "months", d.values["idle"], d.terms["trigger_idle"], above=False)


@cap(
    number=6,
    mechanism="trigger",
    says="line not used for long",
    short="idle line",
    colour="blue",
    hatch="///",
    lifted_by_appeal=True,
    forgotten=("idle",),
    numbers=numbers,
    thresholds=thresholds,
)
def idle(base_line, status, idle, terms):
    """idle_keep x formula line where an open line's idle >= trigger_idle; who has no line to use is not held to it."""
    return terms.idle_keep * base_line if status == OPEN and idle >= terms.trigger_idle else NO_CAP
