"""The page's texts, one file a language (texts/), and how numbers and money are written in each.

What the model declares (parameters, caps, mechanisms, presets) is English in its declaration and nowhere else; the file of
another language translates it, by name.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from zerolimit.basics.wording import FEN, Phrase
from zerolimit.rules.caps import CAP

LANGUAGES = {"en": "English", "zh": "中文"}
FIRST = "en"
SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "en": ((1e9, "billion"), (1e6, "million")),
    "zh": ((1e8, "亿"), (1e4, "万")),
}
"""Words for large numbers, largest first."""


@dataclass(frozen=True)
class Words:
    """A language: `words("pool.title")`, `words.yuan(fen)`."""

    language: str = FIRST

    def __call__(self, key: str, **values: Any) -> str:
        table, _, name = key.partition(".")
        text: str = texts(self.language)[table][name]
        return text.format(**values) if values else text

    def declared(self, table: str, name: str, english: str) -> str:
        """What the model declares in English, in this language."""
        return english if self.language == FIRST else texts(self.language)[table][name]

    def english(self, text: str) -> str:
        """A sentence of a figure, a reason or a story: the English text is the key, of a phrase its template."""
        if self.language == FIRST:
            return text
        known = texts(self.language)["english"]
        if not isinstance(text, Phrase):
            return known.get(text, text)
        return known.get(text.says, text.says).format(**{name: self.english(part) for name, part in text.places.items()})

    def number(self, value: float, digits: int = 0) -> str:
        """`1,234`; what is no number is a dash."""
        return "–" if not math.isfinite(value) else f"{value:,.{digits}f}"

    def short(self, value: float) -> str:
        """`1.23 million`, `123 万`: three digits where there is a word for the size, else whole."""
        for size, word in SCALES[self.language]:
            if math.isfinite(value) and abs(value) >= size:
                scaled = value / size
                digits = max(0, 2 - int(math.log10(abs(scaled))))
                return f"{scaled:,.{digits}f} {word}"
        return self.number(value)

    def yuan(self, fen: float) -> str:
        """Money from fen: `1.23 million yuan`, `123 万元`."""
        text = self.short(fen / FEN)
        if self.language == "zh":
            return f"{text}元" if text[-1] in "万亿" else f"{text} 元"
        return f"{text} yuan"

    def percent(self, share: float, digits: int | None = None) -> str:
        """`0.185 %`, three digits unless said otherwise."""
        if not math.isfinite(share):
            return "–"
        value = 100.0 * share
        if digits is None:
            digits = 0 if value == 0.0 else max(0, min(3, 2 - math.floor(math.log10(abs(value)))))
        return f"{value:,.{digits}f}{'' if self.language == 'zh' else ' '}%"


def reason_in(words: Words, name: str) -> str:
    """A cap's short name, for a legend."""
    return words.declared("reason", name, CAP[name].short)


@cache
def texts(language: str) -> dict[str, dict[str, str]]:
    """The tables of a language's file."""
    file = resources.files("zerolimit.app") / "texts" / f"{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def preferred(accepted: str) -> str:
    """The first language of an Accept-Language header that there is."""
    for part in accepted.split(","):
        word = part.split(";")[0].strip().lower()[:2]
        if word in LANGUAGES:
            return word
    return FIRST
