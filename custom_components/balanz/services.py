"""Actions of the integration."""

from asyncio import CancelledError
from typing import Any

import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv

from .actions.allocation import register_allocation_action
from .actions.balancing import register_balancing_actions
from .actions.charger_target import devices_named
from .actions.firmware import async_setup_firmware_actions
from .actions.keys import register_key_actions
from .actions.log import register_log_action
from .actions.ocpp import register_ocpp_actions
from .actions.proofs import register_proof_actions
from .actions.security import register_security_actions
from .actions.tags import async_setup_tag_actions
from .const import DOMAIN
from .coordinator import BalanzCoordinator
from .devices import GroupDevice
from .site.drill import DrillError
from .site.drill_report import DrillReport

RUN_OVERLOAD_DRILL = "run_overload_drill"
_GROUP_SCHEMA = vol.Schema({vol.Required(ATTR_DEVICE_ID): cv.string})


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions; they are there whether a site runs or not."""
    async_setup_tag_actions(hass)
    async_setup_firmware_actions(hass)
    hass.services.async_register(
        DOMAIN,
        RUN_OVERLOAD_DRILL,
        _run_overload_drill,
        schema=_GROUP_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    register_balancing_actions(hass)
    register_allocation_action(hass)
    register_ocpp_actions(hass)
    register_security_actions(hass)
    register_log_action(hass)
    register_proof_actions(hass)
    register_key_actions(hass)


def refused_drill(error: DrillError) -> ServiceValidationError:
    """Return what to tell a user whose drill cannot be."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=error.code)


def drill_response(report: DrillReport) -> dict[str, Any]:
    """Return a report as the answer of an action, and as the attributes of its sensor."""
    return {
        "capacity": report.capacity_a,
        "slowest": report.slowest_s,
        "chargers": [
            {
                "name": one.name,
                "limit_before": one.from_a,
                "limit": one.to_a,
                "accepted_after": one.accepted_after_s,
                "followed_after": one.followed_after_s,
            }
            for one in report.connectors
        ],
    }


async def _run_overload_drill(call: ServiceCall) -> ServiceResponse:
    """Run a drill in the group that a device stands for; return its report."""
    coordinator, group = _group_of(call.hass, call.data[ATTR_DEVICE_ID])
    try:
        ended = coordinator.site.start_drill(group.id)
    except DrillError as error:
        raise refused_drill(error) from error
    try:
        report = await ended
    except CancelledError:
        if not coordinator.site.running:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="drill_aborted"
            ) from None
        raise
    return {"at": report.at.isoformat(), **drill_response(report)}


def _group_of(hass: HomeAssistant, device_id: str) -> tuple[BalanzCoordinator, GroupDevice]:
    """Return the group that a device stands for, and its site. Raises ServiceValidationError."""
    for coordinator, device in devices_named(hass, device_id):
        if isinstance(device, GroupDevice):
            return coordinator, device
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_a_group")
