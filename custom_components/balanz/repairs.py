"""Repairs that the user can finish with a click."""

from abc import abstractmethod
from typing import override

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .coordinator import BalanzConfigEntry
from .entity import recorded
from .site import BalanzSite


class ConfirmedFlow(RepairsFlow):
    """Does something to a site once the user has confirmed it."""

    def __init__(self, entry_id: str, subject: str) -> None:
        """Stand for one issue of one site."""
        super().__init__()
        self._entry_id = entry_id
        self._subject = subject

    @abstractmethod
    async def async_mend(self, site: BalanzSite, subject: str) -> None:
        """Do what was confirmed. Raises StorageError."""

    async def async_step_init(self, _user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask at once."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask whether to do it."""
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
            await self.async_mend(entry.runtime_data.site, self._subject)
        return self.async_create_entry(data={})


class ReleaseBookingFlow(ConfirmedFlow):
    """Releases the current that is still booked for a charger that was removed or moved."""

    @override
    async def async_mend(self, site: BalanzSite, subject: str) -> None:
        """Release it: the user has seen that the charger draws nothing any more."""
        await site.release_booking(subject)


class AcceptAddressFlow(ConfirmedFlow):
    """Lets a charger without a password come from its new address."""

    @override
    async def async_mend(self, site: BalanzSite, subject: str) -> None:
        """Accept it: the user knows that it is the charger who has moved."""
        site.door.accept_address(subject)


async def async_create_fix_flow(
    _hass: HomeAssistant, _issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    assert data is not None
    if "booking_id" in data:
        return ReleaseBookingFlow(str(data["entry_id"]), str(data["booking_id"]))
    return AcceptAddressFlow(str(data["entry_id"]), str(data["identity"]))
