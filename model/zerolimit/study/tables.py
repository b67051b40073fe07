"""The tables of a study: a part has what its runs counted, an export also where they stand in the design."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolimit.basics.errors import BadInput
from zerolimit.results.columns import BY, PLATFORM, monthly_meanings
from zerolimit.results.digest import Damaged
from zerolimit.study.design import column_kind
from zerolimit.study.identity import Placed
from zerolimit.study.measures import RUN_MEASURES

if TYPE_CHECKING:
    import pyarrow as pa

    from zerolimit.study.definition import Study
    from zerolimit.study.worker import Done

PLACE = ("point", "replication", "seed")
"""Columns that say where a run stands; the varied parameters say it too."""


OVER_MONTHS = "_over_months"
"""What a platform column's sum over months has behind its name."""


def as_kept(name: str, by: Collection[str]) -> str:
    """A platform column as raw sums have it: the month's number where months are kept apart, else its sum over months."""
    return name if "month" in by else f"{name}{OVER_MONTHS}"


def a_month(name: str) -> str:
    """The platform column that a column of raw sums is of."""
    return name.removesuffix(OVER_MONTHS)


def distinct(table: pa.Table) -> list[str]:
    """The runs of a part's rows, in order."""
    return sorted(map(str, table["run"].unique().to_pylist()))


def as_declared(table: pa.Table, schema: pa.Schema, path: Path) -> pa.Table:
    """A part's columns in the order of study.json; Damaged where they are others."""
    if {*table.column_names} != {*schema.names}:
        raise Damaged(f"{path}: has other columns than study.json says")
    table = table.select(schema.names)
    if table.schema.types != schema.types:
        raise Damaged(f"{path}: has columns of other types than study.json says")
    return table.replace_schema_metadata(None)


def between(table: pa.Table, low: str, high: str) -> pa.Table:
    """The rows of runs from one hash on and below another, as a table that holds no others."""
    import pyarrow.compute as pc

    wanted = pc.and_(pc.greater_equal(table["run"], low), pc.less(table["run"], high))
    return table if pc.all(wanted).as_py() else table.filter(wanted)


def by_run(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each run, in hash order."""
    import numpy as np
    import pyarrow as pa

    runs = table["run"].to_numpy()
    if not np.all(runs[:-1] <= runs[1:]):
        order = np.argsort(runs, kind="stable")
        table, runs = table.take(pa.array(order)), runs[order]
    ends = [*(np.flatnonzero(runs[1:] != runs[:-1]) + 1).tolist(), *([len(runs)] if len(runs) else [])]
    first = 0
    for end in ends:
        yield str(runs[first]), table.slice(first, end - first)
        first = end


def of_run(table: pa.Table, run: str) -> pa.Table:
    """The rows of one run."""
    import pyarrow.compute as pc

    return table.filter(pc.equal(table["run"], run))


def joined(
    runs: Sequence[tuple[str, pa.Table]],
    schema: pa.Schema,
    design: Mapping[str, Placed] | None,
    points: pa.Table | None,
) -> pa.Table:
    """Runs one after the other, in one piece a column, beside where they stand; parts without a design say it themselves."""
    import numpy as np
    import pyarrow as pa

    whole = pa.concat_tables([table for _, table in runs])
    if design is None or points is None:
        return whole.cast(schema).combine_chunks()
    rows = np.repeat(np.arange(len(runs)), [table.num_rows for _, table in runs])
    places = [design[run] for run, _ in runs]
    columns = {name: whole[name] for name in whole.column_names}
    for name in PLACE:
        columns[name] = pa.array([getattr(one, name) for one in places], schema.field(name).type).take(rows)
    for name in schema.names:
        if name not in columns:
            columns[name] = points[name].take([one.point for one in places]).take(rows)
    return pa.table([columns[name] for name in schema.names], schema=schema).combine_chunks()


def same_rows(one: pa.Table, other: pa.Table) -> bool:
    """Whether the numbers are the same; what is no number equals what is none."""
    return bool(one.to_pandas().equals(other.to_pandas()))


def column_meanings(units: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Unit and meaning of every column of an export."""
    return {
        **PLATFORM,
        **{name: (unit, f"{says}; summed over `months`") for name, (unit, says) in monthly_meanings().items()},
        **{f"{name}{OVER_MONTHS}": (unit, f"{says}; summed over `months`") for name, (unit, says) in PLATFORM.items()},
        **{name: (one.unit, one.says) for name, one in RUN_MEASURES.items()},
        **{key: (unit, f"parameter {key}") for key, unit in units.items()},
        "run": ("hash", "the run"),
        "point": ("count", "the point in the design, from 0"),
        "replication": ("count", "the replication, from 0"),
        "seed": ("count", "seed of every draw"),
        **{name: monthly_meanings()[name] for name in BY},
        "months": ("months", "months that are summed"),
    }


def column_types() -> dict[str, Any]:
    """Arrow's types of varied parameters."""
    import pyarrow as pa

    return {"float64": pa.float64(), "int64": pa.int64(), "bool": pa.bool_(), "string": pa.string()}


def export_schema(study: Study) -> pa.Schema:
    """The columns of a study's export: the run, where it stands, what is kept apart, and what was counted."""
    import pyarrow as pa

    kinds = column_types()
    fields = [("run", pa.string()), ("point", pa.int64()), ("replication", pa.int64()), ("seed", pa.uint64())]
    fields += [(factor.key, kinds[column_kind(factor)]) for factor in study.design.factors]
    by = {"month": pa.int64(), "segment": pa.string(), "decile": pa.int64()}
    fields += [(name, by[name]) for name in BY if name in study.settings.by]
    fields.append(("months", pa.int64()))
    fields += [(name, pa.int64()) for name in study.kept.counts]
    platform = [as_kept(name, study.settings.by) for name in study.kept.platform]
    fields += [(name, pa.float64()) for name in (*platform, *study.kept.measures)]
    return pa.schema(fields)


def refuse_other_columns(schema: pa.Schema, done: Done) -> None:
    """BadInput where a finished run has other columns than the first one had."""
    if differ := sorted({"run", *done.columns} ^ {*schema.names}):
        raise BadInput(f"measure: gave {', '.join(differ)} in some runs only; it has to give the same names in each")


def part_table(schema: pa.Schema, runs: Sequence[Done]) -> pa.Table:
    """Finished runs as a part: the run's hash in each row, beside what it counted."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for one in runs:
        refuse_other_columns(schema, one)
        columns["run"] += [one.run] * len(one.columns["months"])
        for name, values in one.columns.items():
            columns[name] += values
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema}, schema=schema)


def design_bytes(study: Study) -> bytes:
    """The points as Parquet: their values; `u:NAME`, their places in the unit cube where they were sampled; their worlds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = column_types()
    columns: dict[str, Any] = {"point": pa.array(range(len(study.points)), pa.int64())}
    for factor in study.design.factors:
        columns[factor.key] = pa.array([point[factor.key] for point in study.values], kinds[column_kind(factor)])
    if study.design.units is not None:
        for k, factor in enumerate(study.design.factors):
            columns[f"u:{factor.key}"] = pa.array(study.design.units[:, k])
    columns["world"] = pa.array(study.worlds, pa.string())
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()
