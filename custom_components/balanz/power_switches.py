"""Switches that cut the power of chargers that nothing else stops, as the user has named them."""

import asyncio
from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
)
from homeassistant.core import HomeAssistant, callback, split_entity_id

from .const import LOGGER

RETRY_S = 10.0
"""How long a switch has to change its state before it is told again."""
TRIES = 30


class PowerSwitches:
    """Turns the switches of one config entry off and on."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Know no switch yet."""
        self.entity_ids: Mapping[str, str] = {}
        """By charger identity."""
        self._hass = hass
        self._entry = entry
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @callback
    def turn(self, identity: str, on: bool) -> None:
        """Switch a charger's power; the last word counts."""
        entity_id = self.entity_ids.get(identity)
        if entity_id is None:
            return
        if (task := self._tasks.get(entity_id)) is not None:
            task.cancel()
        self._tasks[entity_id] = self._entry.async_create_background_task(
            self._hass, self._turn(entity_id, on), f"balanz power switch {entity_id}"
        )

    @callback
    def stop(self) -> None:
        """Give up what has not worked yet."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def _turn(self, entity_id: str, on: bool) -> None:
        """Tell a switch until it says that it has obeyed: one that is away hears nothing."""
        domain, _ = split_entity_id(entity_id)
        service, wanted = (SERVICE_TURN_ON, STATE_ON) if on else (SERVICE_TURN_OFF, STATE_OFF)
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(RETRY_S):
                    await self._hass.services.async_call(
                        domain, service, {ATTR_ENTITY_ID: entity_id}, blocking=True
                    )
            except Exception as error:
                # Whatever another integration raises, the power still has to go.
                LOGGER.debug("%s of %s failed: %s", service, entity_id, error)
            state = self._hass.states.get(entity_id)
            if state is not None and state.state == wanted:
                return
            await asyncio.sleep(RETRY_S)
        LOGGER.error("%s did not take %s", entity_id, service)
