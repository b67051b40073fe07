"""Numbers as people and spreadsheets write them: separators, currency signs, brackets, 万, full-width digits, months.

A column that Arrow reads as numbers never comes here. Of the others, each different text is looked at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolimit.portfolio.columns import DAYS, MONTHS, YEARS
from zerolimit.portfolio.options import how

Array = NDArray[Any]

PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
"""A number as computers write it."""
NO_NUMBER = re.compile(r"[-+]?(nan|inf(inity)?)", re.IGNORECASE)
SIGNS = re.compile(r"\b(NT|US)\$|[$€£¥]|\b(RMB|CNY|USD|EUR|yuan)\b|(?<=\d)(CNY|RMB|yuan)$|[元块]整?$", re.IGNORECASE)
TIMES = {"万": 1e4, "千": 1e3, "亿": 1e8}
WORDS = {
    MONTHS: ("months", "month", "mths", "mth", "mos", "mo", "个月", "月", "期"),
    YEARS: ("years", "year", "yrs", "yr", "年", "岁"),
    DAYS: ("days", "day", "天", "日"),
}
"""Units behind a number."""
UNIT = {word: unit for unit, words in WORDS.items() for word in words}
BEHIND = re.compile(rf"(?<=[\d.\s])\s*({'|'.join(sorted(UNIT, key=len, reverse=True))})$", re.IGNORECASE)
SPACES = "\u00a0\u202f\u2009 "
GROUPS = {mark: re.compile(rf"\d{{1,3}}({re.escape(mark)}\d{{3}})+") for mark in ",.'"} | {
    " ": re.compile(r"\d{1,3}( \d{3})+")
}
"""Digits in threes with a mark between them."""


class Unreadable(ValueError):
    """A text that is no number, or may be two."""


@dataclass
class Marks:
    """The marks in a file's numbers: told, or found in all texts together."""

    decimal: str | None
    thousands: str | None
    seen: dict[str, str] = field(default_factory=dict)
    """Decimal mark -> a text that has it without doubt."""

    def look(self, texts: Iterable[str]) -> None:
        """Which mark a file's texts have before decimals."""
        for text in texts:
            digits = bare(text)[0]
            if (mark := decimal_of(digits)) is not None:
                self.seen.setdefault(mark, text)

    def settle(self) -> None:
        """Take what was found; Unreadable where it is both."""
        if self.decimal is None and self.thousands is not None:
            self.decimal = "," if self.thousands == "." else "."
        if self.decimal is None:
            if len(self.seen) > 1:
                both = " and ".join(repr(text) for text in self.seen.values())
                raise Unreadable(f"{both} have other marks before decimals; {how('decimal', 'point')} or comma says which")
            self.decimal = next(iter(self.seen), None)


def decimal_of(digits: str) -> str | None:
    """The mark before decimals where there is no doubt about it, in a number without signs."""
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        return "," if comma > point else "."
    for mark, other in ((",", "."), (".", ",")):
        if digits.count(mark) > 1:
            return other if GROUPS[mark].fullmatch(digits) else None
        if digits.count(mark) == 1 and re.fullmatch(r"[\d ']*[,.]\d*", digits) and not GROUPS[mark].fullmatch(digits):
            return mark
    return None


def doubtful(text: str) -> bool:
    """Whether a text is a number under either mark: 54.000."""
    digits = bare(text)[0]
    return "." in digits and bool(GROUPS["."].fullmatch(digits)) and digits.count(".") == 1


