"""The charger that an action is meant for, and what went wrong with asking it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr

from ..balancing.model import ConnectorKey
from ..const import ATTR_CONNECTOR_ID, DOMAIN
from ..coordinator import BalanzConfigEntry, BalanzCoordinator
from ..csms.capabilities import MAX_CONNECTORS
from ..csms.station_errors import (
    AnswerUnreadable,
    CallRefused,
    CommandInvalid,
    StationError,
    StationOffline,
    StationUnreachable,
)
from ..csms.v16_commands import Commands
from ..devices import ChargerDevice, Device
from ..site.remote_commands import RemoteCommands


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerTarget:
    """A charger of a running site, and what the action says of its connector."""

    coordinator: BalanzCoordinator
    charger: ChargerDevice
    own_connector: int | None
    """The connector whose device was named; None where it was that of the charger."""
    asked_connector: int | None
    """The connector that the action names itself."""

    @property
    def identity(self) -> str:
        """The charger's OCPP identity."""
        return self.charger.identity

    @property
    def remote(self) -> RemoteCommands:
        """What the site passes on to chargers."""
        return self.coordinator.site.remote

    @property
    def commands(self) -> Commands:
        """What the charger can be asked. Raises StationOffline."""
        return self.remote.commands(self.identity)

    @property
    def key(self) -> ConnectorKey:
        """The connector that is meant. Raises ServiceValidationError if that is not clear."""
        return ConnectorKey(self.identity, self.connector())

    def connector(self, *, zero_allowed: bool = False) -> int:
        """Return the connector that is meant; 0 for the whole charger, where that can be.

        Raises ServiceValidationError where several could be meant, or there is no such.
        """
        connector = self.optional_connector(zero_allowed=zero_allowed)
        if connector is not None:
            return connector
        if self.charger.connectors == 1:
            return 1
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="connector_required",
            translation_placeholders={
                "charger": self.charger.name,
                "count": str(self.charger.connectors),
            },
        )

    def optional_connector(self, *, zero_allowed: bool = False) -> int | None:
        """Return the connector that is named; None if none is. Raises ServiceValidationError."""
        asked, own = self.asked_connector, self.own_connector
        if asked is None:
            return own
        least = 0 if zero_allowed else 1
        # How many it really has, the charger knows better than who has set it up.
        fits = least <= asked <= MAX_CONNECTORS
        if not fits or (own is not None and asked != own):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="connector_unknown",
                translation_placeholders={"charger": self.charger.name, "connector": str(asked)},
            )
        return asked


@callback
def devices_named(
    hass: HomeAssistant, device_id: str
) -> Iterator[tuple[BalanzCoordinator, Device]]:
    """Yield the device of a running site that a registry's id stands for, if there is one."""
    device = dr.async_get(hass).async_get(device_id)
    names = set() if device is None else _names(device.identifiers)
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        found: BalanzConfigEntry = entry
        if found.state is not ConfigEntryState.LOADED:
            continue
        for one in found.runtime_data.devices.values():
            own = {one.unique_id}
            if isinstance(one, ChargerDevice):
                own |= {one.connector_unique_id(key.connector) for key in one.connector_keys}
            if names & own:
                yield found.runtime_data, one


@callback
def charger_target(hass: HomeAssistant, data: Mapping[str, Any]) -> ChargerTarget:
    """Return the charger that an action is meant for. Raises ServiceValidationError."""
    device = dr.async_get(hass).async_get(data[ATTR_DEVICE_ID])
    names = set() if device is None else _names(device.identifiers)
    for coordinator, one in devices_named(hass, data[ATTR_DEVICE_ID]):
        if isinstance(one, ChargerDevice):
            numbers = (key.connector for key in one.connector_keys)
            return ChargerTarget(
                coordinator=coordinator,
                charger=one,
                own_connector=next(
                    (number for number in numbers if one.connector_unique_id(number) in names),
                    None,
                ),
                asked_connector=data.get(ATTR_CONNECTOR_ID),
            )
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_a_charger")


@contextmanager
def answered(target: ChargerTarget) -> Iterator[None]:
    """Wait for a charger's answer. Raises HomeAssistantError if there is none to read."""
    try:
        yield
    except StationError as error:
        raise refused_command(error, target.charger.name) from error


def refused_command(error: StationError, charger: str) -> HomeAssistantError:
    """Return what to tell a user whose charger did not do what it was asked."""
    placeholders = {"charger": charger}
    match error:
        case CallRefused():
            return HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="charger_refused_call",
                translation_placeholders={
                    **placeholders,
                    "code": error.code,
                    "description": error.description,
                },
            )
        case CommandInvalid():
            return ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="command_invalid",
                translation_placeholders={**placeholders, "error": str(error)},
            )
        case StationOffline():
            key = "charger_offline"
        case AnswerUnreadable():
            key = "answer_unreadable"
        case StationUnreachable():
            key = "charger_silent"
        case _:
            return HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="charger_refused",
                translation_placeholders={**placeholders, "error": str(error)},
            )
    return HomeAssistantError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def _names(identifiers: set[tuple[str, str]]) -> set[str]:
    return {name for domain, name in identifiers if domain == DOMAIN}
