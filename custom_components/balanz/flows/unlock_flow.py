"""The repair of a site that was restored without its keys: its code opens them."""

from typing import Any

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import selector

from ..csms.key_lock import WrongCode
from ..tls_sources import authority_of
from .repair_flow import SiteRepairFlow

ATTR_CODE = "recovery_code"


class UnlockKeysFlow(SiteRepairFlow):
    """Asks for the code, and starts the site with its keys."""

    step_id = "code"

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask at once."""
        return await self.async_step_code()

    async def async_step_code(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Open the keys, and start the site."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None:
            return self.not_running()
        if entry.state is ConfigEntryState.LOADED:
            return self.async_abort(reason="already_mended")
        errors: dict[str, str] = {}
        if user_input is not None:
            lock = authority_of(self.hass, self._entry_id).lock
            try:
                await self.hass.async_add_executor_job(lock.open, user_input[ATTR_CODE])
            except WrongCode:
                errors[ATTR_CODE] = "code_wrong"
            except OSError:
                return self.async_abort(reason="storage_failing")
            else:
                self.hass.config_entries.async_schedule_reload(self._entry_id)
                return self.async_create_entry(data={})
        password = selector.TextSelectorConfig(type=selector.TextSelectorType.PASSWORD)
        return self.async_show_form(
            step_id=self.step_id,
            data_schema=vol.Schema({vol.Required(ATTR_CODE): selector.TextSelector(password)}),
            errors=errors,
            description_placeholders=self.names,
        )
