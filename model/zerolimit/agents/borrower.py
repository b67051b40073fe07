"""Borrower(mesa.Agent): a view of one row of columns, and the set of all of them, made only when asked for.

Values are Python numbers in the rules' units (fields.py): money in whole fen, shares as fractions. A write goes to the
column. The methods named like rules (`earn`, `repay`, ...) are the month's rules on this borrower; the month calls
them, and a subclass may override them in plain Python.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, cast, overload

import numpy as np
from mesa.agent import Agent
from mesa.agentset import AgentSet, GroupBy

from zerolimit.basics.arguments import public
from zerolimit.basics.errors import BadInput, NoSuchAttribute, NotThere, nearest, quoted
from zerolimit.engine.base import Array, as_stored, unreal
from zerolimit.engine.plan import FLOW_NAMES
from zerolimit.month import BIRTH, MONTH
from zerolimit.rules.caps import REASONS
from zerolimit.rules.rule import Rule, whole
from zerolimit.vocabulary.cells import CELLS_PER_SEGMENT
from zerolimit.vocabulary.draws import PURPOSES, uniform
from zerolimit.vocabulary.fields import FIELDS, NEW_INSTALMENT, SCHEDULE, STORABLE, Field
from zerolimit.vocabulary.names import CODES, LEFT

if TYPE_CHECKING:
    from zerolimit.agents.market import CreditMarket

RULES: dict[str, Rule] = {rule.name: rule for phase in MONTH for rule in phase.rules}
"""Every rule of the month: a method of Borrower each."""

COUNTS = {**{name: len(says) for name, says in CODES.items()}, "decile": CELLS_PER_SEGMENT, "reason": len(REASONS) + 1}
"""Fields that are codes, and how many there are."""

DEBT = frozenset({"scheduled", "overdue", *SCHEDULE, NEW_INSTALMENT})
"""The ledger closes to the fen: principal changes by loans and payments only."""

COLLECTORS = frozenset({"mesa.datacollection", "mesa.experimental.data_collection.dataset"})
"""Mesa's modules that walk over agents only to read them."""

SLOTS = frozenset({"__dict__", "__weakref__"})
MESA_OWN = frozenset({"model", "unique_id", "pos", "current_action", "slot", "_generation"})


def field_range(field: Field, inside: bool) -> tuple[float, float]:
    """The lowest and the highest value that may be written to a field; inside the month money may fall below 0."""
    if field.name in COUNTS:
        return 0.0, COUNTS[field.name] - 1.0
    if field.unit == "0/1":
        return 0.0, 1.0
    most = STORABLE.get(field.storage, 1e30)
    return (-most if inside or field.unit == "points" else 0.0), most


def storable(field: Field, value: Any, *, inside: bool = False) -> float:
    """The value as its column holds it, or one line that says what is allowed."""
    low, high = field_range(field, inside)
    must_be_whole = field.storage.startswith("i")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not low <= number <= high or (must_be_whole and number != whole(number)):
        kind = "a whole number" if must_be_whole else "a number"
        raise BadInput(f"{field.name}: {kind} from {low:,.10g} to {high:,.10g} is needed ({field.unit}), not {value!r}")
    return as_stored(field.name, number)


def closed_to_writers(name: str, value: Any) -> str | None:
    """Why a field cannot be written from outside the month, if so."""
    if name in FLOW_NAMES:
        return "is set anew by the month's rules; override the rule that writes it"
    if name in DEBT:
        return "is debt, which changes by loans and payments only, or the ledger would not close"
    if name == "generation":
        return "is part of the draws' key"
    if name == "status" and value == LEFT:
        return "cannot be set to left; use remove()"
    return None


class View(Agent):  # type: ignore[misc]
    """An agent that its market makes when it is asked for. What is set on it (`vars`) stays with the market.

    The market knows it weakly, or the two would keep each other alive. Copies and pickles are of the market: they give
    the same agent of a market copied with it.
    """

    __slots__ = ("model",)
    model: CreditMarket

    def __copy__(self) -> Self:
        return deepcopy(self)

    def __reduce__(self) -> Any:
        return view_of, (self.model, type(self), self.unique_id), dict(vars(self))


