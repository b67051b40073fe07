"""Shared by the tests of studies."""

from collections.abc import Callable

import pytest

from zerolimit.study.portions import Portions


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Batches of so many runs, however long they take."""

    def cut(runs: int) -> None:
        monkeypatch.setattr(Portions, "_most", lambda self, workers: (runs, float("inf")))

    return cut
