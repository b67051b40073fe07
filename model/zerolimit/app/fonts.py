"""The font that comes with the page: a subset of Noto Sans CJK SC (SIL Open Font License 1.1), for figures too.

`python -m zerolimit.app.fonts FONT.ttc` makes the subset anew from the installed font: the glyphs of the page's texts.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path

from zerolimit.app.language import LANGUAGES, Words, texts

FOLDER = Path(__file__).parent / "static"
FONT = FOLDER / "zerolimit-sans.otf"
FAMILY = "Zerolimit Sans"
"""A name of its own: a reserved font name may not be kept by a changed font."""


def characters() -> set[str]:
    """Every character that the page's texts can show beside Latin."""
    found = set(string.printable) | set("–—−→×·°€¥…“”‘’，。、；：？！（）《》「」％　")
    for language in LANGUAGES:
        for table in texts(language).values():
            for key, text in table.items():
                found |= set(key) | set(text)
    for name in LANGUAGES.values():
        found |= set(name)
    return {one for one in found if one.isprintable()}


def covered(font: Path = FONT) -> set[str]:
    """The characters that the font has."""
    from fontTools.ttLib import TTFont

    return {chr(code) for code in TTFont(font).getBestCmap()}


def make(source: Path, number: int = 2) -> None:
    """Write the subset of a collection's font (2: Simplified Chinese)."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    font = TTFont(source, fontNumber=number)
    options = Options()
    options.layout_features = []
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.hinting = False
    options.desubroutinize = True
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(sorted(characters())))
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 4):
            record.string = FAMILY
        elif record.nameID in (3, 6):
            record.string = FAMILY.replace(" ", "") + "-Regular"
    top = font["CFF "].cff
    top.fontNames = [FAMILY.replace(" ", "")]
    top.topDictIndex[0].FullName = top.topDictIndex[0].FamilyName = FAMILY
    FOLDER.mkdir(exist_ok=True)
    font.save(FONT)


def families(words: Words) -> tuple[str, ...]:
    """Fonts of matplotlib that have the language's letters; none where its own do."""
    from matplotlib import font_manager

    if words.language != "zh":
        return ()
    if FAMILY not in {one.name for one in font_manager.fontManager.ttflist}:
        font_manager.fontManager.addfont(FONT)
    return FAMILY, "DejaVu Sans"


if __name__ == "__main__":
    make(Path(sys.argv[1]))
