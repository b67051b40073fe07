"""Many runs: studies, attribution, sensitivity. `zerolimit.study(...)` runs a study; see `sweep.run_study`.

The package itself can be called, so that the word means the same in `zerolimit.study("experiments/tipping")` and in
`zerolimit.study.attribution`.
"""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zerolimit.study.results import Results

SAYS = __doc__ or ""


class _Study(ModuleType):
    """This package, callable; help() of it tells of the call."""

    def __call__(self, source: Any, **words: Any) -> Results:
        from zerolimit.study.sweep import run_study

        return run_study(source, **words)

    @property
    def __signature__(self) -> inspect.Signature:
        from zerolimit.study.sweep import run_study

        return inspect.signature(run_study)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        from zerolimit.study.sweep import run_study

        arguments = "\n".join(f"    {one}" for one in self.__signature__.parameters.values())
        return f"{SAYS}\nzerolimit.study(...) takes:\n\n{arguments}\n\n{inspect.getdoc(run_study)}"


sys.modules[__name__].__class__ = _Study