def view_of[V: View](market: CreditMarket, kind: type[V], unique_id: int) -> V:
    """The agent of a number, the same one as long as somebody holds it, with what was set on it before."""
    found = market._made.get(unique_id)
    if found is None:
        found = kind.__new__(kind)
        found.model = market
        if unique_id in market._kept:
            object.__setattr__(found, "__dict__", market._kept[unique_id])
        market._made[unique_id] = found
    return cast("V", found)


class Borrower(View):
    """One borrower of a CreditMarket. `unique_id` is slot + size x generation, so a slot's next borrower has another.

    `copy.copy`, `copy.deepcopy` and pickle give the borrower of a copied market.
    """

    slot: int
    unique_id: int

    def __init__(self, model: CreditMarket, *args: Any, **kwargs: Any) -> None:
        handed_out = getattr(model, "_handed_out", None)
        if handed_out is None:
            raise BadInput(
                f"{type(self).__name__}: borrowers are not made from outside; they are in market.agents, and as many as"
                " borrowers= says (vacant_share leaves room for growth)"
            )
        slot, generation = handed_out
        self.model = model
        self.slot = slot
        self._generation = generation
        self.unique_id = slot + model.simulation.size * generation
        self.pos = None
        self.current_action = None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name not in MESA_OWN and name not in FIELDS:
            self.model._keep(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Borrower) and other.model is self.model and other.unique_id == self.unique_id

    def __hash__(self) -> int:
        return hash(self.unique_id)

    def __repr__(self) -> str:
        client = f", client {self.client_id}" if self.client_id else ""
        return f"<{type(self).__name__} {self.unique_id}{client}>"

    @property
    def client_id(self) -> str | None:
        """The client's name in the portfolio's column id; None without one, and for who entered the slot later."""
        return self.model.simulation.client(self.slot, self._generation)

    @property
    def terms(self) -> SimpleNamespace:
        """What the platform and the scenario say this month, inside a rule (terms.py); money in fen."""
        return self.model._moment(self)[1]

    def draw(self, purpose: str) -> float:
        """This month's keyed draw in (0, 1), inside a rule: the number that rules see as `u_...`."""
        month, _, draws = self.model._moment(self)
        if not isinstance(purpose, str) or purpose not in PURPOSES:
            raise BadInput(f"draw: unknown purpose {quoted(purpose)}{nearest(purpose, PURPOSES)}")
        if purpose in draws:
            return draws[purpose]
        seed, engine = self.model.simulation.seed, self.model.simulation.engine
        return uniform(seed, engine.key_of(self.slot), self._generation, engine.clock(month), purpose)

    def remove(self) -> None:
        """Leave the platform: the line is 0 and the slot free for an applicant. Who owes something cannot leave."""
        self.model._leave(self)

    def _read(self, field: Field) -> float | int:
        value = self.model._get(self, field)
        return int(value) if field.storage.startswith("i") else value

    def _write(self, field: Field, value: Any) -> None:
        self.model._set(self, field, value)

    def owes(self) -> int:
        """Principal and interest past due, and principal not yet due, in fen."""
        return int(self.scheduled + self.overdue + self.overdue_interest)


def _field_property(field: Field) -> property:
    def read(self: Borrower) -> float | int:
        return self._read(field)

    def write(self: Borrower, value: Any) -> None:
        self._write(field, value)

    return property(read, write, doc=f"{field.meaning} ({field.unit})")


def _rule_method(rule: Rule) -> Callable[[Borrower], None]:
    def run(self: Borrower) -> None:
        self.model._follow(self, rule.name)

    run.__name__ = rule.name
    run.__qualname__ = f"Borrower.{rule.name}"
    run.__doc__ = f"Writes {', '.join(rule.writes)}.\n\n{rule.function.__doc__}"
    return run


for _field in FIELDS.values():
    setattr(Borrower, _field.name, _field_property(_field))
for _rule in RULES.values():
    setattr(Borrower, _rule.name, _rule_method(_rule))


