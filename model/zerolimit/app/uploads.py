"""A portfolio from the visitor's machine: bounded, kept in memory or a temporary file, and read as any portfolio."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO

from zerolimit.errors import BadInput
from zerolimit.portfolio import Portfolio, read_portfolio

ENDINGS = (".csv", ".csv.gz", ".parquet")


def portfolio_of(name: str, file: BinaryIO, size: int, most: int) -> Portfolio:
    """The portfolio in an uploaded file; BadInput names the file, never a path of this machine."""
    plain = Path(name.replace("\\", "/")).name
    ending = next((one for one in ENDINGS if plain.lower().endswith(one)), None)
    if ending is None:
        raise BadInput(f"{plain}: a portfolio is {', '.join(ENDINGS)}")
    if size > most:
        raise BadInput(f"{plain}: {size / 1e6:,.0f} MB are more than the page takes ({most / 1e6:,.0f} MB)")
    data = file.read(most + 1)
    if len(data) > most:
        raise BadInput(f"{plain}: more than the page takes ({most / 1e6:,.0f} MB)")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clients{ending}"
        path.write_bytes(data)
        try:
            return read_portfolio(path)
        except BadInput as error:
            raise BadInput(str(error).replace(str(path), plain)) from None
