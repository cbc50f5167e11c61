"""What comes after the form of a charger that is discovered, added by hand or changed."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult
from homeassistant.helpers import selector

from ..const import CONF_GROUP, CONF_QR_CODE, CONF_SEND
from ..coordinator import BalanzConfigEntry
from ..csms.credentials import new_password
from ..csms.security_profile import SecurityProfile
from ..csms.station import StationError
from ..entry_settings import charger_names, groups_above, security_of, site_phases
from ..names import name_errors
from ..security_url import url_for
from ..storage.journal import StorageError
from ..tls_sources import profiles_offered, root_file
from .forms import Errors, read_charger_input

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


class ChargerSteps[
    ContextT: FlowContext,
    ResultT: FlowResult[Any, Any],
    HandlerT,
](FlowHandler[ContextT, ResultT, HandlerT]):
    """Reads a charger's form and makes a password after it; for flows of entries and subentries.

    Nothing is kept of a password but its hash, and that only when the user goes on.
    """

    charger: dict[str, Any]
    """What was said in the form, but for the name."""
    charger_name: str
    _password = ""

    @property
    @abstractmethod
    def site_entry(self) -> BalanzConfigEntry:
        """The site of the charger."""

    @property
    @abstractmethod
    def charger_identity(self) -> str:
        """What the charger calls itself."""

    @property
    def can_send_password(self) -> bool:
        """Whether the charger can be told its password."""
        return self.site_entry.runtime_data.site.door.is_connected(self.charger_identity)

    @property
    def needs_password(self) -> bool:
        """Whether a password is to be made before the charger is kept."""
        return security_of(self.charger) in WITH_PASSWORD

    def read_charger(self, user_input: Mapping[str, Any], *, old_name: str | None = None) -> Errors:
        """Take in what was said in the form; return what is wrong with it."""
        entry = self.site_entry
        self.charger, errors = read_charger_input(
            user_input,
            site_phases(entry),
            profiles_offered(entry.data),
            groups_above(entry, user_input[CONF_GROUP]),
        )
        self.charger_name = user_input[CONF_NAME].strip()
        return errors | name_errors(self.charger_name, charger_names(entry), old=old_name)

    async def async_after_form(self) -> ResultT:
        """Go on where nothing is wrong with the form."""
        if self.needs_password:
            return await self.async_step_password()
        return await self.async_finish_charger()

    @abstractmethod
    async def async_finish_charger(self) -> ResultT:
        """Go on with what the user said."""

    async def async_step_password(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Show a new password; it lets the charger in once the user goes on."""
        entry = self.site_entry
        if entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="site_not_running")
        self._password = self._password or new_password()
        errors: Errors = {}
        if user_input is not None:
            errors = await self._async_use_password(send=user_input.get(CONF_SEND, False))
            if not errors:
                return await self.async_finish_charger()
        identity = self.charger_identity
        url = url_for(self.hass, entry, security_of(self.charger))
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
        door, identity = self.site_entry.runtime_data.site.door, self.charger_identity
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
