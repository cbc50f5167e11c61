"""Actions that say what groups may carry, and what chargers may draw, for a while or to last.

All that can be wrong with one of several targets is found before anything is changed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service

from ..const import CONF_PRIORITY, DOMAIN, HIGHEST_CHARGER_PRIORITY, LOWEST_CHARGER_PRIORITY
from ..csms.station_errors import StationError
from ..durations import end_of
from ..entity import recorded
from ..plan_entity import change_plan
from ..settings_change import change_charger
from ..site.bound import BoundName
from ..site.capacity_settings import OverrideTooHigh
from ..site.remote_commands import DEFAULT_ID_TAG
from ..storage.overrides import CapacityOverride
from ..storage.plans import BOOST_LASTS, Plan
from .charger_target import refused_command
from .fields import amount, duration, target_schema, whole_number
from .ocpp_fields import ATTR_ID_TAG, ID_TAG
from .targets import ConnectorTarget, targeted_connectors, targeted_groups

ATTR_CURRENT = "current"
ATTR_DURATION = "duration"
ATTR_POWER = "power"
ATTR_PRIORITY = "priority"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancingAction:
    """One action: what it takes besides its target, and what it does."""

    name: str
    fields: Mapping[vol.Marker, Any]
    run: Callable[[HomeAssistant, Mapping[str, Any]], Awaitable[None]]
    admin: bool = False
    """Whether it changes what others have set up."""
    needs_one_of: tuple[str, ...] = ()
    """The fields of which at least one has to be there."""

    @property
    def schema(self) -> vol.Schema:
        """The fields and the target."""
        if not self.needs_one_of:
            return target_schema(self.fields)
        some = cv.has_at_least_one_key(*self.needs_one_of)
        return vol.Schema(vol.All(target_schema(self.fields), some))


@callback
def register_balancing_actions(hass: HomeAssistant) -> None:
    """Register the actions; they are there whether a site runs or not."""
    for action in BALANCING_ACTIONS:
        handler = partial(_handle, action)
        if action.admin:
            async_register_admin_service(hass, DOMAIN, action.name, handler, action.schema)
        else:
            hass.services.async_register(DOMAIN, action.name, handler, action.schema)


async def _handle(action: BalancingAction, call: ServiceCall) -> None:
    await action.run(call.hass, call.data)


async def _set_capacity(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    targets = targeted_groups(hass, data)
    override = CapacityOverride(
        capacity_a=data.get(ATTR_CURRENT),
        power_w=data.get(ATTR_POWER),
        until=end_of(data.get(ATTR_DURATION)),
    )
    for target in targets:
        try:
            target.site.capacity.check(target.group.id, override)
        except OverrideTooHigh as error:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="capacity_too_high",
                translation_placeholders={
                    "group": target.group.name,
                    "highest": f"{error.highest:g} {error.unit}",
                },
            ) from error
    with recorded():
        for target in targets:
            await target.site.capacity.override(target.group.id, override)


async def _clear_capacity(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    with recorded():
        for target in targeted_groups(hass, data):
            await target.site.capacity.end_override(target.group.id)


async def _set_limit(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    targets = targeted_connectors(hass, data)
    limit_a, power_w = data.get(ATTR_CURRENT), data.get(ATTR_POWER)
    until = end_of(data.get(ATTR_DURATION))
    for target in targets:
        _check_limit(target, limit_a, target.site.ceilings.rating_a(target.key), "A")
        _check_limit(target, power_w, target.site.ceilings.rating_w(target.key), "W")
    with recorded():
        for target in targets:
            ceilings = target.site.ceilings
            await ceilings.set(target.key, BoundName.LIMIT, limit_a, until, power_w=power_w)


def _check_limit(target: ConnectorTarget, value: float | None, highest: float, unit: str) -> None:
    if value is not None and value > highest:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="limit_too_high",
            translation_placeholders={"charger": target.name, "highest": f"{highest:g} {unit}"},
        )


async def _clear_limit(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    with recorded():
        for target in targeted_connectors(hass, data):
            await target.site.ceilings.end(target.key, BoundName.LIMIT)


async def _pause(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    until = end_of(data.get(ATTR_DURATION))
    with recorded():
        for target in targeted_connectors(hass, data):
            await target.site.ceilings.set(target.key, BoundName.PAUSE, 0.0, until)


async def _resume(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    with recorded():
        for target in targeted_connectors(hass, data):
            await target.site.ceilings.end(target.key, BoundName.PAUSE)


async def _boost(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    for target in targeted_connectors(hass, data):
        known = target.snapshot
        plan = Plan() if known is None else known.plan
        usual = BOOST_LASTS if known is None else known.boost_lasts
        until = end_of(data.get(ATTR_DURATION, usual))
        await change_plan(target.site, target.key, replace(plan, boosted_until=until))


async def _set_priority(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    priority = data[ATTR_PRIORITY]
    if not LOWEST_CHARGER_PRIORITY <= priority <= HIGHEST_CHARGER_PRIORITY:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="priority_invalid",
            translation_placeholders={
                "value": str(priority),
                "lowest": str(LOWEST_CHARGER_PRIORITY),
                "highest": str(HIGHEST_CHARGER_PRIORITY),
            },
        )
    for target in targeted_connectors(hass, data):
        change_charger(target.coordinator, target.charger, {CONF_PRIORITY: priority})


async def _start(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    await _ask_all(
        targeted_connectors(hass, data),
        lambda target: target.site.remote.start(target.key, data[ATTR_ID_TAG]),
    )


async def _stop(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    await _ask_all(
        targeted_connectors(hass, data), lambda target: target.site.remote.stop(target.key)
    )


async def _ask_all(
    targets: list[ConnectorTarget], ask: Callable[[ConnectorTarget], Awaitable[None]]
) -> None:
    """Ask all chargers at once; then raise HomeAssistantError if one of them did not do it."""

    async def asked(target: ConnectorTarget) -> StationError | None:
        try:
            await ask(target)
        except StationError as error:
            return error
        return None

    answers = await asyncio.gather(*map(asked, targets))
    for target, error in zip(targets, answers, strict=True):
        if error is not None:
            raise refused_command(error, target.name) from error


_DURATION: dict[vol.Marker, Any] = {vol.Optional(ATTR_DURATION): duration}
_CURRENT_OR_POWER: dict[vol.Marker, Any] = {
    vol.Optional(ATTR_CURRENT): amount,
    vol.Optional(ATTR_POWER): amount,
}

BALANCING_ACTIONS = (
    BalancingAction(
        name="set_capacity",
        fields={**_CURRENT_OR_POWER, **_DURATION},
        run=_set_capacity,
        needs_one_of=(ATTR_CURRENT, ATTR_POWER),
    ),
    BalancingAction(name="clear_capacity", fields={}, run=_clear_capacity),
    BalancingAction(
        name="set_limit",
        fields={**_CURRENT_OR_POWER, **_DURATION},
        run=_set_limit,
        needs_one_of=(ATTR_CURRENT, ATTR_POWER),
    ),
    BalancingAction(name="clear_limit", fields={}, run=_clear_limit),
    BalancingAction(name="pause", fields=_DURATION, run=_pause),
    BalancingAction(name="resume", fields={}, run=_resume),
    BalancingAction(name="boost", fields=_DURATION, run=_boost),
    BalancingAction(
        name="set_priority",
        fields={vol.Required(ATTR_PRIORITY): whole_number},
        run=_set_priority,
        admin=True,
    ),
    BalancingAction(
        name="start",
        fields={vol.Optional(ATTR_ID_TAG, default=DEFAULT_ID_TAG): ID_TAG},
        run=_start,
    ),
    BalancingAction(name="stop", fields={}, run=_stop),
)
