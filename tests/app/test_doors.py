"""The page's doors: session cookies, uploads that inflate, visitors who leave."""

import asyncio
import gzip
import io
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zerolimit
from zerolimit.app.serve import guarded, signed, with_our_session, without_foreign_sessions
from zerolimit.app.uploads import INFLATED, received
from zerolimit.basics.errors import BadInput
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.portfolio.tables import Most

KEY = b"a key"


# cookies


def asked(scope: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[bytes, bytes]]]:
    """What the application behind the doors sees of a request, and the headers of its answer."""
    seen: dict[str, Any] = {}
    told: list[tuple[bytes, bytes]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)
        cookies = [(b"set-cookie", b"solara-session-id=mine; expires=Fri, 01 Jan 2038 00:00:00 GMT; SameSite=none; Secure")]
        cookies += [(b"set-cookie", b"solara-session-id-lax=mine; SameSite=lax"), (b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": cookies})

    async def send(message: Any) -> None:
        told.extend(message.get("headers", ()))

    async def receive() -> Any:
        return {"type": "http.request"}

    base = {"type": "http", "method": "GET", "path": "/", "scheme": "http", "query_string": b"", "root_path": ""}
    asyncio.run(guarded(application, "127.0.0.1")({**base, **scope}, receive, send))
    return seen, told


def test_the_session_cookie_is_ours_and_no_script_reads_it() -> None:
    host = (b"host", b"127.0.0.1")
    _, told = asked({"headers": [host]})
    (cookie,) = [value.decode() for name, value in told if name == b"set-cookie"]
    assert (b"content-type", b"text/html") in told
    pair, *rest = cookie.split("; ")
    assert pair.startswith("solara-session-id=mine.")
    assert set(rest) == {"Path=/", "HttpOnly", "SameSite=Lax"}
    seen, _ = asked({"headers": [host, (b"cookie", b"a=1; " + pair.encode() + b"; b=2")]})
    assert dict(seen["headers"])[b"cookie"] == b"a=1; b=2", "a cookie of another server's key is another server's"


def test_a_session_that_is_the_clients_choice_is_dropped() -> None:
    good = signed("mine", KEY)
    for cookie, left in {
        f"a=1; solara-session-id={good}": "a=1; solara-session-id=mine",
        "solara-session-id=mine": "",
        f"solara-session-id={good[:-1]}; a=1": "a=1",
        f"solara-session-id=other.{good.rpartition('.')[2]}": "",
        f"solara-session-id-lax={good}": "",
        "solara-session-id=ü.ü; solara-session-id": "",
    }.items():
        headers = without_foreign_sessions([(b"cookie", cookie.encode("latin-1")), (b"accept", b"*/*")], KEY)
        assert headers == [(b"cookie", left.encode()), (b"accept", b"*/*")]
    (https,) = with_our_session([(b"set-cookie", b"solara-session-id=x; Path=/")], KEY, "https")
    assert https[1].endswith(b"; HttpOnly; SameSite=Lax; Secure")


# uploads


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def upload(name: str, data: bytes) -> Any:
    return received(name, io.BytesIO(data), len(data), 50_000_000).portfolio({})


def deflated(pieces: int) -> bytes:
    """A gzip of so many times 10 MB of blank lines."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
        file.write(b"limit\n20000\n")
        for _ in range(pieces):
            file.write(b" " * 10_000_000)
    return out.getvalue()


def test_a_gzip_bomb_is_refused_before_it_is_inflated() -> None:
    bomb = deflated(pieces=31)
    assert len(bomb) < 5_000_000
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match=r"^portfolio bomb\.csv\.gz: it holds more .* \(at most 300 MB, inflated\)$"):
            upload("bomb.csv.gz", bomb)
        assert tracemalloc.get_traced_memory()[1] < 2.5 * INFLATED.size
    finally:
        tracemalloc.stop()


def test_rows_are_counted_before_they_are_read() -> None:
    text = b"limit\n" + b"1\n" * (INFLATED.rows + 1)
    numbers = parquet(limit=pa.array([20_000] * (INFLATED.rows + 1), pa.int32()))
    for name, data in (("many.csv", text), ("many.csv.gz", gzip.compress(text, 1)), ("many.parquet", numbers)):
        with pytest.raises(BadInput, match=r"many\..*: 1,000,001 rows are more than can be taken \(at most 1,000,000\)$"):
            upload(name, data)


def test_texts_and_lists_in_parquet_are_measured_before_they_are_written_out(tmp_path: Path) -> None:
    """Parquet keeps what repeats once: these files are small, and what they hold is two to four times the bound."""
    limits = pa.array([20_000] * 2_000, pa.int32())
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), ["x" * 2_000]).cast(pa.string())
    rows = pa.array(range(2_001), pa.int32())
    numbers = pa.ListArray.from_arrays(pa.array([0, 250_000], pa.int32()), pa.array([0] * 250_000, pa.int8()))
    bombs = {
        "id": parquet(limit=limits, id=texts),
        "history": parquet(limit=limits[:1], history=numbers),
        "history of texts": parquet(limit=limits, history=pa.ListArray.from_arrays(rows, texts)),
    }
    file = tmp_path / "bomb.parquet"
    for name, data in bombs.items():
        assert len(data) < 50_000, name
        file.write_bytes(data)
        with pytest.raises(BadInput, match=r"^portfolio bomb\.parquet: it holds more .* \(at most 1 MB, inflated\)$"):
            read_portfolio(file, most=Most(size=1_000_000))
    file.write_bytes(bombs["id"])
    with pytest.raises(BadInput, match="id"):
        read_portfolio(file, most=Most(size=10_000_000))


def test_an_ordinary_file_is_read_as_ever(tmp_path: Path) -> None:
    ids = ["甲", "b", "b2"]
    data = parquet(limit=[20_000.0, 5_000.0, 0.0], id=ids, segment=["gig", "gig", "owner"])
    found = upload("mine.parquet", data)
    assert (found.size, found.table["id"].to_pylist()) == (3, ids)
    assert upload("mine.csv.gz", gzip.compress(b"limit,id\n20000,a\n5000,b")).size == 2
    file = tmp_path / "mine.csv"
    file.write_bytes(b"limit\n1\n2\n3")
    assert read_portfolio(file, most=Most(rows=3)).size == 3
    with pytest.raises(BadInput, match=r"portfolio mine\.csv: 3 rows are more than can be taken \(at most 2\)"):
        read_portfolio(file, most=Most(rows=2))


def test_the_shipped_portfolio_fits() -> None:
    assert read_portfolio("uci", most=INFLATED).size == 30_000


# visitors who leave

VISITS = """
import gc, os, sys, threading, time, weakref
from zerolimit.app.serve import SETTINGS, close_orphans
os.environ.update(SETTINGS, SOLARA_APP="zerolimit.app.page")
import ipywidgets
import solara.server.app as server
from solara.server.kernel_context import PageStatus, contexts, initialize_virtual_kernel
from zerolimit.app import page
from zerolimit.app.session import Session
from zerolimit.run.simulation import Simulation

page.begins_with.update(base="defaults", borrowers=int(sys.argv[1]))
server.apps["__default__"].init()
sessions, worlds = [], []

class Seen(Session):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        sessions.append(weakref.ref(self))

page.Session = Seen

class Wire:
    def send(self, *nothing): pass
    send_text = send_bytes = close = send

def visit(k):
    context = initialize_virtual_kernel(f"session {k}", f"kernel {k}", Wire())
    with context:
        context.container = ipywidgets.VBox()
        server.load_app_widget(None, server.apps["__default__"], "/")
    session = sessions[-1]()
    until = time.monotonic() + 100.0
    while session.desk.busy or not session.month:
        assert time.monotonic() < until and not session.desk.wrong, session.desk.wrong
        time.sleep(0.05)
    worlds.append(weakref.ref(session.market.simulation))
    return context

def left(what):
    until = time.monotonic() + 60.0
    while (alive := sum(one() is not None for one in what)) and time.monotonic() < until:
        gc.collect()
        time.sleep(0.2)
    return alive

visit(0).close()
left(worlds)
threads = threading.active_count()
for k in range(1, 3):
    visit(k).close()
print(left(worlds), left(sessions), threading.active_count() <= threads)
for k in range(3, 5):
    context = visit(k)
    context.page_disconnect("page", context.page_connect("page"))
close_orphans(most=1)
print(len(contexts), sum(one() is not None for one in worlds) if not gc.collect() else left(worlds[:-1]) + 1)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("borrowers", [100, 20_000])
def test_visitors_who_leave_take_their_runs_along(borrowers: int) -> None:
    """Live objects and threads after visits, and of visits whose connection was lost all but the latest."""
    package = {"PYTHONPATH": str(Path(zerolimit.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-u", "-c", VISITS, str(borrowers)],
        env={**os.environ, **package},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout.splitlines() == ["0 0 True", "1 1"], done.stderr
