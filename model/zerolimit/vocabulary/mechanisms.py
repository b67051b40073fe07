"""The mechanisms, and whoever else can be a player in an attribution: each declared once.

Whatever switches them off, groups, explains or colours them reads it here.
"""

from dataclasses import dataclass, field
from typing import Any

from zerolimit.basics.errors import BadInput, by_name, nearest
from zerolimit.vocabulary.constants import NEVER, NO_CAP

BASELINE = "baseline"
"""What belongs to no mechanism belongs to the baseline."""
ALL = "all"
BUT = "all but "


@dataclass(frozen=True, slots=True)
class Mechanism:
    """What can be switched off. Parameters, caps and calendar items name theirs."""

    name: str
    says: str
    without: dict[str, float]
    """The terms that rules see while it is off."""
    group: str
    """Those of one group belong together in Owen values."""
    colour: str
    """A colour of results.figures.PALETTE, like the reasons that belong to it where there are any."""


MECHANISMS: dict[str, Mechanism] = by_name(
    "mechanism",
    (
        Mechanism(
            "rescoring",
            "Scores are updated every month; off: decisions see first scores.",
            {"rescoring": 0.0},
            group="scorecard",
            colour="green",
        ),
        Mechanism(
            "trigger",
            "Frequent small loans, idle lines and early repayment lead to cuts.",
            {"trigger_frequency": NEVER, "trigger_idle": NEVER, "trigger_early": NEVER},
            group="scorecard",
            colour="blue",
        ),
        Mechanism(
            "positioning",
            "Those away from the target customer get lower lines.",
            {"position_slope": 0.0, "position_tolerance": NEVER, "target_weight": 0.0},
            group="portfolio",
            colour="purple",
        ),
        Mechanism(
            "tightening",
            "News, losses and rules scale lines down and raise the cutoff.",
            {"tightness": 0.0, "cutoff_shift": 0.0, "person_cap": NO_CAP, "person_cap_income": NEVER},
            group="cycle",
            colour="red",
        ),
        Mechanism(
            "scarcity",
            "The pool is limited; off: pool and cash are unlimited.",
            {},
            group="portfolio",
            colour="orange",
        ),
        Mechanism(
            "contagion",
            "Acquaintances' zero limits lower trust.",
            {"neighbour_weight": 0.0},
            group="network",
            colour="sky",
        ),
    ),
)
"""In the order of players. Without scarcity the platform's phases see a pool and cash without end."""


@dataclass(frozen=True, slots=True)
class Player:
    """Who else can be a player: a remedy, or a habit of borrowers. Each is alone in its group."""

    name: str
    kind: str
    without: dict[str, Any] = field(default_factory=dict)
    """The parameters that take it out."""
    held: tuple[str, ...] = ()
    """Columns held at the median of the segment when the common past ends."""


PLAYERS: dict[str, Player] = by_name(
    "player",
    (
        *(Player(name, "mechanism") for name in MECHANISMS),
        Player("fear", "habits, fear", {"fear_gain": 0.0, "notice_rush": 0.0}),
        Player("habits", "habits, fear", held=("frequency", "propensity")),
        Player("reasons", "policy", {"reasons_sent": False}),
        Player("warning", "policy", {"early_warning": False}),
        Player("notice", "policy", {"notice_months": 0}),
        Player("adaptation", "policy", {"adaptation_months": 0}),
        Player("appeals", "policy", {"appeals_capacity": 0.0}),
    ),
)
"""Mechanisms go by `off`, the others by parameters or by columns held."""


def groups() -> tuple[tuple[str, ...], ...]:
    """The mechanisms that belong together, in the order of each group's first."""
    found: dict[str, list[str]] = {}
    for one in MECHANISMS.values():
        found.setdefault(one.group, []).append(one.name)
    return tuple(map(tuple, found.values()))


def switched_off_pattern() -> str:
    """What `switched_off_by` takes, as a regular expression."""
    one = f"({'|'.join(MECHANISMS)})"
    return f"^({ALL}|{one}|{BUT}{one}( *, *{one})*)$"


def switched_off_by(text: str) -> tuple[str, ...]:
    """The mechanisms that a text switches off: `all`, `all but scarcity, contagion`, or the name of one."""
    if text == ALL:
        return tuple(MECHANISMS)
    if not text.startswith(BUT):
        return (text,)
    kept = [name.strip() for name in text.removeprefix(BUT).split(",")]
    for name in kept:
        if name not in MECHANISMS:
            raise BadInput(f"off: {name!r} is none of {', '.join(MECHANISMS)}{nearest(name, MECHANISMS)}")
    return tuple(name for name in MECHANISMS if name not in kept)
