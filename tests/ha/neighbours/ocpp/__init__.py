"""A small OCPP integration of another kind: a central system on the public `ocpp` package.

It does what the integration of that domain does which many homes have: a server of its own, one
device per charger, entity ids that it sets itself, and actions with the name of a charger as text.
"""

from typing import Any

from homeassistant.const import CONF_PORT, Platform
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse

from ocpp.v16 import call

from .central_system import CentralSystem

DOMAIN = "ocpp"
PLATFORMS = [Platform.NUMBER, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: Any) -> bool:
    """Listen, and offer the actions."""
    entry.runtime_data = central = CentralSystem()
    await central.start(entry.data[CONF_PORT])
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)

    async def set_charge_rate(asked: ServiceCall) -> None:
        await central.set_charge_rate(asked.data["devid"], asked.data["limit_amps"])

    async def get_configuration(asked: ServiceCall) -> ServiceResponse:
        request = call.GetConfiguration(key=[asked.data["ocpp_key"]])
        answer = await central.ask(asked.data["devid"], request)
        return {"value": answer.configuration_key[0]["value"]}

    hass.services.async_register(DOMAIN, "set_charge_rate", set_charge_rate)
    hass.services.async_register(
        DOMAIN,
        "get_configuration",
        get_configuration,
        supports_response=SupportsResponse.ONLY,
    )
    return True


async def async_unload_entry(hass: HomeAssistant, entry: Any) -> bool:
    """Close the server, and take the actions back."""
    await entry.runtime_data.stop()
    for service in ("set_charge_rate", "get_configuration"):
        hass.services.async_remove(DOMAIN, service)
    return bool(await hass.config_entries.async_unload_platforms(entry, PLATFORMS))
