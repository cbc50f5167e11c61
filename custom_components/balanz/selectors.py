"""Fields of forms that several forms have."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, override

import voluptuous as vol
from homeassistant.const import UnitOfElectricCurrent
from homeassistant.helpers import selector

HIGHEST_RATING_A = 2000
DEFAULT_RATING_A = 16.0
"""A small main fuse: whoever overlooks the field gets too little, never too much."""

LOWEST_PRIORITY, HIGHEST_PRIORITY = 1, 10
"""Of a charger."""


class FiniteNumberSelector(selector.NumberSelector):
    """A number; what compares with no bound, such as NaN, is none."""

    @override
    def __call__(self, data: Any) -> float:
        """Return the number. Raises vol.Invalid."""
        value = super().__call__(data)
        if not isfinite(value):
            raise vol.Invalid("Value is not a finite number")
        return value


def number_selector(
    lowest: float, highest: float, *, step: float = 1, unit: str | None = None
) -> selector.NumberSelector:
    """Return a field for a number."""
    config = selector.NumberSelectorConfig(
        min=lowest, max=highest, step=step, mode=selector.NumberSelectorMode.BOX
    )
    if unit is not None:
        config["unit_of_measurement"] = unit
    return FiniteNumberSelector(config)


def current_selector(
    highest_a: float, *, lowest_a: float = 0, step_a: float = 0.1
) -> selector.NumberSelector:
    """Return a field for a current."""
    return number_selector(lowest_a, highest_a, step=step_a, unit=UnitOfElectricCurrent.AMPERE)


def select(
    options: Mapping[str, str] | list[str], translation_key: str, *, multiple: bool = False
) -> selector.SelectSelector:
    """Return a drop-down list; a mapping gives labels, a list has them translated."""
    if isinstance(options, Mapping):
        return choice(options, multiple=multiple)
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=options,
            mode=selector.SelectSelectorMode.DROPDOWN,
            translation_key=translation_key,
            multiple=multiple,
        )
    )


def choice(labels: Mapping[str, str], *, multiple: bool = False) -> selector.SelectSelector:
    """Return a drop-down list of what the user has named; `labels` are by value."""
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[
                selector.SelectOptionDict(value=value, label=label)
                for value, label in labels.items()
            ],
            mode=selector.SelectSelectorMode.DROPDOWN,
            multiple=multiple,
        )
    )
