"""Write the generated parts of the documents anew: `python -m docs.generate`.

A generated part stands between `<!-- generated: NAME ARGUMENTS -->` and `<!-- /generated -->`; NAME is a function of
docs/declarations.py, docs/month_map.py, docs/score.py or docs/runs.py. With `--check` nothing is written, and the exit code
is 1 where a part is out of date; with `--quick` what runs show is left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

from docs import declarations, month_map, runs, score
from docs.declarations import HOME

DOCUMENTS = (
    "README.md",
    *(
        f"docs/{page}.md"
        for page in (
            *("ODD", "api", "architecture", "facts", "guide", "map", "parameters", "phases", "plausible", "results"),
            "studies",
        )
    ),
)

PART = re.compile(r"(<!-- generated: ([^>]+?) -->\n)(.*?)(<!-- /generated -->)", re.DOTALL)

PURE: dict[str, Callable[..., str]] = declarations.PARTS | month_map.PARTS | score.PARTS
"""Parts that take no run."""

PARTS = PURE | runs.PARTS


def stale(name: str, parts: Iterable[str]) -> Iterator[str]:
    """For each of some parts that is out of date in a document: where, and the first line that differs."""
    text = (HOME / name).read_text(encoding="utf-8")
    wanted = set(parts)
    for found in PART.finditer(text):
        part, *arguments = found[2].split()
        if part not in wanted:
            continue
        shown, now = found[3].splitlines(), PARTS[part](*arguments).splitlines()
        if shown != now:
            at = first_difference(shown, now)
            line = text.count("\n", 0, found.start(3)) + at + 1
            yield f"{name}:{line}: part {found[2][:60]!r} is out of date: {difference(shown[at:], now[at:])}"


def difference(shown: list[str], now: list[str]) -> str:
    """How the first lines differ, from a little before the first letter that does."""
    old, new = (lines[0] if lines else "" for lines in (shown, now))
    start = max(0, first_difference(old, new) - 20)
    return f"there stands {old[start:][:80]!r}, now it is {new[start:][:80]!r}"


def first_difference(one: Sequence[str], other: Sequence[str]) -> int:
    """The first place at which two texts, or lists of lines, are not the same."""
    return next((k for k, (a, b) in enumerate(zip_longest(one, other)) if a != b), 0)


def renewed(text: str, parts: Iterable[str]) -> str:
    """A document with some of its generated parts written anew."""
    wanted = set(parts)

    def part(found: re.Match[str]) -> str:
        name, *arguments = found[2].split()
        return f"{found[1]}{PARTS[name](*arguments)}\n{found[4]}" if name in wanted else found[0]

    return PART.sub(part, text)


def main(arguments: list[str]) -> int:
    """Write what has changed, or only say so: first what follows from declarations, in seconds, then what runs show."""
    writes, quick = "--check" not in arguments, "--quick" in arguments
    old = 0
    for parts in (PURE,) if quick else (PURE, runs.PARTS):
        for name in DOCUMENTS:
            for line in (lines := list(stale(name, parts))):
                print(line, flush=True)
            if lines and writes:
                (HOME / name).write_text(renewed((HOME / name).read_text(encoding="utf-8"), parts), encoding="utf-8")
            old += len(lines)
    for file in () if quick else runs.FIGURES:
        if not runs.is_current(file):
            print(f"{file}: is out of date", flush=True)
            old += 1
            if writes:
                runs.write_figure(file)
    if old and writes:
        print("written anew")
    return int(old > 0 and not writes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
