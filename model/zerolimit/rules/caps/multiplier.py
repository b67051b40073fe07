"""Cap 9: all lines scaled down while the platform tightens."""

from zerolimit.basics.wording import in_percent, in_yuan, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.rules.rule import clip, helper
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.names import END_LOOSENING


@helper
def tight_factor(reached, terms):
    """Share of the line left by tightening: 1 - multiplier_gain x tightness (x calendar_tightness, where no campaign
    reaches the line)."""
    share = 1.0 if reached > 0.0 else terms.calendar_tightness
    return clip(1.0 - terms.multiplier_gain * terms.tightness * share, 0.0, 1.0)


def numbers(d):
    share = 1.0 if d.values["reached"] else d.terms["calendar_tightness"]
    taken = in_percent(d.terms["multiplier_gain"] * d.terms["tightness"] * share)
    tight = f"{d.terms['tightness']:.2f}"
    return say("tightness {tight} takes {taken}: {line} kept", tight=tight, taken=taken, line=in_yuan(d.line))


def thresholds(d):
    if d.terms["tightness"] > 0.0:
        yield Compared("line that tightening leaves", "fen", d.line, d.usable)


@cap(
    number=9,
    mechanism="tightening",
    says="all lines scaled down",
    short="scaled down",
    colour="green",
    ends_as=END_LOOSENING,
    numbers=numbers,
    thresholds=thresholds,
)
def multiplier(base_line, reached, terms):
    """Formula line x (1 - multiplier_gain x tightness) where tightness > 0.

    Where no campaign reaches a line, calendar_tightness of the tightness counts.
    """
    return base_line * tight_factor(reached, terms) if terms.tightness > 0.0 else NO_CAP
