"""Subentry flows: groups and chargers, added by hand or changed."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowContext,
    SubentryFlowResult,
)
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.helpers import selector
from homeassistant.util.ulid import ulid_now

from ..balancing.model import ROOT_GROUP_ID
from ..balancing.phases import Phase
from ..charger_url import charger_url
from ..const import (
    CONF_ADVANCED,
    CONF_IDENTITY,
    CONF_NEW_PASSWORD,
    CONF_PARENT,
    CONF_RATING_A,
    CONF_SUPPLY,
    CONF_UPSTREAM,
    RECONFIGURED,
    SUBENTRY_CHARGER,
    SUBENTRY_GROUP,
)
from ..coordinator import BalanzConfigEntry
from ..csms.security_profile import SecurityProfile
from ..entry_settings import (
    group_id_of,
    group_names,
    possible_parents,
    security_of,
    site_phases,
)
from ..names import name_errors
from ..selectors import DEFAULT_RATING_A, HIGHEST_RATING_A, current_selector, select
from ..upstream_form import upstream_error, upstream_section
from .charger_steps import WITH_PASSWORD, ChargerSteps
from .forms import Errors, charger_schema
from .group_form import EXAMPLES, read_sharing_input, sharing_section, sharing_suggestions
from .supply_steps import SupplySteps


def group_schema(parents: Mapping[str, str], errors: Errors | None = None) -> vol.Schema:
    """Return the form for a group; sections with an error in them are open."""
    wrong = errors or {}
    fields: dict[vol.Marker, Any] = {
        vol.Required(CONF_NAME): selector.TextSelector(),
        vol.Required(CONF_PARENT, default=ROOT_GROUP_ID): select(parents, CONF_PARENT),
        vol.Required(CONF_RATING_A, default=DEFAULT_RATING_A): current_selector(
            HIGHEST_RATING_A, lowest_a=1
        ),
    }
    return vol.Schema(
        fields
        | sharing_section(root=False, collapsed=CONF_ADVANCED not in wrong)
        | upstream_section(collapsed=CONF_UPSTREAM not in wrong)
    )


class ChargerSubentryFlow(
    ChargerSteps[SubentryFlowContext, SubentryFlowResult, tuple[str, str]], ConfigSubentryFlow
):
    """Adds a charger before it has dialled in, or changes one."""

    _password_wanted = False

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a charger; meanwhile unknown ones may introduce themselves."""
        entry = self._get_entry()
        if user_input is None and entry.state is ConfigEntryState.LOADED:
            entry.runtime_data.open_pairing()
        errors: Errors = {}
        if user_input is not None:
            errors = self.read_charger(user_input)
            unique_id = f"{SUBENTRY_CHARGER}:{user_input[CONF_IDENTITY]}"
            if any(other.unique_id == unique_id for other in entry.subentries.values()):
                errors[CONF_IDENTITY] = "identity_taken"
            if not errors:
                return await self.async_after_form()
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(
                charger_schema(
                    group_names(entry),
                    site_phases(entry),
                    identity=True,
                    security=SecurityProfile.PASSWORD,
                    errors=errors,
                ),
                user_input,
            ),
            errors=errors,
            description_placeholders={
                "url": charger_url(self.hass, entry.data[CONF_HOST], entry.data[CONF_PORT])
            },
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for all but the identity again."""
        entry = self._get_entry()
        subentry = self._get_reconfigure_subentry()
        errors: Errors = {}
        if user_input is not None:
            errors = self.read_charger(user_input, old_name=subentry.title)
            self._password_wanted = user_input.get(CONF_NEW_PASSWORD, False)
            if not errors:
                return await self.async_after_form()
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                charger_schema(
                    group_names(entry),
                    site_phases(entry),
                    identity=False,
                    security=security_of(subentry.data),
                    new_password=True,
                    errors=errors,
                ),
                user_input or {**subentry.data, CONF_NAME: subentry.title},
            ),
            errors=errors,
            description_placeholders={"identity": subentry.data[CONF_IDENTITY]},
        )

    @property
    @override
    def needs_password(self) -> bool:
        """Whether one is wanted, or asked for and was never made."""
        asked = super().needs_password
        if self.source != SOURCE_RECONFIGURE:
            return asked
        if self._password_wanted or not asked:
            return self._password_wanted
        # Without its site nobody knows whether there is one; it was asked for before, then.
        entry = self.site_entry
        if entry.state is not ConfigEntryState.LOADED:
            before = security_of(self._get_reconfigure_subentry().data)
            return before not in WITH_PASSWORD
        return not entry.runtime_data.site.door.has_password(self.charger_identity)

    @property
    @override
    def site_entry(self) -> BalanzConfigEntry:
        """The site that has, or will have, the charger."""
        return self._get_entry()

    @property
    @override
    def charger_identity(self) -> str:
        """What the user said when the charger was added."""
        if self.source == SOURCE_RECONFIGURE:
            return str(self._get_reconfigure_subentry().data[CONF_IDENTITY])
        return str(self.charger[CONF_IDENTITY])

    @override
    async def async_finish_charger(self) -> SubentryFlowResult:
        """Create the charger, or change it."""
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(),
                self._get_reconfigure_subentry(),
                title=self.charger_name,
                data_updates=self.charger,
                reason=RECONFIGURED,
            )
        return self.async_create_entry(
            title=self.charger_name,
            data=self.charger,
            unique_id=f"{SUBENTRY_CHARGER}:{self.charger_identity}",
        )


class GroupSubentryFlow(
    SupplySteps[SubentryFlowContext, SubentryFlowResult, tuple[str, str]], ConfigSubentryFlow
):
    """Adds a group, or changes one."""

    _group: dict[str, Any]

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a group's name, place and fuse."""
        return await self._async_group_form("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the same again."""
        return await self._async_group_form("reconfigure", user_input)

    async def _async_group_form(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        old: Mapping[str, Any] = {}
        if self.source == SOURCE_RECONFIGURE:
            subentry = self._get_reconfigure_subentry()
            old = {**subentry.data, CONF_NAME: subentry.title}
        errors: Errors = {}
        wrong: dict[str, str] = {}
        if user_input is not None:
            self._group, errors, wrong = read_sharing_input(user_input, old, root=False)
            if CONF_UPSTREAM in old:
                self._group.setdefault(CONF_UPSTREAM, old[CONF_UPSTREAM])
            if (error := upstream_error(self._group)) is not None:
                errors[CONF_UPSTREAM] = error
            names = group_names(self._get_entry()).values()
            errors |= name_errors(user_input[CONF_NAME].strip(), names, old=old.get(CONF_NAME))
            if not errors:
                return await self.async_step_supply()
        suggested = user_input or sharing_suggestions(old)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                group_schema(self._possible_parents(), errors), suggested
            ),
            errors=errors,
            description_placeholders={**EXAMPLES, **wrong},
        )

    def _possible_parents(self) -> dict[str, str]:
        """Return all groups that do not lie in the one that is changed."""
        entry = self._get_entry()
        if self.source != SOURCE_RECONFIGURE:
            return group_names(entry)
        return possible_parents(entry, group_id_of(self._get_reconfigure_subentry()))

    @property
    @override
    def supply_phases(self) -> tuple[Phase, ...]:
        """Groups have the phases of their site."""
        return site_phases(self._get_entry())

    @property
    @override
    def old_supply(self) -> Mapping[str, Any] | None:
        """The supply of the group that is reconfigured."""
        if self.source != SOURCE_RECONFIGURE:
            return None
        supply: Mapping[str, Any] = self._get_reconfigure_subentry().data[CONF_SUPPLY]
        return supply

    @override
    async def async_finish_supply(self, supply: Mapping[str, Any]) -> SubentryFlowResult:
        """Create the group, or change it."""
        data = {**self._group, CONF_SUPPLY: supply}
        name = data.pop(CONF_NAME).strip()
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(),
                self._get_reconfigure_subentry(),
                title=name,
                data=data,
                reason=RECONFIGURED,
            )
        return self.async_create_entry(
            title=name, data=data, unique_id=f"{SUBENTRY_GROUP}:{ulid_now()}"
        )