def overridden(kind: type[Borrower]) -> tuple[str, ...]:
    """The rules that a subclass has in plain Python; BadInput for no subclass, for phases, and for misspelt rules."""
    if not isinstance(kind, type) or not issubclass(kind, Borrower):
        raise BadInput(f"borrower_class: a subclass of zerolimit.Borrower is needed, not {kind!r}")
    for part in kind.__mro__:
        if not issubclass(Borrower, part) and {"__dict__", "__weakref__", *vars(part).get("__slots__", ())} - SLOTS:
            raise BadInput(f"{part.__name__}.__slots__: a borrower's own attributes are kept in its __dict__; leave it out")
        for name, value in vars(part).items() if not issubclass(Borrower, part) else ():
            if callable(value) and not name.startswith("_") and (name in FIELDS or not hasattr(Borrower, name)):
                refuse_never_called(f"{part.__name__}.{name}", name)
    return tuple(name for name in RULES if getattr(kind, name) is not getattr(Borrower, name))


def refuse_never_called(what: str, name: str) -> None:
    """BadInput for a method that looks as if the month called it, and that nothing would call."""
    for phase in (*BIRTH, *MONTH):
        if plain(name) == plain(phase.name):
            mine = [repr(rule.name) for rule in phase.rules if rule.name in RULES]
            instead = f"its rules are what a subclass overrides: {', '.join(mine)}" if mine else "no borrower overrides it"
            raise BadInput(f"{what}: is the name of a phase of the month, which is never called; {instead}")
        if name not in RULES and name in [rule.name for rule in phase.rules]:
            raise BadInput(f"{what}: is a rule of the set-up, before there are borrowers, and cannot be overridden")
    for rule in RULES:
        if misspelt(name, rule):
            raise BadInput(
                f"{what}: is no rule of the month; did you mean {rule!r}?"
                " A user-defined method needs a name less like a rule's (zerolimit phases lists them)"
            )


