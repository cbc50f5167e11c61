"""Actions that ask a charger what OCPP lets a central system ask, and return its answer.

What a charger answers is a response, not an error: an automation can look at it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from secrets import randbelow
from typing import Any

import voluptuous as vol
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..csms.capabilities import RateUnit
from ..csms.charging_profile import ChargingProfile
from ..csms.command_values import (
    AvailabilityType,
    CommandStatus,
    MessageTrigger,
    ProfileCriteria,
    ProfilePurpose,
    ResetType,
    UpdateType,
)
from ..csms.guarded_keys import is_secret, locks_out
from ..csms.v16_security import LogType
from ..entity import recorded
from ..site.foreign_profiles import ProfileRefused
from ..site.remote_commands import DEFAULT_ID_TAG
from .charger_target import ChargerTarget, answered, charger_target
from .log_fetching import fetch_log
from .ocpp_fields import (
    ATTR_CHARGING_PROFILE,
    ATTR_EXPIRY_DATE,
    ATTR_FORCE,
    ATTR_ID_TAG,
    ATTR_PARENT_ID_TAG,
    ATTR_STATUS,
    CONNECTOR,
    DEVICE,
    ID_TAG,
    NUMBER,
    RETRIES,
    SECONDS,
    charging_profile,
    local_list,
    location,
    moment,
    short_text,
)

type Fields = Mapping[str, Any]
type Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OcppAction:
    """One action: what it takes, and what it does."""

    name: str
    fields: Mapping[vol.Marker, Any]
    ask: Callable[[ChargerTarget, Fields], Awaitable[Answer]]
    admin: bool = False
    """Whether it can do harm, or tells what is nobody else's business."""
    response: SupportsResponse = SupportsResponse.OPTIONAL

    @property
    def schema(self) -> vol.Schema:
        """All fields, that of the device included."""
        return vol.Schema({**DEVICE, **self.fields})


def register_ocpp_actions(hass: HomeAssistant) -> None:
    """Register the actions; they are there whether a site runs or not."""
    for action in OCPP_ACTIONS:
        register_ocpp_action(hass, action)


def register_ocpp_action(hass: HomeAssistant, action: OcppAction) -> None:
    """Register one action."""
    handler = partial(_handle, action)
    if action.admin:
        async_register_admin_service(
            hass, DOMAIN, action.name, handler, action.schema, action.response
        )
    else:
        hass.services.async_register(DOMAIN, action.name, handler, action.schema, action.response)


async def _handle(action: OcppAction, call: ServiceCall) -> ServiceResponse:
    if ATTR_CHARGING_PROFILE in call.data and call.context.user_id is not None:
        # Whoever may start a session may not set limits for all that.
        user = await call.hass.auth.async_get_user(call.context.user_id)
        if user is None or not user.is_admin:
            raise Unauthorized(context=call.context)
    target = charger_target(call.hass, call.data)
    with answered(target):
        return await action.ask(target, call.data)


def _status(status: CommandStatus) -> Answer:
    return {ATTR_STATUS: status.value}


async def _cancel_reservation(target: ChargerTarget, data: Fields) -> Answer:
    return _status(await target.commands.cancel_reservation(data["reservation_id"]))


async def _change_availability(target: ChargerTarget, data: Fields) -> Answer:
    connector = target.connector(zero_allowed=True)
    return _status(await target.commands.change_availability(connector, data["type"]))


async def _change_configuration(target: ChargerTarget, data: Fields) -> Answer:
    if locks_out(data["key"]):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="key_locks_out",
            translation_placeholders={"charger": target.charger.name, "key": data["key"]},
        )
    change = await target.remote.change_configuration(target.identity, data["key"], data["value"])
    if change.warning is None:
        return _status(change.status)
    LOGGER.warning(
        "%s: with %s at %r it cannot be balanced as it should be: %s",
        target.charger.name,
        data["key"],
        data["value"],
        change.warning,
    )
    return {**_status(change.status), "warning": change.warning.value}


async def _clear_cache(target: ChargerTarget, _data: Fields) -> Answer:
    return _status(await target.commands.clear_cache())


async def _data_transfer(target: ChargerTarget, data: Fields) -> Answer:
    answer = await target.commands.data_transfer(
        data["vendor_id"], data.get("message_id"), data.get("data")
    )
    return {**_status(answer.status), "data": answer.data}


async def _get_composite_schedule(target: ChargerTarget, data: Fields) -> Answer:
    answer = await target.commands.get_composite_schedule(
        target.connector(zero_allowed=True),
        duration_s=data["duration"],
        unit=data.get("charging_rate_unit"),
    )
    return {
        **_status(answer.status),
        "connector_id": answer.connector,
        "schedule_start": None if answer.starts_at is None else answer.starts_at.isoformat(),
        "duration": answer.duration_s,
        "charging_rate_unit": answer.unit,
        "charging_schedule_period": [
            {
                "start_period": period.start_s,
                "limit": period.limit,
                "number_phases": period.phases,
            }
            for period in answer.periods
        ],
    }


