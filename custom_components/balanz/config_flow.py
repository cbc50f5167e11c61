"""Config flows: a site, and the chargers that it discovers."""

import asyncio
import errno
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, override

import voluptuous as vol
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    ConfigSubentry,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.core import callback
from homeassistant.helpers import selector

from .balancing.phases import ALL_PHASES, Phase
from .charger_url import charger_url
from .const import (
    CONF_ADVANCED,
    CONF_IDENTITY,
    CONF_PHASES,
    CONF_RATING_A,
    CONF_SECURITY,
    CONF_SUPPLY,
    CONF_TLS,
    CONF_TLS_PORT,
    CONF_UPSTREAM,
    DEFAULT_HOST,
    DEFAULT_PORT,
    DOMAIN,
    RECONFIGURED,
    SUBENTRY_CHARGER,
    SUBENTRY_GROUP,
)
from .coordinator import BalanzConfigEntry
from .discovery import Discovery
from .entry_settings import group_names, site_phases
from .flows.charger_steps import ChargerSteps
from .flows.energy_dashboard import KnownSupply, async_known_supply
from .flows.forms import Errors, charger_schema
from .flows.group_form import EXAMPLES, read_sharing_input, sharing_section, sharing_suggestions
from .flows.options_flow import SiteOptionsFlow
from .flows.security_form import async_security_errors, security_section
from .flows.subentry_flow import ChargerSubentryFlow, GroupSubentryFlow
from .flows.supply_steps import SupplySteps
from .names import name_errors
from .selectors import DEFAULT_RATING_A, HIGHEST_RATING_A, current_selector, number_selector, select
from .tls_sources import TlsSource, tls_source
from .upstream_form import upstream_error, upstream_section


def site_schema(errors: Errors | None = None) -> vol.Schema:
    """Return the form for a site; sections with an error in them are open."""
    wrong = errors or {}
    fields: dict[vol.Marker, Any] = {
        vol.Required(CONF_NAME): selector.TextSelector(),
        vol.Required(CONF_HOST, default=DEFAULT_HOST): selector.TextSelector(),
        vol.Required(CONF_PORT, default=DEFAULT_PORT): vol.All(
            number_selector(1, 65535), vol.Coerce(int)
        ),
        vol.Required(CONF_RATING_A, default=DEFAULT_RATING_A): current_selector(
            HIGHEST_RATING_A, lowest_a=1
        ),
        vol.Required(CONF_PHASES, default="3"): select(["1", "3"], CONF_PHASES),
    }
    return vol.Schema(
        fields
        | sharing_section(root=True, collapsed=CONF_ADVANCED not in wrong)
        | security_section(collapsed=CONF_SECURITY not in wrong)
        | upstream_section(root=True, collapsed=CONF_UPSTREAM not in wrong)
    )


async def async_try_to_listen(host: str, port: int) -> Errors:
    """Bind the port and let it go again; return why it cannot be used."""
    if not host.strip():
        # It would mean all addresses, which have a name of their own.
        return {CONF_HOST: "cannot_listen"}
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return {CONF_PORT: "port_in_use"}
        if error.errno == errno.EACCES:
            return {CONF_PORT: "port_not_allowed"}
        return {CONF_HOST: "cannot_listen"}
    except ValueError:
        # What cannot even be looked up, such as an endless name.
        return {CONF_HOST: "cannot_listen"}
    server.close()
    await server.wait_closed()
    return {}


