"""A text file with a table in it: its encoding, header, delimiter and lines, found or as told, and read by Arrow.

Rows are called by the lines of the file, however many line breaks, blank lines and quotes stand before them.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from zerolimit.basics.errors import BadInput, one_line, quoted
from zerolimit.basics.wording import number_of, shown
from zerolimit.portfolio.options import BLANKS, DELIMITERS, POSITION, Reading, how

if TYPE_CHECKING:
    import pyarrow as pa

HEAD = 1 << 16
"""Bytes that are looked into before the rest is read."""
FIRST = 20
"""Lines among which the header is looked for."""
MARKED = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"\x84\x31\x95\x33": "gb18030",
}
"""How files begin that say their encoding."""
LIKELY = ["gb18030", "big5", "shift_jis", "cp949", "cp1252", "cp1251"]
"""What a text that is not UTF-8 may be; charset-normalizer chooses."""
NEIGHBOURS, FEW_BYTES = ("big5", "shift_jis", "cp949"), 200
"""Encodings of the same bytes that a few characters cannot tell apart: those are taken for Chinese, and it is said."""
CALLED = {"utf-8-sig": "UTF-8 with its mark", "utf-8": "UTF-8", "utf-16": "UTF-16", "gb18030": "GB18030", "gbk": "GBK"}
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|$)")
NUMERIC = re.compile(r"[-+(]?[$€£¥￥]?\s*\d[\d.,'\s]*\)?%?")
"""How a value looks that is no name of a column."""


def in_utf8(data: bytes, where: str, told: str | None) -> tuple[bytes, str]:
    """A text in UTF-8 without mark, and what its encoding is called; BadInput where it is not known or another one."""
    if told is not None:
        try:
            return data.decode(told).removeprefix("\ufeff").encode(), CALLED.get(told, told)
        except (UnicodeError, LookupError) as error:
            raise BadInput(f"{where}: {line_at(data, error)}not a text in {told}, as --encoding says") from None
    for mark, name in MARKED.items():
        if data.startswith(mark):
            if name == "utf-8-sig":
                return valid(data[len(mark) :], where), CALLED[name]
            try:
                return data.decode(name).removeprefix("\ufeff").encode(), f"{CALLED.get(name, name)} by its mark"
            except UnicodeError as error:
                raise BadInput(
                    f"{where}: {line_at(data, error)}not the {CALLED.get(name, name)} that its mark says"
                ) from None
    if data.isascii():
        return data, "UTF-8"
    try:
        return valid(data, where), "UTF-8"
    except BadInput:
        if mostly_utf8(data):
            raise
    likely = guessed(data)
    if likely == "gb18030":
        try:
            return data.decode(likely).encode(), "GB18030 (GBK is a part of it), found"
        except UnicodeError as error:
            raise BadInput(f"{where}: {line_at(data, error)}neither UTF-8 nor GB18030; {how('encoding', 'NAME')}") from None
    looks = (
        f"; it looks like {likely}: {how('encoding', likely)}" if likely else f"; {how('encoding', 'NAME')} names its own"
    )
    raise BadInput(f"{where}: not a text file in UTF-8{looks}; CSV, CSV.gz and Parquet are read")


def valid(data: bytes, where: str) -> bytes:
    """The same, or BadInput with the line that is not UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: {line_at(data, error)}not a text file in UTF-8") from None
    return data


def line_at(data: bytes, error: Exception) -> str:
    """Where decoding broke off: a line of the file, to stand before what is wrong."""
    at = error.start if isinstance(error, UnicodeDecodeError) else 0
    return f"line {data[:at].count(b'\n') + 1}: "


def foreign(data: bytes) -> bytes:
    """Some lines of a text that are not ASCII."""
    found, size = [], 0
    for line in re.finditer(rb"[^\r\n]*[\x80-\xff][^\r\n]*", data):
        found.append(line.group())
        size += len(found[-1])
        if size > HEAD:
            break
    return b"\n".join(found)[:HEAD]


def mostly_utf8(data: bytes) -> bool:
    """Whether a few bytes alone are not UTF-8."""
    lines = foreign(data)
    others = sum(map(len, re.findall(rb"[\x80-\xff]+", lines)))
    kept = sum(map(len, re.findall(rb"[\x80-\xff]+", lines.decode(errors="ignore").encode())))
    return kept > 0.9 * others


