"""Make the site: `python docs/build.py [FOLDER]`. Then FOLDER/html/index.html opens in any browser, without a network.

Pages live where a reader of the repository finds them (README.md, docs/, bench/RESULTS.md, notebooks/). Here they are put
together under FOLDER/source, with links between them rewritten, and given to Sphinx, which treats a warning as an error.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx

HOME = Path(__file__).resolve().parent.parent
SITE = HOME / "build" / "site"
"""Where the site goes without a FOLDER."""

ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "bench/RESULTS.md": "benchmark.md",
    "experiments/README.md": "experiments.md",
    "model/zerolimit/data/README.md": "data.md",
}
"""Pages that do not live in docs/ -> where they stand in the site."""

CONTENTS = """
```{{toctree}}
:hidden:
:caption: Learn

{learn}
```

```{{toctree}}
:hidden:
:caption: The model

{model}
```

```{{toctree}}
:hidden:
:caption: Studies

{studies}
```

```{{toctree}}
:hidden:
:caption: Reference

{reference}
```

```{{toctree}}
:hidden:
:caption: For developers

{developers}
```
"""

LEARN = ("guide", "paper", "page")
MODEL = ("ODD", "parameters", "phases", "facts", "data", "plausible", "peers")
REFERENCE = ("results", "api")
DEVELOPERS = ("map", "architecture", "contributing", "changelog")

LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def pages() -> dict[Path, str]:
    """Every page's file -> its name in the site."""
    found = {HOME / name: page for name, page in ELSEWHERE.items() if (HOME / name).is_file()}
    found |= {
        file: f"benchmark-{file.stem.lower()}.md" for file in sorted((HOME / "bench").glob("*.md")) if file not in found
    }
    found |= {file: file.name for file in sorted((HOME / "docs").glob("*.md"))}
    found |= {file: f"notebooks/{file.name}" for file in sorted((HOME / "notebooks").glob("*.ipynb"))}
    found |= {file: f"experiments/{file.parent.name}.md" for file in sorted((HOME / "experiments").glob("*/README.md"))}
    return found


def rewritten(text: str, file: Path, known: dict[Path, str], source: Path) -> str:
    """A page's text with its links to other pages and files as they are in the site."""
    here = (source / known[file]).parent

    def link(found: re.Match[str]) -> str:
        if "://" in found[2] or found[2].startswith("mailto:"):
            return found[0]
        target = (file.parent / found[2]).resolve()
        if target in known:
            return found[1] + os.path.relpath(source / known[target], here) + found[3]
        return found[1] + os.path.relpath(target, here) + found[3] if target.is_file() else found[0]

    return "".join(part if k % 2 else LINK.sub(link, part) for k, part in enumerate(CODE.split(text)))


def contents(known: dict[Path, str]) -> str:
    """The site's order, as hidden lists of pages."""

    def listed(folder: str) -> str:
        return "\n".join(sorted(page for page in known.values() if page.startswith(folder)))

    placed = {"index", *LEARN, *MODEL, *REFERENCE, *DEVELOPERS, "studies", "experiments"}
    alone = (page for page in known.values() if "/" not in page and not page.startswith("benchmark"))
    others = sorted(page for page in alone if page[:-3] not in placed)
    text = CONTENTS.format(
        learn="\n".join((*LEARN, listed("notebooks/"), *others)),
        model="\n".join(MODEL),
        studies="\n".join(("studies", listed("experiments"))),
        reference="\n".join(REFERENCE),
        developers="\n".join((*DEVELOPERS, listed("benchmark"))),
    )
    return re.sub(r"\n```\{toctree\}\n:hidden:\n:caption: [\w ]+\n\n+```\n", "", text)


def assemble(source: Path) -> None:
    """Write the pages."""
    known = pages()
    shutil.rmtree(source, ignore_errors=True)
    for file, page in known.items():
        place = source / page
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".md":
            text = rewritten(file.read_text(encoding="utf-8"), file, known, source)
            place.write_text(text + contents(known) if page == "index.md" else text, encoding="utf-8")
        else:
            shutil.copyfile(file, place)
    shutil.copytree(HOME / "docs" / "templates", source / "templates")


def main(folder: Path = SITE) -> int:
    """Assemble and build; the exit code is Sphinx's."""
    source, pages, trees = folder / "source", folder / "html", folder / "trees"
    assemble(source)
    strict = ["-E", "-W", "--keep-going", "-q"]
    failed = sphinx(["-b", "html", *strict, "-c", str(HOME / "docs"), "-d", str(trees), str(source), str(pages)])
    if not failed:
        print(os.path.relpath(pages / "index.html"))
    return failed


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
