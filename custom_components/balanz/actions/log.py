"""The action that fetches a log of the security extension; for administrators only."""

from secrets import randbelow

import voluptuous as vol
from homeassistant.core import HomeAssistant, callback

from ..csms.v16_security import LogType
from .charger_target import ChargerTarget
from .log_fetching import fetch_log
from .ocpp import Answer, Fields, OcppAction, register_ocpp_action
from .ocpp_fields import location, moment
from .security import MAX_REQUEST_ID

_LOGS = {log.name.lower(): log for log in LogType}


async def _get_log(target: ChargerTarget, data: Fields) -> Answer:
    log_type: LogType = data["log_type"]

    async def ask(url: str) -> str | None:
        name = await target.coordinator.site.door.commands(target.identity).get_log(
            log_type,
            url,
            request_id=randbelow(MAX_REQUEST_ID),
            since=data.get("since"),
            until=data.get("until"),
        )
        return name or None

    if "location" in data:
        return {"filename": await ask(data["location"]) or ""}
    return await fetch_log(target, log_type.name.lower(), ask)


GET_LOG = OcppAction(
    name="get_log",
    fields={
        vol.Required("log_type"): vol.All(vol.In(_LOGS), _LOGS.__getitem__),
        vol.Optional("location"): location,
        vol.Optional("since"): moment,
        vol.Optional("until"): moment,
    },
    ask=_get_log,
    admin=True,
)


@callback
def register_log_action(hass: HomeAssistant) -> None:
    """Register the action; it is there whether a site runs or not."""
    register_ocpp_action(hass, GET_LOG)