def guessed(data: bytes) -> str | None:
    """The likely encoding of a text that is not UTF-8, by its lines that are not ASCII."""
    from charset_normalizer import from_bytes

    text = foreign(data)
    best = from_bytes(text, cp_isolation=LIKELY).best()
    found = None if best is None else str(best.encoding)
    if found in NEIGHBOURS and sum(byte > 0x7F for byte in text) < FEW_BYTES:
        with suppress(UnicodeError):
            text.decode("gb18030")
            return "gb18030"
    return found


@dataclass(frozen=True)
class Record:
    """A row as the file has it, and the lines on which it begins and ends."""

    line: int
    last: int
    cells: list[str]

    @property
    def blank(self) -> bool:
        return not any(cell.strip() for cell in self.cells) and len(self.cells) <= 1


def records(data: bytes, delimiter: str, first: int = 1) -> Iterator[Record]:
    """Every row of a text, blank ones too, with its lines in the file; `first` is the number of the text's first line."""
    reader = csv.reader((match.group().decode() for match in LINE.finditer(data) if match.group()), delimiter=delimiter)
    done = 0
    try:
        for cells in reader:
            yield Record(first + done, first + reader.line_num - 1, cells)
            done = reader.line_num
    except csv.Error:
        return


def lines_in(data: bytes) -> int:
    """Lines of a text, the last with or without an end."""
    ends = data.count(b"\n") + (data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else 0)
    return ends + (1 if data and not data.endswith((b"\n", b"\r")) else 0)


