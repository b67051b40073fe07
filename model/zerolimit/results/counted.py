"""What is asked of a run's counts in the same words, of a market and of a run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zerolimit.basics.arguments import documented, public
from zerolimit.basics.shown import Shown
from zerolimit.vocabulary.names import ENDS, EVENTS
from zerolimit.vocabulary.outcomes import RATES_LISTED

if TYPE_CHECKING:
    import pandas as pd


@public
class Counted(Shown):
    """Rates and incidences of what has `monthly` and `episodes`, as pandas."""

    if TYPE_CHECKING:

        @property
        def monthly(self) -> pd.DataFrame:
            """Counts and sums, a row per month, segment and first income decile."""

        @property
        def episodes(self) -> pd.DataFrame:
            """A row per event."""

    def _has_run(self, what: str) -> None:
        """BadInput where there is nothing to be asked about yet."""

    @documented(rates=RATES_LISTED)
    def rate(self, name: str, by: str | Sequence[str] = "month") -> pd.Series[Any]:
        """A rate by month, year, segment or decile, or several of them: sums are taken, then divided.

        Where there is nothing to divide by, it is not a number. The rates:

        {rates}
        """
        from zerolimit.results.frames import rate

        self._has_run("rate")
        return rate(self.monthly, name, by)

    @documented(kinds=EVENTS[1:], ends=ENDS[1:])
    def incidence(self, kind: str = "zero limit", repeated: bool | None = None) -> pd.DataFrame:
        """Cumulative incidence of the ends of episodes, by months since the event, with competing ends kept apart.

        By Aalen and Johansen (results.episodes.cumulative_incidence). Columns: at_risk (episodes watched so long), lasting
        (share without a usable line still), and for each end `hazard ...` (a month) and `incidence ...` (share so far).
        `repeated` takes only first events (False) or only later ones (True) of their borrower. `kind` is one of:

        {kinds}

        The ends:

        {ends}
        """
        from zerolimit.results.frames import incidence

        self._has_run("incidence")
        return incidence(self.episodes, kind, repeated)

    def to_frame(self) -> pd.DataFrame:
        """All rates, a row a month."""
        from zerolimit.results.frames import all_rates

        self._has_run("to_frame")
        return all_rates(self.monthly)
