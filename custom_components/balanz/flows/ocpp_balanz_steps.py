"""Groups and chargers of ocpp-balanz in the options of a site: their files, then what is made."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult, ConfigSubentry, OptionsFlow
from homeassistant.const import CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.helpers import selector
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.ulid import ulid_now

from ..balancing.model import MINIMUM_CURRENT_A, ROOT_GROUP_ID
from ..balancing.phases import Phase
from ..charger_url import charger_url
from ..const import (
    CONF_ADVANCED,
    CONF_CONNECTORS,
    CONF_FEEDS_CHARGERS_ONLY,
    CONF_GROUP,
    CONF_IDENTITY,
    CONF_KIND,
    CONF_MAXIMUM_A,
    CONF_OTHER_LOADS_A,
    CONF_PARENT,
    CONF_PHASES,
    CONF_PRIORITY,
    CONF_RATING_A,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    DOMAIN,
    SUBENTRY_CHARGER,
    SUBENTRY_GROUP,
)
from ..coordinator import BalanzConfigEntry
from ..csms.security_profile import SecurityProfile
from ..entry_settings import group_names, site_phases
from ..schedule_input import shortened
from ..selectors import current_selector, select
from ..supply import SupplyKind
from .forms import HIGHEST_CHARGER_RATING_A, Errors, charger_schema, read_charger_input
from .group_form import sharing_section
from .ocpp_balanz import (
    MOST_ERRORS,
    FileError,
    ImportedCharger,
    ImportedGroup,
    LineError,
    read_chargers,
    read_groups,
)

CONF_CHARGERS = "chargers"
CONF_GROUPS = "groups"
DEFAULT_RATING_A = 32.0
"""What ocpp-balanz takes a charger for of which nothing is said."""


def files_schema(*, single_phase: bool) -> vol.Schema:
    """Return the form for the two files, and for what they do not say of chargers."""
    text = selector.TextSelector(selector.TextSelectorConfig(multiline=True))
    return vol.Schema(
        {
            vol.Optional(CONF_GROUPS): text,
            vol.Optional(CONF_CHARGERS): text,
            vol.Required(CONF_RATING_A, default=DEFAULT_RATING_A): current_selector(
                HIGHEST_CHARGER_RATING_A, lowest_a=MINIMUM_CURRENT_A
            ),
            vol.Required(CONF_PHASES, default="1" if single_phase else "3"): select(
                ["1", "3"], CONF_PHASES
            ),
        }
    )


class OcppBalanzSteps(OptionsFlow):
    """The steps of an options flow that take over what was set up in ocpp-balanz."""

    config_entry: BalanzConfigEntry
    _to_add: tuple[ConfigSubentry, ...]
    _told: dict[str, str]

    async def async_step_ocpp_balanz(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the files; nothing is made before the user has seen what."""
        errors: Errors = {}
        placeholders = {"groups_wrong": "", "chargers_wrong": ""}
        single_phase = len(site_phases(self.config_entry)) == 1
        if user_input is not None:
            groups: list[ImportedGroup] = []
            chargers: list[ImportedCharger] = []
            if int(user_input[CONF_PHASES]) > len(site_phases(self.config_entry)):
                errors[CONF_PHASES] = "more_phases_than_site"
            try:
                groups = read_groups(user_input.get(CONF_GROUPS, ""))
            except FileError as error:
                errors[CONF_GROUPS] = "import_groups_wrong"
                placeholders["groups_wrong"] = await self._async_lines(error)
            try:
                chargers = read_chargers(user_input.get(CONF_CHARGERS, ""))
                if CONF_GROUPS not in errors:
                    self._check_groups(groups, chargers)
            except FileError as error:
                errors[CONF_CHARGERS] = "import_chargers_wrong"
                placeholders["chargers_wrong"] = await self._async_lines(error)
            if not errors and not groups and not chargers:
                errors[CONF_CHARGERS] = "import_nothing"
            if not errors:
                self._prepare(groups, chargers, user_input)
                return await self.async_step_ocpp_balanz_confirm()
        return self.async_show_form(
            step_id="ocpp_balanz",
            data_schema=self.add_suggested_values_to_schema(
                files_schema(single_phase=single_phase), user_input
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_ocpp_balanz_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what will be made, and make it."""
        if user_input is None:
            return self.async_show_form(
                step_id="ocpp_balanz_confirm",
                data_schema=vol.Schema({}),
                description_placeholders=self._told,
            )
        there = {subentry.unique_id for subentry in self.config_entry.subentries.values()}
        for subentry in self._to_add:
            # A charger may have been discovered and added meanwhile.
            if subentry.unique_id not in there:
                self.hass.config_entries.async_add_subentry(self.config_entry, subentry)
        data = self.config_entry.data
        return self.async_abort(
            reason="imported",
            description_placeholders={
                "url": charger_url(self.hass, data[CONF_HOST], data[CONF_PORT])
            },
        )

    async def _async_lines(self, error: FileError) -> str:
        """Return what is wrong with the lines of a file, one after the other."""
        texts = await async_get_translations(
            self.hass, self.hass.config.language, "exceptions", {DOMAIN}
        )
        prefix = f"component.{DOMAIN}.exceptions"
        return "; ".join(
            f"{line.line}: {texts[f'{prefix}.{line.code}.message'].format(**line.values)}"
            for line in error.lines
        )

    def _check_groups(
        self, groups: Iterable[ImportedGroup], chargers: Iterable[ImportedCharger]
    ) -> None:
        """Raise FileError if a charger's group is neither in the file nor at the site."""
        known = {*_ids_by_name(self.config_entry), *(group.name.casefold() for group in groups)}
        errors = [
            LineError(charger.line, "import_group_unknown", {"value": shortened(charger.group)})
            for charger in chargers
            if charger.group is not None and charger.group.casefold() not in known
        ]
        if errors:
            raise FileError(tuple(errors[:MOST_ERRORS]))

    def _prepare(
        self,
        groups: Iterable[ImportedGroup],
        chargers: Iterable[ImportedCharger],
        user_input: Mapping[str, Any],
    ) -> None:
        """Note what to add, and tell of each group and charger what becomes of it."""
        ids = _ids_by_name(self.config_entry)
        to_add: list[ConfigSubentry] = []
        told: dict[str, list[str]] = {CONF_GROUPS: [], CONF_CHARGERS: [], "left_out": []}
        for group in groups:
            name = group.name.casefold()
            if name in ids:
                told["left_out"].append(group.name)
            elif group.rating_a is None:
                # Its chargers hang in the site, whose fuse they are kept to.
                ids[name] = ROOT_GROUP_ID
                told["left_out"].append(group.name)
            else:
                ids[name] = ulid_now()
                to_add.append(_group(group, ids[name]))
                schedule = f", `{group.schedule}`" if group.schedule else ""
                told[CONF_GROUPS].append(f"**{group.name}**: {group.rating_a:g} A{schedule}")
        names = {ids[group.name.casefold()]: group.name for group in groups}
        names |= group_names(self.config_entry)
        there = {subentry.unique_id for subentry in self.config_entry.subentries.values()}
        for charger in chargers:
            group_id = ROOT_GROUP_ID if charger.group is None else ids[charger.group.casefold()]
            subentry = _charger(charger, group_id, site_phases(self.config_entry), user_input)
            if subentry.unique_id in there:
                told["left_out"].append(charger.identity)
                continue
            to_add.append(subentry)
            told[CONF_CHARGERS].append(
                f"**{charger.name}** (`{charger.identity}`): {names[group_id]}, "
                f"{subentry.data[CONF_MAXIMUM_A]:g} A"
            )
        self._to_add = tuple(to_add)
        self._told = {
            name: "\n".join(f"- {line}" for line in lines) or "-" for name, lines in told.items()
        }


def _ids_by_name(entry: BalanzConfigEntry) -> dict[str, str]:
    """Return the ids of the groups that a site has already."""
    return {name.casefold(): group_id for group_id, name in group_names(entry).items()}


def _group(group: ImportedGroup, group_id: str) -> ConfigSubentry:
    """Return a group that shares as the site, and whose cable feeds nothing but chargers."""
    [sharing] = sharing_section(root=False).values()
    advanced = sharing({})
    if group.schedule is not None:
        advanced[CONF_SCHEDULE] = group.schedule
    return ConfigSubentry(
        data=MappingProxyType(
            {
                CONF_PARENT: ROOT_GROUP_ID,
                CONF_RATING_A: group.rating_a,
                CONF_ADVANCED: advanced,
                CONF_SUPPLY: {
                    CONF_KIND: SupplyKind.NONE,
                    CONF_OTHER_LOADS_A: 0,
                    CONF_FEEDS_CHARGERS_ONLY: True,
                },
            }
        ),
        subentry_type=SUBENTRY_GROUP,
        title=group.name,
        unique_id=f"{SUBENTRY_GROUP}:{group_id}",
    )


def _charger(
    charger: ImportedCharger,
    group_id: str,
    phases: tuple[Phase, ...],
    user_input: Mapping[str, Any],
) -> ConfigSubentry:
    """Return a charger as its form would make it.

    What it was offered at most says nothing of its hardware, but that this carries it.
    """
    form = charger_schema({group_id: charger.group or ""}, phases, identity=True)
    rating_a = max(user_input[CONF_RATING_A], charger.maximum_a or 0)
    told = {
        CONF_IDENTITY: charger.identity,
        CONF_NAME: charger.name,
        CONF_GROUP: group_id,
        CONF_RATING_A: rating_a,
        CONF_PHASES: user_input[CONF_PHASES],
        CONF_MAXIMUM_A: charger.maximum_a or rating_a,
        CONF_PRIORITY: charger.priority,
        CONF_CONNECTORS: charger.connectors,
        CONF_ADVANCED: {},
    }
    data, _ = read_charger_input(form(told), phases, (SecurityProfile.OPEN,))
    return ConfigSubentry(
        data=MappingProxyType(data),
        subentry_type=SUBENTRY_CHARGER,
        title=charger.name,
        unique_id=f"{SUBENTRY_CHARGER}:{charger.identity}",
    )
