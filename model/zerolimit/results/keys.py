"""What places a row of results beside its month and slot: the date, the person, and the name of a client in his file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zerolimit.results.columns import Array, Coded, Columns, Dates, values

if TYPE_CHECKING:
    from zerolimit.run.simulation import Simulation

TEXT = "text"
"""The unit of a column that frames have as text, not as categories."""
DATE = ("date", "first day of the month, where the scenario has a start")
MEANINGS: dict[str, tuple[str, str]] = {
    "person": ("id", "slot + slots x generation: one borrower, as CreditMarket.borrower(person) finds him"),
    "client": (TEXT, "the client's id in the file, where it has one; missing for who entered later"),
}
"""Unit and meaning."""


@dataclass(frozen=True)
class Keys:
    """The keys of one run's rows."""

    size: int
    """Slots."""
    start: str | None = None
    """Month 0, YYYY-MM."""
    ids: Array | None = None
    """The clients' names by slot."""

    @classmethod
    def of(cls, simulation: Simulation) -> Keys:
        return cls(simulation.size, simulation.first_scenario.start, simulation.client_ids)

    def dates(self, months: Array) -> dict[str, Dates]:
        """The column `date`; none where the start is not known."""
        if self.start is None:
            return {}
        days = (np.datetime64(self.start, "M") + months.astype(np.int64)).astype("datetime64[D]")
        return {"date": Dates(days.astype(np.int32))}

    def dated(self, columns: Columns) -> Columns:
        """Columns with the date behind the month."""
        rest = {name: column for name, column in columns.items() if name != "month"}
        return {"month": columns["month"], **self.dates(values(columns, "month")), **rest}

    def people(self, slots: Array, generations: Array) -> Columns:
        """The columns `person` and, of a file with ids, `client`."""
        found: dict[str, Array | Coded] = {"person": slots.astype(np.int64) + self.size * generations.astype(np.int64)}
        if self.ids is not None:
            whose, at = np.unique(slots, return_inverse=True)
            names = tuple(map(str, self.ids[whose]))
            found["client"] = Coded(np.where(generations == 0, at, -1).astype(np.int32), names, text=True)
        return found
