"""Many runs: studies, attribution, sensitivity. `zerolimit.study(...)` runs a study; see `sweep.run_study`.

The package itself can be called, so that the word means the same in `zerolimit.study("experiments/tipping")` and in
`zerolimit.study.attribution`.
"""

import sys
from types import ModuleType
from typing import Any


class _Study(ModuleType):
    """This package, callable."""

    def __call__(self, source: Any, **words: Any) -> Any:
        from zerolimit.study.sweep import run_study

        return run_study(source, **words)


sys.modules[__name__].__class__ = _Study