def bare(text: str) -> tuple[str, float, str | None, list[str]]:
    """A number without sign, currency and words; its sign and factor; the unit in words; what was odd about it."""
    odd = []
    plain = unicodedata.normalize("NFKC", text).strip(SPACES + "\t'\"")
    if not text.isascii() and any("\uff10" <= one <= "\uff19" for one in text):
        odd.append("full-width digits")
    plain = plain.replace("\u2212", "-").replace("，", ",")
    times, unit = 1.0, None
    if plain.startswith("(") and plain.endswith(")"):
        plain, times = plain[1:-1].strip(), -1.0
        odd.append("brackets for below 0")
    if (without := SIGNS.sub("", plain).strip()) != plain:
        odd.append("currency signs")
        plain = without
    if plain[-1:] in TIMES and len(plain) > 1:
        odd.append(plain[-1])
        times, plain = times * TIMES[plain[-1]], plain[:-1].strip()
    if (behind := BEHIND.search(plain)) is not None:
        unit, plain = UNIT[behind[1].lower()], plain[: behind.start()].strip()
        odd.append(f"{unit} in words")
    elif plain.endswith("%"):
        unit, plain = "percent", plain[:-1].strip()
        odd.append("percent signs")
    if plain[:1] in ("-", "+"):
        times, plain = (-times if plain[0] == "-" else times), plain[1:].strip()
        if (without := SIGNS.sub("", plain).strip()) != plain:
            odd.append("currency signs")
            plain = without
    for space in SPACES[:-1]:
        plain = plain.replace(space, " ")
    return plain, times, unit, odd


def number(text: str, marks: Marks) -> tuple[float, str | None, list[str]]:
    """A text as a number, its unit if it says one, and what is odd about it; Unreadable where it is none."""
    digits, times, unit, odd = bare(text)
    decimal = marks.decimal or "."
    thousands = marks.thousands or ("." if decimal == "," else ",")
    for mark in dict.fromkeys((thousands, " ", "'")):
        front = digits.partition(decimal)[0] if mark != decimal else digits
        if mark in front and mark != decimal:
            if not GROUPS[mark].fullmatch(front):
                break
            odd.append({" ": "spaces", "'": "apostrophes", ",": "commas", ".": "points"}[mark] + " between thousands")
            digits = front.replace(mark, "") + digits[len(front) :]
    if decimal == "," and "." in digits:
        raise Unreadable
    if decimal == "," and "," in digits:
        odd.append("commas before decimals")
        digits = digits.replace(",", ".")
    if not PLAIN.fullmatch(digits):
        raise Unreadable
    return times * float(digits), unit, odd


@dataclass
class Parsed:
    """A column of texts as numbers."""

    numbers: Array
    """NaN where it is blank."""
    units: Array | None
    """Where some say a unit in words: the unit of each."""
    odd: Counter[str]
    bad: Array
    """The rows with a text that is no number."""
    says: Mapping[str, str]
    """Such a text -> what is wrong about it."""


def parsed(texts: Any, marks: Marks, missing: frozenset[str]) -> Parsed:
    """A column of texts (Arrow) as numbers; what is blank, or one of `missing` in small letters, is NaN."""
    import pyarrow.compute as pc

    coded = texts.dictionary_encode()
    different = coded.dictionary.to_pylist()
    size = len(different)
    values, wrong = np.full(size + 1, np.nan), {}
    units: list[str | None] = [None] * (size + 1)
    odd: dict[int, list[str]] = {}
    for k, text in enumerate(different):
        plain = text.strip()
        if not plain or plain.lower() in missing:
            continue
        if marks.decimal != "," and marks.thousands is None and PLAIN.fullmatch(plain):
            values[k] = float(plain)
            continue
        try:
            values[k], units[k], odd[k] = number(plain, marks)
        except Unreadable as error:
            wrong[k] = str(error)
    at = pc.fill_null(coded.indices, size).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.bincount(at, minlength=size + 1)
    many: Counter[str] = Counter()
    for k, some in odd.items():
        for one in some:
            many[one] += int(counts[k])
    is_bad = np.zeros(size + 1, bool)
    is_bad[list(wrong)] = True
    bad = np.flatnonzero(is_bad[at]) if wrong else np.zeros(0, np.int64)
    said = np.array([one or "" for one in units], object)[at] if any(units) else None
    return Parsed(values[at], said, many, bad, {different[k]: told for k, told in wrong.items()})