def name_of(text: str) -> str:
    """A column's name as it is compared."""
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Text:
    """A text file's table: where it begins, what its columns are called, and how it is read."""

    where: str
    data: bytes
    """In UTF-8, without mark; every line of the file."""
    encoding: str
    delimiter: str
    header: int
    """The header's line; 0 where there is none."""
    names: tuple[str, ...]
    """As in the header; by position where there is none."""
    start: int
    """Where in the data the first row begins."""
    line: int
    """Its line."""
    said: tuple[str, ...]
    head: tuple[Record, ...]
    """First rows."""
    body: bytes
    """The data without what stands alone on lines of spaces."""

    @classmethod
    def of(cls, data: bytes, where: str, reading: Reading, wanted: Sequence[str] = ()) -> Text:
        """A text, looked into. `wanted`: names that the header has."""
        data, encoding = in_utf8(data, where, reading.encoding)
        if b"\0" in data:
            line = lines_in(data[: data.index(b"\0") + 1])
            raise BadInput(
                f"{where}: line {line}: a NUL byte, which no text has; not a text file in UTF-8, unless it is damaged there"
                f" (UTF-16 without its mark: {how('encoding', 'utf-16-le')})"
            )
        head = b"".join(match.group() for match, _ in zip(LINE.finditer(data[:HEAD]), range(500), strict=False))
        if len(data) > HEAD:
            head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1] or head
        first = next((one for one in records(head, "\x1f") if not one.blank), None)
        if first is None:
            raise BadInput(f"{where}: the file is empty; a header and a row a client are needed")
        named = re.fullmatch(r"sep=(.)\s*", "".join(first.cells), re.IGNORECASE)
        delimiter = reading.delimiter or (named[1] if named else found_delimiter(head))
        if delimiter == " ":
            data = re.sub(rb"(?m)^ +| +(?=[\r\n]|$)", b"", data)
            data, head = re.sub(rb" +", b" ", data), re.sub(rb" +", b" ", re.sub(rb"(?m)^ +", b"", head))
        rows = [one for one in records(head, delimiter) if not one.blank]
        skipped = [one for one in rows if one.cells[0].startswith("#") or (named and one.line == first.line)]
        candidates = [one for one in rows if one not in skipped] or rows
        header = found_header(candidates, where, reading.header, wanted)
        said = []
        if reading.header == 0:
            names = tuple(f"{POSITION}{k}" for k in range(1, max(len(one.cells) for one in candidates) + 1))
            body, last = candidates, candidates[0].line - 1
        else:
            names = tuple(cell.strip() for cell in header.cells)
            body, last = [one for one in rows if one.line > header.line], header.last
            above = [one for one in rows if one.line < header.line]
            if above and reading.header is None:
                said.append(f"above the header, not read: {quoted(delimiter.join(above[0].cells).strip())}")
            if body and len(body[0].cells) == len(names) + 1 and not body[0].cells[-1].strip():
                names = (*names, "")
                said.append("a delimiter at the end of each row, and none in the header")
        start = sum(len(match.group()) for match, _ in zip(LINE.finditer(data), range(last), strict=False))
        at = 0 if reading.header == 0 else header.line
        spaces = any(
            end + space in data for end in ((b"\n", b"\r") if b"\r" in data else (b"\n",)) for space in (b" ", b"\t")
        )
        plain = re.sub(rb"(?m)(?<=[\r\n])[ \t]+(?=[\r\n]|$)", b"", data) if spaces else data
        return cls(where, data, encoding, delimiter, at, names, start, last + 1, tuple(said), tuple(body), plain)

    def said_of(self, rows: int) -> tuple[str, ...]:
        """How the file was read, for a statement."""
        called = {letter: name for name, letter in DELIMITERS.items()}.get(self.delimiter, quoted(self.delimiter))
        header = f"header in line {self.header}" if self.header else "no header"
        said = [f"{self.encoding}; {called} between values; {header}; {number_of(self.lines, 'line')}"]
        if (inside := sum(one.last - one.line for one in self.longer(rows))) > 0:
            said.append(f"{number_of(inside, 'line break')} within quotes")
        return (*said, *self.said)

    def take(self, wanted: Sequence[int], numeric: Sequence[int] = ()) -> list[pa.Array]:
        """Columns by position as texts; those of `numeric` as numbers, if every value of each is plainly one."""
        import pyarrow as pa

        try:
            return self.read(wanted, numeric)
        except pa.ArrowInvalid as error:
            told = str(error)
        if "conversion error to double" in told:
            return self.take(wanted)
        if "Empty CSV" in told:
            return [pa.array([], pa.string()) for _ in wanted]
        for one in self.all_records() if "Expected" in told else ():
            if not one.blank and len(one.cells) != len(self.names):
                raise self.ragged(one) from None
        raise BadInput(f"{self.where}: {one_line(told, 160).replace('Row #', 'row ')}") from None

    def read(self, wanted: Sequence[int], numeric: Sequence[int]) -> list[pa.Array]:
        """The same; Arrow's error where a row is too long or too short, or a value of `numeric` no number."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.csv

        names = [str(k) for k in range(len(self.names))]
        words = {form for one in BLANKS for form in (one, one.lower(), one.upper())}
        table = pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(self.body)[self.start :]),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=1 << 22),
            parse_options=pyarrow.csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=b'"' in self.body),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pa.float64() if k in numeric else pa.string() for k, name in enumerate(names)},
                include_columns=[names[k] for k in dict.fromkeys(wanted)],
                null_values=["", *words],
                check_utf8=False,
            ),
        )
        found = [table[names[k]].combine_chunks() for k in wanted]
        empty = [pc.equal(one, "") if pa.types.is_string(one.type) else None for one in found]
        return [
            pc.if_else(no_text, None, one) if no_text is not None and pc.any(no_text).as_py() else one
            for one, no_text in zip(found, empty, strict=True)
        ]

    def ragged(self, one: Record) -> BadInput:
        """A row of another width than the header."""
        widths = f"{number_of(len(one.cells), 'value')} for {number_of(len(self.names), 'column')}"
        told = one_line(self.delimiter.join(one.cells), 60)
        hint = ""
        if len(one.cells) > len(self.names):
            hint = "; a value that holds the delimiter stands between quotes"
            if re.search(r"\d,\d{3}(?!\d)", told) and self.delimiter == ",":
                hint += ", and numbers are written without separators, as 30000"
        elif len(one.cells) == 1:
            others = f"{how('header', 'LINE')}), or the delimiter another ({how('delimiter', 'LETTER')}"
            hint = f"; is the header elsewhere ({others})?"
        return BadInput(f"{self.where}: line {one.line}: {widths}: {told!r}{hint}")

    # lines

    def all_records(self) -> Iterator[Record]:
        """Every row below the header, by Python: slow, for lines in messages and for what is odd."""
        return records(self.data[self.start :], self.delimiter, self.line)

    def simple(self, rows: int) -> bool:
        """Whether each row is one line and each line a row."""
        return self.filled - self.line + 1 == rows

    @cached_property
    def filled(self) -> int:
        """Lines of the file but for blank ones at its end."""
        return lines_in(self.data.rstrip(b"\r\n \t"))

    @cached_property
    def lines(self) -> int:
        """Lines of the file."""
        return lines_in(self.data)

    @cached_property
    def places(self) -> tuple[list[int], list[Record]]:
        """The line of each row, and the rows of more than one line."""
        found, longer = [], []
        for one in self.all_records():
            if not one.blank:
                found.append(one.line)
                if one.last > one.line:
                    longer.append(one)
        return found, longer

    def longer(self, rows: int) -> list[Record]:
        """Rows of more than one line."""
        return [] if b'"' not in self.data or self.simple(rows) else self.places[1]

    def place(self, row: int, rows: int) -> str:
        """What to call a row."""
        line = self.line + row if self.simple(rows) else self.places[0][row] if row < len(self.places[0]) else 0
        return f"line {line}" if line else f"row {row + 1}"

    def refuse_swallowed(self, rows: int, numeric: int) -> None:
        """BadInput where a quote holds a line that is a row of its own, with a number where a number belongs."""
        if len(self.names) < 2 or not (longer := self.longer(rows)):
            return
        lines = LINE.findall(self.data[self.start :])
        for one in longer:
            for at in range(one.line + 1, one.last + 1):
                inside = next(csv.reader([lines[at - self.line].decode()], delimiter=self.delimiter), [])
                if len(inside) == len(self.names) and NUMERIC.fullmatch(inside[numeric].strip()):
                    raise BadInput(
                        f"{self.where}: line {one.line}: a quote opened here is not closed before line {at}, a row of its"
                        " own; close it, or double a quote that is part of a text"
                    )

    def samples(self, position: int) -> list[str]:
        """First values of a column, as written."""
        return [one.cells[position].strip() for one in self.head if position < len(one.cells)]


def found_delimiter(head: bytes) -> str:
    """The delimiter under which most rows are as wide as the header, and widest."""

    def fitness(delimiter: str) -> tuple[int, int]:
        widths = [len(one.cells) for one in records(head, delimiter) if not one.blank][: 3 * FIRST]
        if not widths:
            return 0, 0
        modal = Counter(widths).most_common(1)[0][0]
        return (2 if widths[0] == modal else 1) if max(modal, widths[0]) > 1 else 0, max(modal, 0)

    return max(",;\t|", key=fitness)


def found_header(rows: Sequence[Record], where: str, told: int | None, wanted: Sequence[str]) -> Record:
    """The row with the names: the one told, else the first with all that are wanted, else the first."""
    if told:
        for one in rows:
            if one.line == told:
                return one
        lines = shown([str(one.line) for one in rows])
        raise BadInput(f"{where}: header: line {told} has no names; the first lines that are not blank are {lines}")
    names = {name_of(name) for name in wanted}
    return next((one for one in rows[:FIRST] if names and names <= {name_of(cell) for cell in one.cells}), rows[0])


def looks_like_values(cells: Sequence[str]) -> bool:
    """Whether a header looks like values."""
    return sum(bool(NUMERIC.fullmatch(cell.strip())) for cell in cells) * 4 >= len(cells)


def looks_like_names(cells: Sequence[str]) -> bool:
    """Whether a row looks like a header."""
    return len(cells) > 1 and len({*cells}) == len(cells) and not any(NUMERIC.fullmatch(cell.strip()) for cell in cells)


def better(text: Text) -> str:
    """The options that are likely to read a text whose header has no name that is known; nothing where none is."""
    first = text.head[0] if text.head else None
    if (
        first is not None
        and looks_like_names(first.cells)
        and not any(looks_like_names(one.cells) for one in text.head[1:3])
    ):
        return f"line {first.line} looks like the names: {how('header', str(first.line))}"
    cells = text.names[0].split() if len(text.names) == 1 else list(text.names)
    if len(cells) > 1 and looks_like_values(cells):
        space = f" {how('delimiter', 'space')}" if len(text.names) == 1 else ""
        return (
            f"line {text.header} looks like values: {how('header', '0')}{space} names columns by place, as limit={POSITION}2"
        )
    return ""
