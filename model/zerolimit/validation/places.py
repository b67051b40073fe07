"""Where rows are measured: the markets of a targets file and scenarios of one's own, their windows, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zerolimit.basics.errors import BadInput, nearest, quoted
from zerolimit.parameters.scenario import Scenario, load_scenario, presets
from zerolimit.validation.measures import MEASURES
from zerolimit.validation.seen import Seen
from zerolimit.validation.targets import BOTH, Market, Target, Targets, Window
from zerolimit.vocabulary.names import PRODUCTS

Asked = tuple[str, int, int, int | None]
"""A measure, first month, month after the last, the event's month."""


@dataclass(frozen=True)
class Place:
    """Where rows are measured: a market of the targets file, or a scenario of one's own in place of one."""

    name: str
    market: Market
    scenario: Scenario | None
    own: bool = False

    @property
    def months(self) -> int:
        """How long it is run."""
        if self.market.months is not None:
            return self.market.months
        start = self.scenario.start if self.scenario is not None else None
        return 0 if start is None else Seen(start, {}, {}).month_of(self.market.last or start) + 1


def product_of(scenario: Scenario) -> str:
    """What a scenario lends: instalments, card, or both."""
    loans, card = PRODUCTS
    return {0.0: loans, 1.0: card}.get(scenario.share_card, BOTH)


def places_of(targets: Targets, scenarios: Sequence[Any], parameters: Mapping[str, Any]) -> list[Place]:
    """The markets of the file, or those and the scenarios named. BadInput: a name is neither."""
    if not scenarios:
        return [Place(one.name, one, preset_of(one, parameters)) for one in targets.markets.values()]
    found: list[Place] = []
    for given in scenarios:
        if isinstance(given, str) and given in targets.markets:
            market = targets.markets[given]
            found.append(Place(given, market, preset_of(market, parameters)))
            continue
        try:
            scenario = load_scenario(given, **parameters)
        except BadInput as error:
            hint = nearest(given, [*targets.markets, *presets()]) if isinstance(given, str) else ""
            raise BadInput(f"{error}{'' if 'did you mean' in str(error) else hint}") from None
        own = Market(scenario.name, scenario.name, product_of(scenario), BURN_IN, months_of(scenario))
        found.append(Place(scenario.name, own, scenario, own=True))
    names = [one.name for one in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"scenarios: {quoted(twice[0])} is there twice; give one another name")
    return found


BURN_IN, MONTHS, AFTERWARDS = 12, 60, 12
"""Of scenarios of one's own: months left out, all that are run at least, and those run after the calendar's last item."""


def months_of(scenario: Scenario) -> int:
    """How long a scenario of one's own is run: five years, or until a year after the last item of its calendar."""
    return max([MONTHS, *(item.month + 1 + AFTERWARDS for item in scenario.calendar)])


def preset_of(market: Market, parameters: Mapping[str, Any]) -> Scenario | None:
    """A market's scenario; None where no such preset comes with the package."""
    known = market.scenario in presets() or market.scenario.endswith(".toml")
    return load_scenario(market.scenario, **parameters) if known else None


def window_in(place: Place, window: Window | None) -> tuple[int, int, int | None] | str:
    """First month, month after the last and the event's month of a window in a place; or why there is none."""
    assert place.scenario is not None
    first, last = place.market.burn_in, place.months
    if window is None:
        return first, last, None
    if place.scenario.start is None:
        return f"no calendar: {window.says} needs a scenario with a start"
    dated = Seen(place.scenario.start, {}, {})
    if window.first is not None:
        first = max(first, dated.month_of(window.first))
    if window.last is not None:
        last = min(last, dated.month_of(window.last) + 1)
    at = None if window.at is None else dated.month_of(window.at)
    if first >= last or (at is not None and not first <= at < last):
        return f"out of the calendar: the scenario begins {place.scenario.start} and has no {window.says}"
    return first, last, at


def why_not(target: Target, place: Place) -> str:
    """Why a target cannot be measured in a place, or nothing."""
    if target.lacks is not None:
        return target.lacks
    if place.scenario is None:
        return f"no such preset yet: {place.market.scenario}"
    product = product_of(place.scenario)
    if place.own and target.product not in (BOTH, product):
        return f"wrong product: the target is of {target.product}, the scenario lends {product}"
    return ""


@dataclass(frozen=True)
class Wanted:
    """A target in a place: whether it counts there, and over which months it is measured, or why it is not."""

    target: Target
    place: Place
    counted: bool
    asked: Asked | None
    why: str = ""


def wanted_in(targets: Targets, places: Sequence[Place]) -> list[Wanted]:
    """Every target in every place where it is measured."""
    found = []
    for target, place, counted in rows_of(targets, places):
        why = why_not(target, place)
        window = why or window_in(place, targets.windows[target.window] if target.window else None)
        if isinstance(window, str):
            found.append(Wanted(target, place, counted, None, window))
        else:
            found.append(Wanted(target, place, counted, (target.quantity, *window)))
    return found


def asked_in(wanted: Sequence[Wanted], place: Place) -> tuple[Asked, ...]:
    """What is measured in a place, each once."""
    return tuple(dict.fromkeys(one.asked for one in wanted if one.place is place and one.asked is not None))


def rows_of(targets: Targets, places: Sequence[Place]) -> Iterator[tuple[Target, Place, bool]]:
    """Targets where they are measured, and whether they count there."""
    for target in targets.rows:
        for place in places:
            if place.own or place.name in target.markets:
                yield target, place, target.counted
            elif place.name in target.proxies:
                yield target, place, False


def checked(targets: Targets) -> Targets:
    """Targets whose measures are known, with their units. BadInput: the row."""
    for number, one in enumerate(targets.rows, 1):
        where = f"targets {targets.name}: target {number} ({one.id})"
        if one.quantity not in MEASURES:
            raise BadInput(f"{where}: unknown measure {quoted(one.quantity)}{nearest(one.quantity, MEASURES)}")
        if MEASURES[one.quantity].unit != one.unit:
            raise BadInput(f"{where}: unit: {one.quantity} is measured in {MEASURES[one.quantity].unit}, not in {one.unit}")
    return targets
