"""A table that is read when it is asked, a column at a time: for panels that no frame holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zerolimit.basics.errors import BadInput, quoted, refuse_others
from zerolimit.basics.shown import Shown
from zerolimit.basics.wording import number_of
from zerolimit.results.panel_columns import FLAG_WORDS, in_sql, worked_out

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

MOST_ROWS = 10_000_000
"""Rows that a frame has at most; beyond that a panel is a lazy table."""


class Lazy(Shown):
    """A run's panel, read when it is asked: `frame(columns)`, `arrow(columns)`, `sql(query)`, `dataset`.

    It has the columns of the frame, under the same names. Rows stand by month and borrower.
    """

    def __init__(self, source: pa.Table | ds.Dataset) -> None:
        import pyarrow.dataset as ds

        self.dataset: ds.Dataset = source if isinstance(source, ds.Dataset) else ds.dataset(source)
        """What is kept, as it is kept: narrow types, and words of outcome flags in place of the flags."""

    def __len__(self) -> int:
        return int(self.dataset.count_rows())

    def _in_short(self) -> str:
        return f"panel: {number_of(len(self), 'row')}, {number_of(len(self.columns), 'column')}; read when asked"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return (*(name for name in self.dataset.schema.names if name not in FLAG_WORDS), *worked_out())

    def arrow(self, columns: Iterable[str] | None = None, where: Any = None, vacant: bool = False) -> pa.Table:
        """Some columns, or all, of some rows, as an Arrow table of narrow types.

        `where` is an expression of pyarrow.dataset over what is kept; vacant slots are left out unless asked for.
        """
        import pyarrow.compute as pc

        if where is not None and not isinstance(where, pc.Expression):
            raise BadInput(f"where: an expression of pyarrow.dataset is needed, not {quoted(where)}")
        follows = worked_out()
        names = [name for name in self.columns if vacant or name != "vacant"] if columns is None else list(columns)
        for name in names:
            refuse_others("columns", name, self.columns)
        found = {name: follows.get(name, pc.field(name)) for name in names}
        if not vacant:
            where = ~follows["vacant"] if where is None else where & ~follows["vacant"]
        return self.dataset.to_table(columns=found, filter=where)

    def frame(self, columns: Iterable[str] | None = None, where: Any = None, vacant: bool = False) -> pd.DataFrame:
        """Some columns, or all, of some rows, in pandas: int64 and float64, names as categories."""
        from zerolimit.results.frames import wide

        return wide(self.arrow(columns, where, vacant))

    def sql(self, query: str) -> pd.DataFrame:
        """A DuckDB query over the table `panel`, vacant slots and all. Needs duckdb."""
        follows = ", ".join(f'{text} AS "{name}"' for name, text in in_sql().items())
        kept = ", ".join(f'"{name}"' for name in self.dataset.schema.names if name not in FLAG_WORDS)
        return by_duckdb(query, {"kept": self.dataset}, {"panel": f"SELECT {kept}, {follows} FROM kept"})


def by_month(parts: Sequence[ds.Dataset]) -> ds.Dataset:
    """Files of parts of the borrowers, each with a row group a month, as one table in order of months."""
    import pyarrow.dataset as ds

    months = zip(*(next(part.get_fragments()).split_by_row_group() for part in parts), strict=True)
    fragments = [fragment for month in months for fragment in month]
    return ds.FileSystemDataset(fragments, parts[0].schema, parts[0].format)


NO_VIEWS: Mapping[str, str] = {}


def by_duckdb(query: str, tables: Mapping[str, Any], views: Mapping[str, str] = NO_VIEWS) -> pd.DataFrame:
    """What DuckDB answers to a query over Arrow tables and views of them. BadInput: it is not there, or refuses."""
    try:
        import duckdb
    except ImportError:
        raise BadInput("sql: needs DuckDB: pip install duckdb") from None
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        try:
            for name, text in views.items():
                connection.execute(f"CREATE VIEW {name} AS {text}")
            return connection.execute(query).df()
        except duckdb.Error as error:
            raise BadInput(f"sql: {str(error).splitlines()[0]}") from None
