"""Cap 2: the cutoff of the risk score, and of the general score for who is to be admitted."""

from types import SimpleNamespace

from zerolimit.basics.wording import distinguished, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.rules.formula import risk_counted
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.mechanisms import BASELINE
from zerolimit.vocabulary.names import REAPPLY


def points_to_cutoff(risk_counted, terms):
    """points of risk score above the cutoff in force"""
    return risk_counted - terms.cutoff - terms.cutoff_shift


def score_of(d):
    """The risk score that the decision counted."""
    values = d.values
    return risk_counted(values["risk"], values["late"], values["punctuality"], SimpleNamespace(**d.terms))


def gap_of(d):
    """Points that who comes back needs above the cutoff."""
    return d.terms["readmission_gap"] if d.values["review"] == REAPPLY else 0.0


def score_in_words(d, shift):
    """The score and what is needed, with the parts that this adds up from."""
    cutoff, gap = d.terms["cutoff"], gap_of(d)
    score, least = distinguished(score_of(d), cutoff + gap + shift)
    parts = f"{cutoff:.0f}"
    parts = say("{sum} + {gap} for re-applications", sum=parts, gap=f"{gap:.0f}") if gap else parts
    parts = say("{sum} + {shift} for tightening", sum=parts, shift=f"{shift:.1f}") if shift else parts
    if gap or shift:
        return say("score {score}, {least} needed: {sum}", score=score, least=least, sum=parts)
    return say("score {score}, {least} needed", score=score, least=least)


def numbers(d):
    if score_of(d) < d.terms["cutoff"] + gap_of(d):
        return score_in_words(d, 0.0)
    score, least = distinguished(d.values["zhima_seen"], d.terms["admission_zhima"])
    return say("general score {score}, {least} needed to be admitted", score=score, least=least)


def thresholds(d):
    yield Compared("score", "points", score_of(d), d.terms["cutoff"] + gap_of(d))
    if d.values["review"] >= REAPPLY:
        yield Compared("general score, to be admitted", "points", d.values["zhima_seen"], d.terms["admission_zhima"])


@cap(
    number=2,
    mechanism=BASELINE,
    says="risk score below the cutoff",
    short="cutoff",
    colour="sky",
    numbers=numbers,
    thresholds=thresholds,
    distance=points_to_cutoff,
)
def cutoff(score_needed, risk_counted, zhima_seen, review, terms):
    """0 where risk < cutoff (+ readmission_gap), or where zhima < admission_zhima for who is to be admitted."""
    below = risk_counted < score_needed or (review >= REAPPLY and zhima_seen < terms.admission_zhima)
    return 0.0 if below else NO_CAP
