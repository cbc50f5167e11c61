"""How a group shares, as a section of the forms of a site and of a group."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.const import UnitOfPower
from homeassistant.data_entry_flow import section
from homeassistant.helpers import selector

from ..balancing.group import DEFAULT_POWER_FACTOR
from ..balancing.policies import Policy
from ..balancing.schedule_text import ScheduleTextError, parse_schedule
from ..balancing.surplus import SurplusMode
from ..const import (
    CONF_ADVANCED,
    CONF_POLICY,
    CONF_POWER_FACTOR,
    CONF_POWER_LIMIT_KW,
    CONF_SCHEDULE,
    CONF_SHARE_A,
    CONF_SURPLUS,
    POLICY_INHERIT,
    POWER_FACTOR_BEFORE,
)
from ..schedule_input import place_of
from ..selectors import HIGHEST_RATING_A, current_selector, number_selector, select
from .forms import Errors

HIGHEST_POWER_LIMIT_KW = 2000
EXAMPLES: Mapping[str, str] = {
    # Texts of translations must not hold what looks like a tag.
    "example": "`Mo-Fr 17:00-20:59>0=16:5=32`",
    "example_daily": "`22:00-05:59>0=48`",
    "example_holiday": "`Sa,Su,PH 08:00-19:59>0=24`",
}
"""What the description of the schedule shows."""


def sharing_section(*, root: bool, collapsed: bool = True) -> dict[vol.Marker, Any]:
    """Return the section; the root group has no group above to share like."""
    policies = [*Policy] if root else [POLICY_INHERIT, *Policy]
    fields: dict[vol.Marker, Any] = {
        vol.Required(CONF_POLICY, default=policies[0]): select(policies, CONF_POLICY),
        vol.Optional(CONF_SHARE_A): current_selector(HIGHEST_RATING_A),
        vol.Required(CONF_SURPLUS, default=SurplusMode.IGNORE): select(
            list(SurplusMode), CONF_SURPLUS
        ),
        vol.Optional(CONF_POWER_LIMIT_KW): number_selector(
            0.1, HIGHEST_POWER_LIMIT_KW, step=0.01, unit=UnitOfPower.KILO_WATT
        ),
        vol.Required(CONF_POWER_FACTOR, default=DEFAULT_POWER_FACTOR): number_selector(
            0.5, 1, step=0.01
        ),
        vol.Optional(CONF_SCHEDULE): selector.TextSelector(
            selector.TextSelectorConfig(multiline=True)
        ),
    }
    return {vol.Optional(CONF_ADVANCED): section(vol.Schema(fields), {"collapsed": collapsed})}


def sharing_suggestions(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form starts with, from what was kept before; nothing where that is empty."""
    if not data:
        return {}
    return {
        **data,
        CONF_ADVANCED: {CONF_POWER_FACTOR: POWER_FACTOR_BEFORE, **data.get(CONF_ADVANCED, {})},
    }


def read_sharing_input(
    user_input: Mapping[str, Any], old: Mapping[str, Any], *, root: bool
) -> tuple[dict[str, Any], Errors, dict[str, str]]:
    """Return what to keep of a form with the section, what is wrong, and the words for that.

    Whoever leaves the section out keeps what is kept in `old`, or gets the defaults.
    """
    [default] = sharing_section(root=root).values()
    kept = old.get(CONF_ADVANCED, {}) if old else default({})
    advanced = dict(user_input.get(CONF_ADVANCED, kept))
    errors: Errors = {}
    wrong: dict[str, str] = {}
    text = advanced.pop(CONF_SCHEDULE, "")
    if text.strip():
        advanced[CONF_SCHEDULE] = text
        try:
            parse_schedule(text)
        except ScheduleTextError as error:
            errors[CONF_ADVANCED] = f"schedule_{error.key}"
            wrong = place_of(error)
    return {**user_input, CONF_ADVANCED: advanced}, errors, wrong
