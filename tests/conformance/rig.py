"""A central system in a Home Assistant, driven from outside: by a socket and by actions.

The reusable states of the published cases are methods here: booted, authorized, charging.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from homeassistant.components.switch.const import DOMAIN as SWITCH
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, SERVICE_TURN_OFF
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr

from custom_components.balanz.const import DOMAIN
from tests.csms.client import RawCharger, check_result, wait_until

IDENTITY = "CP-1"
VALID_TAG = "04A1B2C3D4"
CONNECTORS = 2


def stamp(*, minutes_ago: float = 0.0) -> str:
    """A time as a charger writes it."""
    moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Rig:
    """The charger under the tester's control, and the Home Assistant at the other end."""

    def __init__(self, hass: HomeAssistant, port: int, charger: RawCharger) -> None:
        self.hass = hass
        self.port = port
        self.charger = charger
        self._meter_wh = count(1000)

    # The user's side

    async def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        """Start something through an action of Home Assistant, and return its response."""
        response = await self.hass.services.async_call(
            DOMAIN,
            action,
            {ATTR_DEVICE_ID: self._device_id, **fields},
            blocking=True,
            return_response=True,
        )
        assert isinstance(response, dict)
        return response

    async def tell(self, action: str, **fields: Any) -> None:
        """Start something through an action of Home Assistant that has no response."""
        data = {ATTR_DEVICE_ID: self._device_id, **fields}
        await self.hass.services.async_call(DOMAIN, action, data, blocking=True)

    async def knows(self, id_tag: str, **fields: Any) -> None:
        """Set up a tag in Home Assistant."""
        await self.hass.services.async_call(
            DOMAIN, "set_tag", {"id": id_tag, **fields}, blocking=True
        )

    async def without_smart_charging(self) -> None:
        """Leave the charger to itself, so that the only profiles are those of the tester."""
        await self.hass.services.async_call(
            SWITCH,
            SERVICE_TURN_OFF,
            {ATTR_ENTITY_ID: "switch.home_smart_charging"},
            blocking=True,
        )

    def sent(self, action: str) -> list[dict[str, Any]]:
        """What the central system has asked of the charger; valid by the schema, or it fails."""
        return self.charger.received(action)

    def last(self, action: str) -> dict[str, Any]:
        """The newest of these requests."""
        return self.sent(action)[-1]

    @property
    def _device_id(self) -> str:
        device_id = dr.async_get_device_id_by_identifier(
            self.hass, (DOMAIN, f"home_charger_{IDENTITY}"), config_entry_id="home"
        )
        assert device_id is not None
        return device_id

    # The charger's side

    async def says(self, action: str, **payload: Any) -> dict[str, Any]:
        """Send a request as the charger; the answer must be a valid one, never an error."""
        answer = await self.charger.call(action, payload)
        assert isinstance(answer, dict), f"{action} was answered with {answer}"
        await check_result(action, answer)
        return answer

    async def status(self, status: str, connector: int = 1, error: str = "NoError") -> None:
        """Report a connector's status."""
        await self.says(
            "StatusNotification",
            connectorId=connector,
            status=status,
            errorCode=error,
            timestamp=stamp(),
        )

    async def authorize(self, id_tag: str = VALID_TAG) -> str:
        """Ask whether a tag may charge; return the verdict."""
        answer = await self.says("Authorize", idTag=id_tag)
        return str(answer["idTagInfo"]["status"])

    async def starts(
        self, id_tag: str = VALID_TAG, *, connector: int = 1, **fields: Any
    ) -> dict[str, Any]:
        """Start a transaction; return the whole answer."""
        told = {"timestamp": stamp(), "meterStart": next(self._meter_wh)} | fields
        return await self.says("StartTransaction", connectorId=connector, idTag=id_tag, **told)

    async def stops(self, transaction_id: int, reason: str, **fields: Any) -> dict[str, Any]:
        """Stop a transaction; return the answer."""
        told = {"timestamp": stamp(), "meterStop": next(self._meter_wh)} | fields
        return await self.says(
            "StopTransaction", transactionId=transaction_id, reason=reason, **told
        )

    # The reusable states

    async def booted(self) -> dict[str, Any]:
        """Boot, and report the status of the charger and its connectors."""
        answer = await self.says(
            "BootNotification", chargePointVendor="Tester", chargePointModel="One"
        )
        assert answer["status"] == "Accepted"
        for connector in range(CONNECTORS + 1):
            await self.status("Available", connector)
        return answer

    async def authorized(self) -> None:
        """Boot, and have the valid tag accepted."""
        await self.booted()
        assert await self.authorize() == "Accepted"

    async def charging(self) -> int:
        """Have a session run on the first connector; return its transaction id."""
        await self.authorized()
        await self.status("Preparing")
        started = await self.starts()
        assert started["idTagInfo"]["status"] == "Accepted"
        await self.status("Charging")
        return int(started["transactionId"])

    async def unplugged(self) -> None:
        """End the session at the connector."""
        await self.status("Finishing")
        await self.status("Available")

    # What Home Assistant shows

    async def shows(self, entity_id: str, state: str) -> None:
        """Wait until an entity has a state."""

        def has() -> bool:
            found = self.hass.states.get(entity_id)
            return found is not None and found.state == state

        try:
            await wait_until(has)
        except TimeoutError:
            raise AssertionError(f"{self.hass.states.get(entity_id)} is not {state}") from None

    async def has_no_transaction(self) -> None:
        """Fail if there is one to be stopped."""
        with pytest.raises(ServiceValidationError) as refusal:
            await self.ask("remote_stop_transaction", connector_id=1)
        assert refusal.value.translation_key == "no_transaction"

    async def quiet(self) -> None:
        """Let what is under way come to rest, such as the interview after a boot."""
        await asyncio.sleep(0.05)
