"""The page (`zerolimit app`), built on Mesa's visualization server. A room per part; needs the extra `app`.

`components()` are its panels for a plain SolaraViz, `model_params()` Mesa's controls for the same parameters.
"""

from typing import Any


def components() -> list[Any]:
    """The panels as Mesa components: functions of a CreditMarket."""
    from zerolimit.app.mesa import components

    return components()


def model_params() -> dict[str, Any]:
    """The page's controls as Mesa's user parameters."""
    from zerolimit.app.mesa import model_params

    return model_params()
