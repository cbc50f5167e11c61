"""The tags of a site in its options: rules, and one tag after the other."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlow
from homeassistant.const import CONF_ID, CONF_NAME, UnitOfTime
from homeassistant.helpers import selector
from homeassistant.util import dt as dt_util

from ..actions.csv_files import ATTR_REPLACE, CONF_FILE, async_uploaded, import_schema, wrong_lines
from ..actions.tags import (
    ATTR_EXPIRES,
    ATTR_PERSON,
    ATTR_SESSIONS,
    ATTR_STATUS,
    ATTR_VALID_IN,
    in_local_time,
)
from ..const import (
    CONF_ANSWER_TAGS_WITHIN_S,
    CONF_PARENT,
    CONF_PRIORITY,
    CONF_TAGS,
    CONF_UNKNOWN_TAGS,
)
from ..coordinator import BalanzConfigEntry, BalanzCoordinator
from ..csms.authorization import DEFAULT_ANSWER_WITHIN_S, UnknownTags
from ..selectors import choice, number_selector, select
from ..storage.csv_cells import CsvError
from ..storage.journal import StorageError
from ..storage.tag_csv import MAX_BYTES, TagFileError, read_tags
from ..storage.tags import (
    HIGHEST_PRIORITY,
    LOWEST_PRIORITY,
    MOST_SESSIONS,
    Tag,
    TagError,
    TagStatus,
)
from .forms import Errors

CONF_TAG = "tag"
FIELDS_OF_ERRORS: Mapping[str, str] = {
    "tag_id_invalid": CONF_ID,
    "tag_id_reserved": CONF_ID,
    "tag_too_many": CONF_ID,
    "tag_twice": CONF_ID,
    "tag_name_invalid": CONF_NAME,
    "tag_person_invalid": ATTR_PERSON,
    "tag_parent_invalid": CONF_PARENT,
}
"""What a form cannot check before it makes a tag of its input, and the fields concerned."""
MENU = ("tag_rules", "add_tag", "edit_tag", "remove_tags", "import_tags", "finish")
MENU_WITHOUT_TAGS = ("tag_rules", "add_tag", "import_tags", "finish")


def rules_schema() -> vol.Schema:
    """Return the form for what becomes of unknown tags."""
    return vol.Schema(
        {
            vol.Required(CONF_UNKNOWN_TAGS, default=UnknownTags.AUTOMATIC): select(
                list(UnknownTags), "unknown_tags"
            ),
            vol.Required(
                CONF_ANSWER_TAGS_WITHIN_S, default=DEFAULT_ANSWER_WITHIN_S
            ): number_selector(5, 25, unit=UnitOfTime.SECONDS),
        }
    )


def tag_schema(places: Mapping[str, str], *, new: bool) -> vol.Schema:
    """Return the form for a tag, with or without its id; `places` are labels by place."""
    fields: dict[vol.Marker, Any] = {}
    if new:
        fields[vol.Required(CONF_ID)] = selector.TextSelector()
    return vol.Schema(
        fields
        | {
            vol.Optional(CONF_NAME): selector.TextSelector(),
            vol.Optional(ATTR_PERSON): selector.EntitySelector(
                selector.EntitySelectorConfig(domain="person")
            ),
            vol.Required(ATTR_STATUS, default=TagStatus.ACCEPTED): select(
                list(TagStatus), "tag_status"
            ),
            vol.Optional(ATTR_EXPIRES): selector.DateTimeSelector(),
            vol.Optional(CONF_PARENT): selector.TextSelector(),
            vol.Optional(CONF_PRIORITY): number_selector(LOWEST_PRIORITY, HIGHEST_PRIORITY),
            vol.Optional(ATTR_SESSIONS): number_selector(1, MOST_SESSIONS),
            vol.Optional(ATTR_VALID_IN): choice(places, multiple=True),
        }
    )


def choice_schema(tags: Mapping[str, str], *, multiple: bool) -> vol.Schema:
    """Return the form for a choice among tags; `tags` are labels by key."""
    return vol.Schema({vol.Required(CONF_TAG): choice(tags, multiple=multiple)})


class TagSteps(OptionsFlow):
    """The steps of an options flow that are about tags. A tag is changed at once."""

    config_entry: BalanzConfigEntry
    _edited: Tag

    async def async_step_tags(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what can be done."""
        if self.config_entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="site_not_running")
        count = len(self._coordinator.site.tags.known)
        return self.async_show_menu(
            step_id="tags",
            menu_options=list(MENU if count else MENU_WITHOUT_TAGS),
            description_placeholders={"count": str(count)},
        )

    async def async_step_tag_rules(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what becomes of unknown tags."""
        options = self.config_entry.options
        if user_input is not None:
            return self.async_create_entry(data={**options, CONF_TAGS: user_input})
        return self.async_show_form(
            step_id="tag_rules",
            data_schema=self.add_suggested_values_to_schema(
                rules_schema(), options.get(CONF_TAGS, {})
            ),
        )

    async def async_step_add_tag(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new tag."""
        return await self._ask_for_tag("add_tag", user_input, None)

    async def async_step_edit_tag(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which tag to change."""
        errors: Errors = {}
        if user_input is not None:
            tag = self._coordinator.site.tags.known.get(user_input[CONF_TAG])
            if tag is not None:
                self._edited = tag
                return await self.async_step_change_tag()
            errors[CONF_TAG] = "tag_unknown"
        return self.async_show_form(
            step_id="edit_tag",
            data_schema=choice_schema(self._labels(), multiple=False),
            errors=errors,
        )

    async def async_step_change_tag(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for what is told of a tag."""
        return await self._ask_for_tag("change_tag", user_input, self._edited)

    async def async_step_remove_tags(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which tags to remove."""
        errors: Errors = {}
        if user_input is not None:
            try:
                await self._coordinator.site.tags.remove(user_input[CONF_TAG])
            except TagError as error:
                errors[CONF_TAG] = error.code
            except StorageError:
                errors["base"] = "storage_failing"
            if not errors:
                return await self.async_step_tags()
        return self.async_show_form(
            step_id="remove_tags",
            data_schema=choice_schema(self._labels(), multiple=True),
            errors=errors,
        )

    async def async_step_import_tags(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a CSV file, and take it over as a whole or not at all."""
        errors: Errors = {}
        placeholders = {"lines": "", "value": ""}
        if user_input is not None:
            try:
                content = await async_uploaded(self.hass, user_input, most_bytes=MAX_BYTES)
                read = partial(read_tags, content, places=frozenset(self._coordinator.devices))
                tags = await self.hass.async_add_executor_job(read)
                await self._coordinator.site.tags.put_all(tags, replace=user_input[ATTR_REPLACE])
            except TagFileError as error:
                errors[CONF_FILE] = error.code
                placeholders = {"lines": wrong_lines(error), "value": error.value}
            except (CsvError, TagError) as error:
                errors[CONF_FILE] = error.code
                placeholders["value"] = error.value
            except StorageError:
                errors["base"] = "storage_failing"
            if not errors:
                return await self.async_step_tags()
        return self.async_show_form(
            step_id="import_tags",
            data_schema=import_schema(),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_finish(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """End; the options stay as they are."""
        return self.async_create_entry(data=dict(self.config_entry.options))

    async def _ask_for_tag(
        self, step_id: str, user_input: dict[str, Any] | None, known: Tag | None
    ) -> ConfigFlowResult:
        errors: Errors = {}
        value = ""
        if user_input is not None:
            try:
                tag = _tag(user_input, known)
                if known is None and self._coordinator.site.tags.known.get(tag.id) is not None:
                    raise TagError("tag_twice", tag.id)
                await self._coordinator.site.tags.put(tag)
            except TagError as error:
                errors[FIELDS_OF_ERRORS.get(error.code, "base")] = error.code
                value = error.value
            except StorageError:
                errors["base"] = "storage_failing"
            if not errors:
                return await self.async_step_tags()
        suggested = user_input or ({} if known is None else _suggested(known))
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                tag_schema(self._places(known), new=known is None), suggested
            ),
            errors=errors,
            description_placeholders={"value": value, "id": "" if known is None else known.id},
        )

    @property
    def _coordinator(self) -> BalanzCoordinator:
        return self.config_entry.runtime_data

    def _places(self, tag: Tag | None) -> dict[str, str]:
        """Return the names of groups and chargers, and of what is gone but still named."""
        names = {key: device.name for key, device in self._coordinator.devices.items()}
        gone = () if tag is None else sorted(tag.places - names.keys())
        return names | {place: place for place in gone}

    def _labels(self) -> dict[str, str]:
        """Return what the user knows each tag by, in the order of the alphabet."""
        tags = sorted(self._coordinator.site.tags.known, key=lambda tag: tag.label.casefold())
        return {tag.key: tag.id if not tag.name else f"{tag.name} ({tag.id})" for tag in tags}


def _tag(user_input: Mapping[str, Any], known: Tag | None) -> Tag:
    """Return the tag that a form describes. Raises TagError."""
    expires = user_input.get(ATTR_EXPIRES)
    priority, sessions = user_input.get(CONF_PRIORITY), user_input.get(ATTR_SESSIONS)
    return Tag(
        id=user_input[CONF_ID].strip() if known is None else known.id,
        name=user_input.get(CONF_NAME, "").strip(),
        person=user_input.get(ATTR_PERSON),
        status=TagStatus(user_input[ATTR_STATUS]),
        expires_at=None if expires is None else in_local_time(datetime.fromisoformat(expires)),
        parent=user_input.get(CONF_PARENT, "").strip() or None,
        priority=None if priority is None else int(priority),
        places=frozenset(user_input.get(ATTR_VALID_IN, ())),
        sessions=None if sessions is None else int(sessions),
    )


def _suggested(tag: Tag) -> dict[str, Any]:
    """Return what a form starts with."""
    expires_at = tag.expires_at
    suggested = {
        CONF_NAME: tag.name or None,
        ATTR_PERSON: tag.person,
        ATTR_STATUS: tag.status,
        ATTR_EXPIRES: None
        if expires_at is None
        else dt_util.as_local(expires_at).strftime("%Y-%m-%d %H:%M:%S"),
        CONF_PARENT: tag.parent,
        CONF_PRIORITY: tag.priority,
        ATTR_SESSIONS: tag.sessions,
        ATTR_VALID_IN: sorted(tag.places) or None,
    }
    return {name: value for name, value in suggested.items() if value is not None}
