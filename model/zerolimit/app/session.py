"""One visitor's run: what the controls say, the market, its picture, and how it is run off the event loop."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from zerolimit.agents.market import CreditMarket
from zerolimit.app.controls import read, read_seed
from zerolimit.app.language import Words
from zerolimit.app.picture import Picture, picture_of
from zerolimit.app.reading_form import reading_of
from zerolimit.app.uploads import Upload, received
from zerolimit.app.work import Desk, Drawn, Job, one_line
from zerolimit.basics.errors import BadInput, Cancelled
from zerolimit.parameters.scenario import Scenario, load_scenario, presets
from zerolimit.portfolio.options import as_arguments
from zerolimit.run.simulation import SETUP_ONLY

LARGEST_FILE = 50_000_000
"""Bytes of an uploaded portfolio at most."""
OPENING = 24
"""Months that are run when the page opens, so that there is something to see."""
SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Months a second while playing."""
LONGEST = 600
"""Months that are run at once at most."""


class Session:
    """The run of one visitor. Everything slow is done at a desk; `changed` is called when there is something to show."""

    def __init__(
        self,
        base: str = "baseline",
        *,
        market: CreditMarket | None = None,
        changed: Callable[[], None] = lambda: None,
        **parameters: Any,
    ) -> None:
        self.changed = changed
        self.base = base
        self.bases = (*presets(), *(() if base in presets() else (base,)))
        """What can be chosen; no other file of the machine is read."""
        self.portfolio: Any = None
        self.upload: Upload | None = None
        """The file that the portfolio comes from, or that could not be read yet."""
        self.form: dict[str, Any] = {}
        """What the visitor has said of how the file is read (reading_form.py)."""
        self.file_columns: tuple[str, ...] = ()
        self.seed = 1
        self.wanted: Scenario = load_scenario(base, **parameters)
        self.errors: dict[str, str] = {}
        self.typed: dict[str, Any] = {}
        """What was typed and cannot be used, as typed."""
        self.market: CreditMarket | None = None
        self.picture: Picture | None = None
        self.speed = 2.0
        self.drawn = Drawn()
        self.desk = Desk(self.redraw, self.drawn)
        self.reader = Desk(self.redraw)
        self.closed = False
        self.built = 0
        """Counts markets, so that what was found out about one is not taken for another's."""
        self._starts: tuple[Scenario, str, int, Any, str] | None = None
        """As the market began: scenario, preset, seed, clients and the file that they came in."""
        self._held = threading.Lock()
        """Whoever runs the market or reads its columns holds it."""
        if market is not None:
            scenario = market.simulation.scenario
            self.base = scenario.name if scenario.name in presets() else base
            self.wanted, self.seed, self.portfolio = scenario, market.seed, market.simulation.portfolio
            begun = market.simulation.first_scenario
            self.market, self._starts = market, (begun, self.base, market.seed, self.portfolio, "clients.parquet")
            self.picture = picture_of(market.simulation)

    def redraw(self) -> None:
        """Something is to be shown."""
        self.changed()

    # what the controls say

    @property
    def month(self) -> int:
        return 0 if self.market is None else self.market.month

    def shown(self, name: str, value: Any) -> Any:
        """What stands in a control: what was typed if it cannot be used."""
        return self.typed.get(name, value)

    def take(self, name: str, given: Any, words: Words) -> None:
        """A parameter from its control."""
        try:
            value = read(name, given, self.wanted, words)
        except BadInput as error:
            self.refuse(name, given, error)
            return
        self.put(name, value)

    def put(self, name: str, value: Any) -> None:
        """A parameter's value; BadInput stands beside the control."""
        try:
            self.wanted = self.wanted.change(**{name: value})
        except BadInput as error:
            self.refuse(name, value, error)
            return
        self.accept(name)

    def take_seed(self, given: Any, words: Words) -> None:
        """The seed from its control."""
        try:
            self.seed = read_seed(given, words)
        except BadInput as error:
            self.refuse("seed", given, error)
            return
        self.accept("seed")

    def take_base(self, name: str) -> None:
        """Another preset: all parameters are the preset's."""
        if name not in self.bases:
            return
        self.base, self.wanted = name, load_scenario(name)
        self.errors, self.typed = {}, {}
        if self.portfolio is not None:
            self.wanted = self.wanted.change(borrowers=self.portfolio.size)
        self.changed()

    def take_portfolio(self, name: str, file: BinaryIO, size: int) -> None:
        """An uploaded file, limited in size and checked like any portfolio."""
        try:
            upload = received(name, file, size, LARGEST_FILE)
        except Exception as error:
            self.refuse("portfolio", None, BadInput(one_line(error)))
            return
        self.upload, self.form, self.portfolio = upload, {}, None
        self.read_upload()

    def read_upload(self) -> None:
        """The uploaded file, read as the form says; where it cannot be, nobody's clients are taken."""
        if self.upload is None:
            return
        self.portfolio = None
        try:
            reading = reading_of(self.form)
            self.file_columns = self.upload.names({name: one for name, one in reading.items() if name != "columns"})
            found = self.upload.portfolio(reading)
            self.wanted = self.wanted.change(borrowers=found.size)
        except Exception as error:
            self.refuse("portfolio", None, BadInput(one_line(error)))
            return
        self.portfolio = found
        self.accept("portfolio")

    def read_again(self) -> None:
        """The same, off the event loop."""
        self.reader.start("read", lambda job: self.read_upload())

    def fill_in(self, name: str, given: Any) -> None:
        """A field of the form that says how the file is read; it acts when the file is read again."""
        self.form = {**self.form, name: given}
        self.changed()

    def remove_portfolio(self) -> None:
        """Drawn borrowers again."""
        self.portfolio = self.upload = None
        self.form, self.file_columns = {}, ()
        self.accept("portfolio")

    def refuse(self, name: str, given: Any, error: BadInput) -> None:
        """Keep what was typed and why it cannot be used."""
        self.errors[name] = str(error)
        if given is not None and not isinstance(given, tuple):
            self.typed[name] = given
        self.changed()

    def accept(self, name: str) -> None:
        """A control is good again."""
        self.errors.pop(name, None)
        self.typed.pop(name, None)
        self.changed()

    def differs_at_start(self) -> set[str]:
        """What only a reset makes true: names of parameters, scenario, seed, portfolio."""
        if self._starts is None or self.market is None:
            return set()
        _, base, seed, portfolio, _ = self._starts
        found = {name for name, same in (("scenario", base == self.base), ("seed", seed == self.seed)) if not same}
        if portfolio is not self.portfolio:
            found.add("portfolio")
        now = self.market.simulation.scenario
        return found | {name for name in SETUP_ONLY if getattr(now, name) != getattr(self.wanted, name)}

    def policy(self) -> dict[str, Any]:
        """Parameters that are to act from the next month."""
        if self.market is None or (self._starts is not None and self._starts[1] != self.base):
            return {}
        now = self.market.simulation.scenario
        names = [name for name in Scenario.model_fields if name not in SETUP_ONLY]
        return {name: getattr(self.wanted, name) for name in names if getattr(now, name) != getattr(self.wanted, name)}

    def waits(self, name: str, mechanism: str | None = None) -> bool:
        """Whether what a control says is not in force yet."""
        if self.market is None:
            return False
        now, then = getattr(self.market.simulation.scenario, name), getattr(self.wanted, name)
        return now != then if mechanism is None else (mechanism in now) != (mechanism in then)

    # running

    def reset(self, then: int = 0) -> None:
        """A new market as the controls say, run for `months`."""
        self.desk.start("reset", lambda job: self._rebuild_and_run(job, then), then)

    def run(self, months: int) -> None:
        """So many months, with progress."""
        self.desk.start("run", lambda job: self._run(job, months), months)

    def play(self) -> None:
        """Month after month until stopped."""
        self.desk.start("play", self._play)

    def stop(self) -> None:
        """Stop what is running; the month that is being run is finished."""
        self.desk.stop()

    def close(self) -> None:
        """The visitor has left: let go of the run."""
        self.closed = True
        self.changed = lambda: None
        self.stop()
        self.drawn.leave()
        with self._held:
            if self.market is not None:
                self.market.simulation.close()
            self.market = self.picture = self.portfolio = self.upload = self._starts = None

    def _rebuild_and_run(self, job: Job, months: int) -> None:
        self._build()
        if months:
            self._run(job, months)

    def _build(self) -> None:
        """A market as the controls say now; what is typed meanwhile stays wanted."""
        if self.closed:
            raise Cancelled
        with self._held:
            if self.market is not None:
                self.market.simulation.close()
                self.market = self.picture = None
        asked, base, seed, clients = self.wanted, self.base, self.seed, self.portfolio
        file = "" if self.upload is None else self.upload.name
        market = CreditMarket(asked, seed=seed, portfolio=clients)
        with self._held:
            if self.closed:
                market.simulation.close()
                raise Cancelled
            if self.wanted is asked:
                self.wanted = market.simulation.scenario
            self._starts = market.simulation.scenario, base, seed, clients, file
            self.market, self.picture = market, picture_of(market.simulation)
            self.built += 1

    def _run(self, job: Job, months: int) -> None:
        try:
            for done in range(months):
                self.desk.report(job, done)
                self._month()
        finally:
            self._paint()

    def _play(self, job: Job) -> None:
        while not job.stopped.is_set():
            began = time.monotonic()
            self._month()
            self._paint()
            job.done += 1
            self.drawn.after(self.changed)
            job.stopped.wait(max(0.02, 1.0 / self.speed - (time.monotonic() - began)))
        raise Cancelled

    def _month(self) -> None:
        if self.market is None or (self.month == 0 and (self.differs_at_start() or self.policy())):
            self._build()
        with self._held:
            if self.market is None:
                raise Cancelled
            if changed := self.policy():
                self.market.change(**changed)
            self.market.step()

    def _paint(self) -> None:
        with self._held:
            if self.market is not None:
                self.picture = picture_of(self.market.simulation)

    def at_rest(self, look: Callable[[CreditMarket], Any]) -> Any:
        """Look at the market while nobody runs it; None where there is none."""
        with self._held:
            return None if self.market is None else look(self.market)

    # what repeats it

    def command(self) -> str:
        """The command line that repeats the run, changes on the way included."""
        if self._starts is None or self.market is None:
            return ""
        scenario, base, seed, portfolio, file = self._starts
        told = ["zerolimit", "run", base]
        if portfolio is not None:
            source = getattr(portfolio, "source", None)
            told += ["--portfolio", file, *(as_arguments(source.options) if source else ())]
        before = load_scenario(base)
        for name in Scenario.model_fields:
            value = getattr(scenario, name)
            if value == getattr(before, name) or (value is None and name in ("pool_share", "pool_yuan")):
                continue
            if name == "borrowers":
                told += [] if portfolio is not None else ["--borrowers", str(value)]
            else:
                told += ["--set", f"{name}={literal(value)}"]
        told += ["--months", str(self.month), "--seed", str(seed)]
        for change in self.market.simulation.changes:
            for name, value in change.items():
                if name not in ("month", "copied") and not (value is None and name in ("pool_share", "pool_yuan")):
                    told += ["--change", f"{change['month']}:{name}={literal(value)}"]
        return shlex.join(told)


def literal(value: Any) -> str:
    """A value as --set and --change read it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        import json

        return json.dumps(list(value), ensure_ascii=False)
    return "none" if value is None else str(value)
