"""Sentences, and the numbers and names in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from math import floor, isfinite

FEN = 100
"""Fen in a yuan: amounts are whole fen everywhere, and yuan where a person reads them."""


class Phrase(str):
    """A sentence in English that knows its template and what stands in its places: another language can say it too."""

    says: str
    places: Mapping[str, str]

    def __new__(cls, text: str, says: str = "", places: Mapping[str, str] | None = None) -> Phrase:
        phrase = super().__new__(cls, text)
        phrase.says, phrase.places = says or text, places or {}
        return phrase


def say(template: str, /, **places: str) -> Phrase:
    """`say("{n} owed", n="12 yuan")`; phrases may stand in places."""
    return Phrase(template.format(**places), template, places)


def listed(parts: Iterable[str], between: str) -> str:
    """Parts one behind the other; those that are empty are left out."""
    some = [part for part in parts if part]
    return reduce(lambda so_far, more: say(f"{{some}}{between}{{more}}", some=so_far, more=more), some) if some else ""


def sentence(parts: Iterable[str]) -> str:
    """Parts between commas, with a capital and a full stop; nothing where there are none."""
    text = listed(parts, ", ")
    return Phrase(f"{text[:1].upper()}{text[1:]}.", "{some}.", {"some": text}) if text else ""


def number_of(number: int, noun: str) -> Phrase:
    """`1 month`, `36 months`, `30,000 borrowers`, `18 entries`."""
    many = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return say(f"{{n}} {noun if number == 1 else many}", n=f"{number:,}")


def adding_up(parts: Iterable[float], digits: int) -> list[float]:
    """Parts rounded so that they add up to their rounded sum: down, then up where the remainders are largest."""
    scaled = [part * 10**digits for part in parts]
    down = [floor(round(one, 6)) for one in scaled]
    order = sorted(range(len(scaled)), key=lambda k: down[k] - scaled[k])
    for k in order[: round(sum(scaled)) - sum(down)]:
        down[k] += 1
    return [one / 10**digits for one in down]


def amount(fen: float) -> str:
    """Yuan as `1,234`; with the fen where it is less than ten yuan."""
    small = abs(fen) < 10 * FEN and fen % FEN != 0.0
    return f"{fen / FEN:,.2f}" if small else f"{fen / FEN:,.0f}"


def in_yuan(fen: float) -> Phrase:
    """`1,234 yuan`."""
    return say("{n} yuan", n=amount(fen))


def in_percent(share: float) -> Phrase:
    """`31 %`."""
    return say("{n} %", n=f"{100.0 * share:.0f}")


def three_digits(value: float) -> str:
    """`0.0124`, `12.4`, `12,400`: three digits, thousands whole; nothing where there is no number, or no end."""
    if not isfinite(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def distinguished(value: float, threshold: float, digits: int = 0) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart, four more at most."""
    for more in range(digits, digits + 5):
        one, other = f"{value:,.{more}f}", f"{threshold:,.{more}f}"
        if one != other or value == threshold:
            break
    return one, other


def shown(names: Iterable[str], most: int = 8) -> str:
    """Some names, and how many more there are."""
    every = list(names)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
