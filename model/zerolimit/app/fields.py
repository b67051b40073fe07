"""A labelled control of plain HTML: a number, a text, a switch, a choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipyvuetify
import traitlets


class Widget(ipyvuetify.VuetifyTemplate):
    """One labelled control of plain HTML (field.vue): keyboard and screen readers know it."""

    template_file = (__file__, "field.vue")
    id = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode("number").tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    unit = traitlets.Unicode("").tag(sync=True)
    says = traitlets.Unicode("").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    acts = traitlets.Dict(None, allow_none=True).tag(sync=True)
    value = traitlets.Any(None, allow_none=True).tag(sync=True)
    options = traitlets.List(default_value=[]).tag(sync=True)
    low = traitlets.Float(0.0).tag(sync=True)
    high = traitlets.Float(0.0).tag(sync=True)
    step = traitlets.Float(0.01).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    on_change = traitlets.Callable(None, allow_none=True)

    def vue_change(self, event: Mapping[str, Any]) -> None:
        """The visitor has set a value."""
        if self.on_change is not None:
            self.on_change(event["value"])


def choose(
    id: str, label: str, value: Any, options: Mapping[str, str], on_change: Callable[[Any], None], **more: Any
) -> Any:
    """A list to choose from, of plain HTML."""
    listed = [{"value": key, "text": text} for key, text in options.items()]
    return Widget.element(id=id, kind="choice", label=label, value=value, options=listed, on_change=on_change, **more)
