"""Cap 10: the cutoff raised while the platform tightens."""

from zerolimit.rules.cap import Compared, cap
from zerolimit.rules.caps.cutoff import gap_of, score_in_words, score_of
from zerolimit.vocabulary.constants import NO_CAP
from zerolimit.vocabulary.names import END_LOOSENING


def numbers(d):
    return score_in_words(d, d.terms["cutoff_shift"])


def thresholds(d):
    if d.terms["cutoff_shift"] > 0.0:
        needed = d.terms["cutoff"] + gap_of(d) + d.terms["cutoff_shift"]
        yield Compared("score, cutoff raised", "points", score_of(d), needed)


@cap(
    number=10,
    mechanism="tightening",
    says="cutoff raised",
    short="raised cutoff",
    colour="red",
    ends_as=END_LOOSENING,
    numbers=numbers,
    thresholds=thresholds,
)
def cutoff_shift(score_needed, risk_counted, terms):
    """0 where risk < cutoff (+ readmission_gap) + cutoff_shift, while cutoff_shift > 0."""
    shifted = risk_counted < score_needed + terms.cutoff_shift
    return 0.0 if shifted and terms.cutoff_shift > 0.0 else NO_CAP