async def _get_configuration(target: ChargerTarget, data: Fields) -> Answer:
    configuration = await target.commands.get_configuration(data.get("key", ()))
    return {
        "configuration_key": [
            asdict(replace(entry, value=None) if is_secret(entry.key) else entry)
            for entry in configuration.entries
        ],
        "unknown_key": list(configuration.unknown_keys),
    }


async def _get_diagnostics(target: ChargerTarget, data: Fields) -> Answer:
    async def ask(url: str) -> str | None:
        return await target.commands.get_diagnostics(
            url,
            retries=data.get("retries"),
            retry_interval_s=data.get("retry_interval"),
            since=data.get("start_time"),
            until=data.get("stop_time"),
        )

    if "location" in data:
        return {"file_name": await ask(data["location"])}
    return await fetch_log(target, LogType.DIAGNOSTICS.name.lower(), ask)


async def _get_local_list_version(target: ChargerTarget, _data: Fields) -> Answer:
    return {"list_version": await target.commands.get_local_list_version()}


async def _remote_start_transaction(target: ChargerTarget, data: Fields) -> Answer:
    connector = target.optional_connector()
    if connector is None and target.charger.connectors == 1:
        connector = 1
    profile: ChargingProfile | None = data.get(ATTR_CHARGING_PROFILE)
    if profile is not None and (
        profile.purpose is not ProfilePurpose.TX or profile.transaction_id is not None
    ):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="not_a_profile_to_start_with"
        )
    with _passed_on(target):
        status = await target.remote.start_transaction(
            target.identity, data[ATTR_ID_TAG], connector, profile, force=data[ATTR_FORCE]
        )
    return _status(status)


async def _remote_stop_transaction(target: ChargerTarget, data: Fields) -> Answer:
    transaction_id = data.get("transaction_id")
    if transaction_id is None:
        transaction_id = target.remote.transaction_id(target.key)
    if transaction_id is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_transaction",
            translation_placeholders={"charger": target.charger.name},
        )
    status = await target.commands.remote_stop_transaction(transaction_id)
    return {**_status(status), "transaction_id": transaction_id}


async def _reserve_now(target: ChargerTarget, data: Fields) -> Answer:
    reservation_id = data.get("reservation_id")
    if reservation_id is None:
        reservation_id = 1 + randbelow(2**31 - 1)
    status = await target.commands.reserve_now(
        target.connector(zero_allowed=True),
        reservation_id=reservation_id,
        id_tag=data[ATTR_ID_TAG],
        expires_at=data[ATTR_EXPIRY_DATE],
        parent_id_tag=data.get(ATTR_PARENT_ID_TAG),
    )
    return {**_status(status), "reservation_id": reservation_id}


async def _reset(target: ChargerTarget, data: Fields) -> Answer:
    return _status(await target.commands.reset(data["type"]))


async def _send_local_list(target: ChargerTarget, data: Fields) -> Answer:
    entries, update = data["local_authorization_list"], data["update_type"]
    nameless = next((entry.id_tag for entry in entries if entry.status is None), None)
    if update is UpdateType.FULL and nameless is not None:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="tag_without_status",
            translation_placeholders={"id_tag": nameless},
        )
    status = await target.commands.send_local_list(data["list_version"], update, entries)
    return _status(status)


async def _clear_charging_profile(target: ChargerTarget, data: Fields) -> Answer:
    profile_id = data.get("id")
    criteria = ProfileCriteria(
        connector=target.optional_connector(zero_allowed=True),
        purpose=data.get("charging_profile_purpose"),
        stack_level=data.get("stack_level"),
    )
    if profile_id is not None:
        # What is void beside a number only confuses chargers.
        criteria = ProfileCriteria(profile_id=profile_id)
    with _passed_on(target):
        status = await target.remote.profiles.clear(
            target.identity, criteria, force=data[ATTR_FORCE]
        )
    return _status(status)


async def _set_charging_profile(target: ChargerTarget, data: Fields) -> Answer:
    connector = target.connector(zero_allowed=True)
    with _passed_on(target):
        status = await target.remote.profiles.install(
            target.identity, connector, data[ATTR_CHARGING_PROFILE], force=data[ATTR_FORCE]
        )
    return _status(status)


@contextmanager
def _passed_on(target: ChargerTarget) -> Iterator[None]:
    """Pass on a profile. Raises HomeAssistantError if balanz itself does not let it out."""
    try:
        with recorded():
            yield
    except ProfileRefused as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=error.refusal,
            translation_placeholders={"charger": target.charger.name},
        ) from error


async def _trigger_message(target: ChargerTarget, data: Fields) -> Answer:
    connector = target.optional_connector(zero_allowed=True)
    return _status(await target.commands.trigger_message(data["requested_message"], connector))


async def _unlock_connector(target: ChargerTarget, _data: Fields) -> Answer:
    return _status(await target.commands.unlock_connector(target.connector()))


async def _update_firmware(target: ChargerTarget, data: Fields) -> Answer:
    retrieve_at = data.get("retrieve_date") or dt_util.utcnow()
    await target.commands.update_firmware(
        data["location"],
        retrieve_at=retrieve_at,
        retries=data.get("retries"),
        retry_interval_s=data.get("retry_interval"),
    )
    return {"retrieve_date": retrieve_at.isoformat()}


