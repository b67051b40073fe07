"""Cap 4: what the risk score supports."""

from zerolimit.basics.wording import in_yuan, say
from zerolimit.rules.cap import Compared, cap
from zerolimit.rules.caps.cutoff import score_of


def numbers(d):
    return say("score {score}: enough for a line of {line}", score=f"{score_of(d):.0f}", line=in_yuan(d.line))


def thresholds(d):
    yield Compared("line that the score supports", "fen", d.line, d.usable)


@cap(
    number=4,
    mechanism="rescoring",
    says="risk score supports no higher line",
    short="score",
    colour="yellow",
    numbers=numbers,
    thresholds=thresholds,
)
def score(line_by_score):
    """The score line."""
    return line_by_score
