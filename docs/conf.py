"""How Sphinx makes the site; docs/build.py puts its pages together first."""

from __future__ import annotations

import re
from typing import Any

import zerolimit

project = "zerolimit"
author = copyright = "The zerolimit developers"
version = release = zerolimit.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.viewcode"]
exclude_patterns = ["templates"]
default_role = "code"
pygments_style = "tango"
pygments_dark_style = "monokai"
language = "en"

# Markdown and notebooks: a dollar is a dollar; notebooks are committed with their outputs, and a test runs them
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "off"
nb_merge_streams = True
suppress_warnings = ["mystnb.unknown_mime_type", "ref.python"]
"""The latter: names that two modules have, in signatures."""

# the reference
templates_path = ["templates"]
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_default_options = {"no-value": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

# the look: nothing from other hosts
html_theme = "furo"
html_title = f"zerolimit {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c8a", "color-brand-content": "#0b5c8a"},
    "dark_css_variables": {"color-brand-primary": "#6cb6e4", "color-brand-content": "#6cb6e4"},
}


def as_rst(lines: list[str]) -> list[str]:
    """A docstring of ours as reStructuredText: plain sentences, `code`, indented examples, and no other markup."""
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    found: list[str] = []
    for paragraph in filter(None, paragraphs):
        if all(line.startswith("    ") for line in paragraph):
            found += ["::", "", *paragraph, ""]
        else:
            found += [*(escaped(line) for line in paragraph), ""]
    return found


def escaped(line: str) -> str:
    """One line: what stands between backquotes is code, and all else means itself."""
    parts = line.split("`")
    if len(parts) % 2 == 0:
        return re.sub(r"([\\*|_`])", r"\\\1", line)
    return "".join(
        f"``{part}``" if k % 2 else re.sub(r"([\\*|]|_(?!\w))", r"\\\1", part) for k, part in enumerate(parts) if part
    )


def rewrite(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Called by autodoc for every docstring."""
    if ".model_" not in name or not name.startswith("zerolimit.parameters."):
        lines[:] = as_rst(lines)


def mend_sources(app: Any) -> list[Any]:
    """Sphinx lists modules without Python source among those whose code it shows, under a link to nothing, and leads from
    the code of what a package has from its modules to the package's page, where it is not."""
    code = app.env._viewcode_modules
    app.env._viewcode_modules = {name: (*found[:3], name) for name, found in code.items() if found}
    return []


def setup(app: Any) -> dict[str, bool]:
    app.connect("html-collect-pages", mend_sources, priority=400)
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True}
