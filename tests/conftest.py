"""Shared by all tests."""

import pytest


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs leave no figure, which takes longer than all else of a small one."""
    monkeypatch.setattr("zerolimit.results.figures.draw_summary", lambda *given: None)
