"""Repairs that the user can finish with a click."""

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .coordinator import BalanzConfigEntry
from .entity import recorded


class ReleaseBookingFlow(RepairsFlow):
    """Releases the current that is still booked for a charger that was removed or moved."""

    def __init__(self, entry_id: str, booking_id: str) -> None:
        """Stand for one booking."""
        super().__init__()
        self._entry_id = entry_id
        self._booking_id = booking_id

    async def async_step_init(self, _user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask at once."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask whether the charger really draws nothing any more."""
        if user_input is None:
            issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
            return self.async_show_form(
                step_id="confirm",
                data_schema=vol.Schema({}),
                description_placeholders=issue.translation_placeholders if issue else None,
            )
        entry: BalanzConfigEntry | None = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="site_not_running")
        with recorded():
            await entry.runtime_data.site.release_booking(self._booking_id)
        return self.async_create_entry(data={})


async def async_create_fix_flow(
    _hass: HomeAssistant, _issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue; only bookings have one."""
    assert data is not None
    return ReleaseBookingFlow(str(data["entry_id"]), str(data["booking_id"]))