def plain(name: str) -> str:
    """A name without case, spaces and `_`."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def misspelt(name: str, rule: str) -> bool:
    """Whether a name begins like a rule's and is one letter away: more, fewer, another, two swapped, or case and `_`."""
    one, other = (text.lower().replace("_", "") for text in (name, rule))
    same = next((k for k, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    a, b = one[same:], other[same:]
    return same > 0 and (a[1:] == b or a == b[1:] or a[1:] == b[1:] or a[1::-1] + a[2:] == b)


class Reading:
    """A borrower as a data collector reads it: values of fields from columns, anything else from a Borrower."""

    __slots__ = ("_at", "_readings")

    def __init__(self, readings: Readings, at: int) -> None:
        self._readings, self._at = readings, at

    def __getattr__(self, name: str) -> Any:
        return self._readings.value(name, self._at)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._readings.agents.market.borrower_class


class Readings:
    """All borrowers of a set, each column taken once."""

    def __init__(self, agents: Borrowers) -> None:
        self.agents = agents
        self.ids = agents.ids
        self.columns: dict[str, list[Any]] = {}

    def value(self, name: str, at: int) -> Any:
        if name == "model":
            return self.agents.market
        if name not in self.columns:
            if not self.agents.is_column(name):
                return getattr(self.agents.market._borrower_by_id(int(self.ids[at])), name)
            self.columns[name] = self.agents.column(name, self.ids)
        return self.columns[name][at]

    def __iter__(self) -> Iterator[Reading]:
        return (Reading(self, k) for k in range(len(self.ids)))


@public
class Borrowers(AgentSet):  # type: ignore[misc]
    """A Mesa AgentSet over columns: `get`, `agg` and `set` of a field make no objects; iterating does.

    Without `members` it is all borrowers of the market, now; those that `select`, `shuffle`, `sort` and `groupby` give
    have fixed members, less those who have left since. Vacant slots are in no set. Positions count in the set's order,
    `agents[3]` and `agents[:10]` too (Mesa announces the end of indexing for its own sets; here it stays).
    """

    def __init__(self, market: CreditMarket, members: Array | None = None) -> None:
        self.market = market
        self.members = members

    @property
    def random(self) -> Random:
        return self.market.random

    @property
    def ids(self) -> Array:
        """unique_id of each member."""
        engine, month, size = self.market.simulation.engine, self.market.simulation.month, self.market.simulation.size
        here = engine.raw("status", month) != int(LEFT)
        generation = engine.raw("generation", month)
        if self.members is None:
            rows = np.flatnonzero(here)
            return rows + size * generation[rows].astype(np.int64)
        rows = self.members % size
        return self.members[here[rows] & (generation[rows] == self.members // size)]

    def is_column(self, name: str) -> bool:
        """Whether an attribute can be read for everybody without making objects."""
        if name == "unique_id":
            return True
        plain = getattr(self.market.borrower_class, name, None) is getattr(Borrower, name, self)
        return name in FIELDS and plain and self.market._readable(name)

    def column(self, name: str, ids: Array) -> list[Any]:
        """Values of a field, as Python numbers."""
        if name == "unique_id":
            return ids.tolist()
        if not self.is_column(name):
            raise NoSuchAttribute(f"column: {quoted(name)} is no field that is kept{nearest(name, FIELDS)}")
        return self.market.simulation.column(name)[ids % self.market.simulation.size].tolist()

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Any]:
        if sys._getframe(1).f_globals.get("__name__") in COLLECTORS:
            return iter(Readings(self))
        return map(self.market._borrower_by_id, self.ids.tolist())

    def __contains__(self, agent: object) -> bool:
        if not isinstance(agent, Borrower) or agent.model is not self.market or not self.market._is_here(agent.unique_id):
            return False
        return self.members is None or bool(np.any(self.members == agent.unique_id))

    @overload
    def __getitem__(self, item: int) -> Borrower: ...
    @overload
    def __getitem__(self, item: slice) -> list[Borrower]: ...
    def __getitem__(self, item: int | slice) -> Borrower | list[Borrower]:
        chosen = self.ids[item]
        if isinstance(item, slice):
            return [self.market._borrower_by_id(number) for number in chosen.tolist()]
        return self.market._borrower_by_id(int(chosen))

    @property
    def _agents(self) -> dict[Borrower, None]:
        return dict.fromkeys(self)

    def to_list(self) -> list[Borrower]:
        return list(self)

    def copy(self) -> Borrowers:
        return Borrowers(self.market, self.ids)

    def __copy__(self) -> Borrowers:
        return self.copy()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _with(self, members: Array | list[int], inplace: bool) -> Borrowers:
        members = np.asarray(members, np.int64)
        if not inplace:
            return Borrowers(self.market, members)
        if self.members is None:
            raise BadInput("inplace: market.agents is everybody and stays so; work on market.agents.copy()")
        self.members = members
        return self

    def _update(self, agents: Iterable[Any]) -> Borrowers:
        return self._with([agent.unique_id for agent in agents], inplace=True)

    def select(
        self,
        filter_func: Callable[[Any], bool] | None = None,
        at_most: float = float("inf"),
        inplace: bool = False,
        agent_type: type | None = None,
    ) -> Borrowers:
        """The first `at_most` members (a share of them if a float up to 1) for whom `filter_func(borrower)` is true."""
        ids = self.ids
        if agent_type is not None and not issubclass(self.market.borrower_class, agent_type):
            ids = ids[:0]
        if isinstance(at_most, float) and at_most <= 1.0:
            at_most = int(len(ids) * at_most)
        most = min(int(min(at_most, len(ids))), len(ids))
        if filter_func is None:
            return self._with(ids[:most], inplace)
        chosen: list[int] = []
        for number in ids.tolist():
            if len(chosen) >= most:
                break
            if filter_func(self.market._borrower_by_id(number)):
                chosen.append(number)
        return self._with(chosen, inplace)

    def get(self, attr_names: str | list[str], handle_missing: str = "error", default_value: Any = None) -> list[Any]:
        """The value of an attribute (or a list of several) of each member, in the rules' units."""
        if handle_missing not in ("error", "default"):
            raise BadInput(f"handle_missing: 'error' or 'default' is needed, not {quoted(handle_missing)}")
        default = () if handle_missing == "error" else (default_value,)
        if isinstance(attr_names, str):
            return self._values(attr_names, default)
        return [list(values) for values in zip(*(self._values(name, default) for name in attr_names), strict=True)]

    def _values(self, name: str, default: tuple[Any, ...]) -> list[Any]:
        if self.is_column(name):
            return self.column(name, self.ids)
        try:
            return [getattr(self.market._borrower_by_id(number), name, *default) for number in self.ids.tolist()]
        except AttributeError as error:
            raise NoSuchAttribute(f"{error}{nearest(name, FIELDS)}") from None

    def set(self, attr_name: str, value: Any) -> Borrowers:
        """Write one value for each member; a field's column at once."""
        if attr_name not in FIELDS or not self.is_column(attr_name):
            for agent in self.to_list():
                setattr(agent, attr_name, value)
            return self
        if why := closed_to_writers(attr_name, value):
            raise BadInput(f"{attr_name} {why}")
        simulation = self.market.simulation
        stored = unreal(attr_name, storable(FIELDS[attr_name], value))
        simulation.engine.put_raw(attr_name, self.ids % simulation.size, stored, simulation.month)
        self.market._note(attr_name)
        return self

    def shuffle(self, inplace: bool = False) -> Borrowers:
        """In random order (model.random). Nothing in a run depends on any order."""
        ids = self.ids.tolist()
        self.random.shuffle(ids)
        return self._with(ids, inplace)

    def sort(self, key: Callable[[Any], Any] | str, ascending: bool = False, inplace: bool = False) -> Borrowers:
        """Sorted by an attribute or a function of each member, largest first unless `ascending`."""
        values = self.get(key) if isinstance(key, str) else self.map(key)
        order = sorted(range(len(values)), key=values.__getitem__, reverse=not ascending)
        return self._with(self.ids[np.array(order, np.int64)], inplace)

    def groupby(self, by: Callable[[Any], Any] | str, result_type: str = "agentset") -> GroupBy:
        """Members by the value of an attribute or a function: sets, or lists of Borrowers."""
        values = self.get(by) if isinstance(by, str) else self.map(by)
        found: dict[Any, list[int]] = {}
        for number, value in zip(self.ids.tolist(), values, strict=True):
            found.setdefault(value, []).append(number)
        groups = {value: self._with(numbers, inplace=False) for value, numbers in found.items()}
        return GroupBy({k: v.to_list() for k, v in groups.items()} if result_type == "list" else groups)

    def map(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """What a method, or a function of the borrower, gives for each member who is still here."""
        results = []
        for number in self.ids.tolist():
            if self.market._is_here(number):
                agent = self.market._borrower_by_id(number)
                call = self._method(agent, method) if isinstance(method, str) else partial(method, agent)
                results.append(call(*args, **kwargs))
        return results

    def _method(self, agent: Borrower, name: str) -> Callable[..., Any]:
        found = getattr(agent, name, None)
        if not callable(found):
            raise NoSuchAttribute(
                f"method: borrowers have none that is called {quoted(name)}{nearest(name, dir(type(agent)))}"
            )
        return found

    def do(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> Borrowers:
        self.map(method, *args, **kwargs)
        return self

    def shuffle_do(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> Borrowers:
        self.shuffle().map(method, *args, **kwargs)
        return self

    def add(self, agent: Any) -> None:
        if self.members is None or not isinstance(agent, Borrower) or agent.model is not self.market:
            raise BadInput("add: market.agents is everybody; only a borrower of this market can be added, to a copy")
        if agent not in self:
            self.members = np.append(self.members, agent.unique_id)

    def discard(self, agent: Any) -> None:
        if agent in self:
            self.remove(agent)

    def remove(self, agent: Any) -> None:
        """From everybody: the borrower leaves the platform. From another set: only from the set."""
        if agent not in self:
            raise NotThere(f"{quoted(agent)}: is not in this set of borrowers")
        if self.members is None:
            agent.remove()
        else:
            self.members = self.members[self.members != agent.unique_id]