class BalanzConfigFlow(
    SupplySteps[ConfigFlowContext, ConfigFlowResult, str],
    ChargerSteps[ConfigFlowContext, ConfigFlowResult, str],
    ConfigFlow,
    domain=DOMAIN,
):
    """Sets up a site, changes it, and confirms chargers that dial in."""

    _site: dict[str, Any]
    _discovery: Discovery

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the flows for groups and chargers."""
        return {SUBENTRY_CHARGER: ChargerSubentryFlow, SUBENTRY_GROUP: GroupSubentryFlow}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow for the options of a site."""
        return SiteOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the site's name, where to listen, and its main fuse."""
        return await self._async_site_form("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the same again."""
        return await self._async_site_form("reconfigure", user_input)

    async def _async_site_form(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        old: Mapping[str, Any] = {}
        if self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
            old = {**entry.data, CONF_NAME: entry.title}
        errors: Errors = {}
        wrong: dict[str, str] = {}
        if user_input is not None:
            self._site, errors, wrong = read_sharing_input(user_input, old, root=True)
            for kept in (CONF_SECURITY, CONF_UPSTREAM):
                if kept in old:
                    self._site.setdefault(kept, old[kept])
            if (error := upstream_error(self._site)) is not None:
                errors[CONF_UPSTREAM] = error
            errors |= name_errors(user_input[CONF_NAME])
            errors |= await self._async_listening_errors(user_input, old)
            errors |= await self._async_tls_port_errors(old)
            wrong_files, unusable = await async_security_errors(self.hass, self._site)
            errors |= wrong_files
            wrong |= unusable
            if not errors:
                return await self.async_step_supply()
        name = {CONF_NAME: self.hass.config.location_name}
        suggested = user_input or sharing_suggestions(old) or name
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(site_schema(errors), suggested),
            errors=errors,
            description_placeholders={**EXAMPLES, **wrong},
        )

    async def _async_listening_errors(
        self, user_input: Mapping[str, Any], old: Mapping[str, Any]
    ) -> Errors:
        host, port = user_input[CONF_HOST], user_input[CONF_PORT]
        if port == old.get(CONF_PORT):
            # A port that this site holds itself cannot be tried; its new address can, with any.
            return {} if host == old[CONF_HOST] else await async_try_to_listen(host, 0)
        sites = self._async_current_entries(include_ignore=False)
        if any(site.data[CONF_PORT] == port for site in sites):
            return {CONF_PORT: "port_of_other_site"}
        return await async_try_to_listen(host, port)

    async def _async_tls_port_errors(self, old: Mapping[str, Any]) -> Errors:
        """Return why the port for encrypted connections cannot be used, if there is to be one."""
        if tls_source(self._site) is TlsSource.NONE:
            return {}
        port = self._site[CONF_SECURITY][CONF_TLS_PORT]
        if port == self._site[CONF_PORT]:
            return {CONF_SECURITY: "tls_port_same"}
        before = old.get(CONF_SECURITY, {})
        if port == before.get(CONF_TLS_PORT) and before[CONF_TLS] != TlsSource.NONE:
            return {}
        if await async_try_to_listen(self._site[CONF_HOST], port):
            return {CONF_SECURITY: "tls_port_in_use"}
        return {}

    @property
    @override
    def supply_phases(self) -> tuple[Phase, ...]:
        """The phases of the grid connection that the user gave."""
        return ALL_PHASES[: int(self._site[CONF_PHASES])]

    @property
    @override
    def old_supply(self) -> Mapping[str, Any] | None:
        """The supply of the entry that is reconfigured."""
        if self.source != SOURCE_RECONFIGURE:
            return None
        supply: Mapping[str, Any] = self._get_reconfigure_entry().data[CONF_SUPPLY]
        return supply

    @property
    @override
    def can_keep_supply(self) -> bool:
        """Whether the old supply fits the phases that the site has now."""
        return (
            self.old_supply is not None
            and self._get_reconfigure_entry().data[CONF_PHASES] == self._site[CONF_PHASES]
        )

    @override
    async def async_known_supply(self) -> KnownSupply | None:
        """Return the sensors of the Energy dashboard: they measure the grid connection."""
        return await async_known_supply(self.hass, self.supply_phases)

    @override
    async def async_finish_supply(self, supply: Mapping[str, Any]) -> ConfigFlowResult:
        """Create the entry, or change it."""
        data = {**self._site, CONF_SUPPLY: supply}
        name = data.pop(CONF_NAME).strip()
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_reconfigure_entry(), title=name, data=data, reason=RECONFIGURED
            )
        return self.async_create_entry(
            title=name,
            data=data,
            description_placeholders={
                "url": charger_url(self.hass, data[CONF_HOST], data[CONF_PORT])
            },
        )

    @override
    async def async_step_integration_discovery(self, discovery_info: Any) -> ConfigFlowResult:
        """Meet a charger that introduced itself while pairing was open."""
        self._discovery = discovery_info
        await self.async_set_unique_id(self._discovery.unique_id)
        self._abort_if_unique_id_configured()
        self.context["title_placeholders"] = {"name": self._discovery.title}
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for what the charger cannot tell, and add it to its site."""
        entry = self.hass.config_entries.async_get_entry(self._discovery.entry_id)
        if entry is None:
            return self.async_abort(reason="site_removed")
        identity = self._discovery.identity
        errors: Errors = {}
        if user_input is not None:
            errors = self.read_charger(user_input)
            if not errors:
                return await self.async_after_form()
        boot = self._discovery.boot
        return self.async_show_form(
            step_id="confirm",
            data_schema=self.add_suggested_values_to_schema(
                charger_schema(
                    group_names(entry), site_phases(entry), identity=False, errors=errors
                ),
                user_input or {CONF_NAME: identity},
            ),
            errors=errors,
            description_placeholders={
                "identity": identity,
                "vendor": boot.vendor or "-",
                "model": boot.model or "-",
                "serial": boot.serial or "-",
                "firmware": boot.firmware or "-",
                "address": self._discovery.address,
            },
        )

    @property
    @override
    def site_entry(self) -> BalanzConfigEntry:
        """The site that the charger introduced itself to."""
        return self.hass.config_entries.async_get_known_entry(self._discovery.entry_id)

    @property
    @override
    def charger_identity(self) -> str:
        """What the charger calls itself."""
        return self._discovery.identity

    @property
    @override
    def can_send_password(self) -> bool:
        """It waits for being confirmed, and can be told then."""
        return True

    @override
    async def async_finish_charger(self) -> ConfigFlowResult:
        """Add the charger to its site."""
        identity = self._discovery.identity
        # Aborts with already_configured where it was added by hand meanwhile.
        self.hass.config_entries.async_add_subentry(
            self.site_entry,
            ConfigSubentry(
                data=MappingProxyType({**self.charger, CONF_IDENTITY: identity}),
                subentry_type=SUBENTRY_CHARGER,
                title=self.charger_name,
                unique_id=f"{SUBENTRY_CHARGER}:{identity}",
            ),
        )
        return self.async_abort(reason="charger_added")
