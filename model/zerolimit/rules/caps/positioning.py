"""Cap 8: away from the target customer."""

from zerolimit.basics.wording import distinguished, in_yuan, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.rules.rule import clip, helper
from zerolimit.vocabulary.constants import NEVER, NO_CAP


@helper
def position_factor(distance, terms):
    """Share of the line left by positioning: 1 up to the tolerance, then falling by position_slope."""
    return clip(1.0 - terms.position_slope * max(0.0, distance - terms.position_tolerance), 0.0, 1.0)


def distance_to_tolerance(distance, terms):
    """share; tolerance less distance from the target customer"""
    return terms.position_tolerance - distance


def numbers(d):
    away, tolerated = distinguished(d.values["distance"], d.terms["position_tolerance"], 2)
    return say("distance {away}, tolerated {tolerated}: {line} kept", away=away, tolerated=tolerated, line=in_yuan(d.line))


def thresholds(d):
    if d.terms["position_tolerance"] < NEVER:
        away, tolerated = d.values["distance"], d.terms["position_tolerance"]
        yield Compared("distance from target customer", "distance", away, tolerated, above=False)


@cap(
    number=8,
    mechanism="positioning",
    says="away from the target customer",
    short="positioning",
    colour="purple",
    numbers=numbers,
    thresholds=thresholds,
    distance=distance_to_tolerance,
)
def positioning(base_line, distance, terms):
    """Formula line x (1 - position_slope (distance - position_tolerance)) where distance > position_tolerance."""
    return base_line * position_factor(distance, terms) if distance > terms.position_tolerance else NO_CAP