_FORCE: dict[vol.Marker, Any] = {vol.Optional(ATTR_FORCE, default=False): cv.boolean}
_RETRIES: dict[vol.Marker, Any] = {
    vol.Optional("retries"): RETRIES,
    vol.Optional("retry_interval"): SECONDS,
}

OCPP_ACTIONS = (
    OcppAction(
        name="cancel_reservation",
        fields={vol.Required("reservation_id"): NUMBER},
        ask=_cancel_reservation,
    ),
    OcppAction(
        name="change_availability",
        fields={**CONNECTOR, vol.Required("type"): vol.Coerce(AvailabilityType)},
        ask=_change_availability,
    ),
    OcppAction(
        name="change_configuration",
        fields={
            vol.Required("key"): short_text(50),
            vol.Required("value"): vol.All(cv.string, vol.Length(max=500)),
        },
        ask=_change_configuration,
        admin=True,
    ),
    OcppAction(name="clear_cache", fields={}, ask=_clear_cache),
    OcppAction(
        name="clear_charging_profile",
        fields={
            **CONNECTOR,
            vol.Optional("id"): NUMBER,
            vol.Optional("charging_profile_purpose"): vol.Coerce(ProfilePurpose),
            vol.Optional("stack_level"): vol.All(NUMBER, vol.Range(min=0)),
            **_FORCE,
        },
        ask=_clear_charging_profile,
        admin=True,
    ),
    OcppAction(
        name="data_transfer",
        fields={
            vol.Required("vendor_id"): short_text(255),
            vol.Optional("message_id"): short_text(50),
            vol.Optional("data"): vol.All(cv.string, vol.Length(max=10_000)),
        },
        ask=_data_transfer,
        admin=True,
    ),
    OcppAction(
        name="get_composite_schedule",
        fields={
            **CONNECTOR,
            vol.Optional("duration", default=3600): SECONDS,
            vol.Optional("charging_rate_unit"): vol.All(cv.string, vol.Upper, vol.Coerce(RateUnit)),
        },
        ask=_get_composite_schedule,
        response=SupportsResponse.ONLY,
    ),
    OcppAction(
        name="get_configuration",
        fields={vol.Optional("key"): vol.All(cv.ensure_list, [short_text(50)])},
        ask=_get_configuration,
        admin=True,
        response=SupportsResponse.ONLY,
    ),
    OcppAction(
        name="get_diagnostics",
        fields={
            vol.Optional("location"): location,
            vol.Optional("start_time"): moment,
            vol.Optional("stop_time"): moment,
            **_RETRIES,
        },
        ask=_get_diagnostics,
        admin=True,
    ),
    OcppAction(
        name="get_local_list_version",
        fields={},
        ask=_get_local_list_version,
        response=SupportsResponse.ONLY,
    ),
    OcppAction(
        name="remote_start_transaction",
        fields={
            **CONNECTOR,
            vol.Optional(ATTR_ID_TAG, default=DEFAULT_ID_TAG): ID_TAG,
            vol.Optional(ATTR_CHARGING_PROFILE): charging_profile,
            **_FORCE,
        },
        ask=_remote_start_transaction,
    ),
    OcppAction(
        name="remote_stop_transaction",
        fields={**CONNECTOR, vol.Optional("transaction_id"): NUMBER},
        ask=_remote_stop_transaction,
    ),
    OcppAction(
        name="reserve_now",
        fields={
            **CONNECTOR,
            vol.Required(ATTR_ID_TAG): ID_TAG,
            vol.Required(ATTR_EXPIRY_DATE): moment,
            vol.Optional("reservation_id"): NUMBER,
            vol.Optional(ATTR_PARENT_ID_TAG): ID_TAG,
        },
        ask=_reserve_now,
    ),
    OcppAction(
        name="reset",
        fields={vol.Optional("type", default=ResetType.SOFT): vol.Coerce(ResetType)},
        ask=_reset,
    ),
    OcppAction(
        name="send_local_list",
        fields={
            vol.Required("list_version"): vol.All(NUMBER, vol.Range(min=1)),
            vol.Required("update_type"): vol.Coerce(UpdateType),
            vol.Optional("local_authorization_list", default=list): local_list,
        },
        ask=_send_local_list,
        admin=True,
    ),
    OcppAction(
        name="set_charging_profile",
        fields={**CONNECTOR, vol.Required(ATTR_CHARGING_PROFILE): charging_profile, **_FORCE},
        ask=_set_charging_profile,
        admin=True,
    ),
    OcppAction(
        name="trigger_message",
        fields={**CONNECTOR, vol.Required("requested_message"): vol.Coerce(MessageTrigger)},
        ask=_trigger_message,
    ),
    OcppAction(name="unlock_connector", fields={**CONNECTOR}, ask=_unlock_connector),
    OcppAction(
        name="update_firmware",
        fields={
            vol.Required("location"): location,
            vol.Optional("retrieve_date"): moment,
            **_RETRIES,
        },
        ask=_update_firmware,
        admin=True,
    ),
)
