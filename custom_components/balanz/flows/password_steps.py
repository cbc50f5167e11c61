"""The step in which a flow makes a password for a charger, and shows it this once."""

from abc import abstractmethod
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult
from homeassistant.helpers import selector

from ..const import CONF_QR_CODE, CONF_SEND
from ..coordinator import BalanzConfigEntry
from ..csms.credentials import new_password
from ..csms.security_profile import SecurityProfile
from ..csms.station import StationError
from ..security_url import url_for
from ..storage.journal import StorageError
from ..tls_sources import root_file
from .forms import Errors

WITH_PASSWORD = (SecurityProfile.PASSWORD, SecurityProfile.TLS_PASSWORD)


def password_schema(text: str, *, can_send: bool) -> vol.Schema:
    """Return the form that shows a password; where the charger is there it can be sent to it."""
    fields: dict[vol.Marker, Any] = {
        vol.Optional(CONF_QR_CODE): selector.QrCodeSelector(
            selector.QrCodeSelectorConfig(
                data=text, scale=5, error_correction_level=selector.QrErrorCorrectionLevel.MEDIUM
            )
        )
    }
    if can_send:
        fields[vol.Required(CONF_SEND, default=True)] = selector.BooleanSelector()
    return vol.Schema(fields)


class PasswordSteps[
    ContextT: FlowContext,
    ResultT: FlowResult[Any, Any],
    HandlerT,
](FlowHandler[ContextT, ResultT, HandlerT]):
    """Makes a password once a charger's form is done; for flows of entries and subentries.

    Nothing is kept of a password but its hash, and that only when the user goes on.
    """

    _password = ""

    @property
    @abstractmethod
    def password_entry(self) -> BalanzConfigEntry:
        """The site."""

    @property
    @abstractmethod
    def password_identity(self) -> str:
        """The charger."""

    @property
    @abstractmethod
    def password_profile(self) -> SecurityProfile:
        """What will be asked of it."""

    @property
    def can_send_password(self) -> bool:
        """Whether the charger can be told its password."""
        return self.password_entry.runtime_data.site.door.is_connected(self.password_identity)

    @abstractmethod
    async def async_finish_charger(self) -> ResultT:
        """Go on with what the user said."""

    async def async_step_password(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Show a new password; it lets the charger in once the user goes on."""
        entry = self.password_entry
        if entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="site_not_running")
        self._password = self._password or new_password()
        errors: Errors = {}
        if user_input is not None:
            errors = await self._async_use_password(send=user_input.get(CONF_SEND, False))
            if not errors:
                return await self.async_finish_charger()
        identity = self.password_identity
        url = url_for(self.hass, entry, self.password_profile)
        text = "\n".join((f"{url}{identity}", identity, self._password))
        return self.async_show_form(
            step_id="password",
            data_schema=self.add_suggested_values_to_schema(
                password_schema(text, can_send=self.can_send_password),
                {CONF_SEND: False} if errors else {},
            ),
            errors=errors,
            description_placeholders={
                "url": url,
                "identity": identity,
                "password": self._password,
                "root": root_file(self.hass, entry),
            },
        )

    async def _async_use_password(self, *, send: bool) -> Errors:
        door, identity = self.password_entry.runtime_data.site.door, self.password_identity
        try:
            await door.set_password(identity, self._password)
        except StorageError:
            return {"base": "storage_failing"}
        if not send:
            return {}
        if not door.is_connected(identity):
            # It waits to be confirmed, and takes commands only after that.
            door.give_password(identity, self._password)
            return {}
        try:
            await door.send_password(identity, self._password)
        except StationError:
            return {"base": "password_not_taken"}
        return {}
