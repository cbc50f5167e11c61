"""The section about the back office, in the forms of sites, groups and chargers."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import voluptuous as vol
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers import selector

from .const import (
    CONF_CA_FILE,
    CONF_OBSERVERS,
    CONF_UNKNOWN_TAGS_OFFLINE,
    CONF_UPSTREAM,
    CONF_UPSTREAM_IDENTITY,
    CONF_WITHOUT_URL,
)
from .csms.local_controller.upstream_settings import Unknown, UpstreamSettings, is_upstream_url
from .csms.websocket import is_identity
from .selectors import select

MOST_OBSERVERS = 5
_OF_THE_CHARGER = (CONF_UPSTREAM_IDENTITY, CONF_USERNAME, CONF_PASSWORD)
"""What a charger may have of its own at the back office of its group."""
_OF_THE_URL = (CONF_CA_FILE, CONF_OBSERVERS)


class WithoutUrl(StrEnum):
    """What becomes of chargers where no back office is named."""

    INHERIT = "inherit"
    """That of the group above."""
    NONE = "none"
    """balanz is the only central system."""


def upstream_section(
    *, identity: bool = False, root: bool = False, collapsed: bool = True
) -> dict[vol.Marker, Any]:
    """Return the section.

    A charger has an `identity` at its back office; the root group has none above to be like.
    """
    fields: dict[vol.Marker, Any] = {
        vol.Optional(CONF_URL): selector.TextSelector(
            selector.TextSelectorConfig(type=selector.TextSelectorType.URL)
        )
    }
    if not root:
        fields[vol.Required(CONF_WITHOUT_URL, default=WithoutUrl.INHERIT)] = select(
            list(WithoutUrl), CONF_WITHOUT_URL
        )
    if identity:
        fields[vol.Optional(CONF_UPSTREAM_IDENTITY)] = selector.TextSelector()
    fields |= {
        vol.Optional(CONF_USERNAME): selector.TextSelector(),
        vol.Optional(CONF_PASSWORD): selector.TextSelector(
            selector.TextSelectorConfig(type=selector.TextSelectorType.PASSWORD)
        ),
        vol.Optional(CONF_CA_FILE): selector.TextSelector(),
        vol.Required(CONF_UNKNOWN_TAGS_OFFLINE, default=Unknown.REFUSE): select(
            list(Unknown), CONF_UNKNOWN_TAGS_OFFLINE
        ),
        vol.Optional(CONF_OBSERVERS): selector.TextSelector(
            selector.TextSelectorConfig(multiple=True)
        ),
    }
    return {vol.Optional(CONF_UPSTREAM): section(vol.Schema(fields), {"collapsed": collapsed})}


def upstream_error(
    user_input: Mapping[str, Any], groups: Iterable[Mapping[str, Any]] = ()
) -> str | None:
    """Return what is wrong with the section in the input of a form.

    It is that of the whole section, since the frontend shows none inside it. `groups` are the data
    of those above a charger, the nearest first.
    """
    data = user_input.get(CONF_UPSTREAM, {})
    url, observers = data.get(CONF_URL, ""), data.get(CONF_OBSERVERS, [])
    if any(not is_upstream_url(one) for one in (*observers, *([url] if url else []))):
        return "upstream_url_invalid"
    given = {name for name in (*_OF_THE_CHARGER, *_OF_THE_URL) if data.get(name)}
    if not url and given and (given & {*_OF_THE_URL} or not _named(user_input, groups)):
        return "upstream_url_missing"
    identity = data.get(CONF_UPSTREAM_IDENTITY)
    if identity and not is_identity(identity):
        return "upstream_identity_invalid"
    return "too_many_observers" if len(observers) > MOST_OBSERVERS else None


def read_upstream(
    charger: Mapping[str, Any], groups: Iterable[Mapping[str, Any]] = ()
) -> UpstreamSettings | None:
    """Return the back office of a charger from its data and those of the groups above it.

    These come with the nearest first. Entries from before it could be set have no back office.
    """
    named = _named(charger, groups)
    if named is None:
        return None
    # No group's password goes to a back office that the charger names itself.
    own = {
        **named,
        **{
            name: value
            for name, value in charger.get(CONF_UPSTREAM, {}).items()
            if name in _OF_THE_CHARGER and value
        },
    }
    return UpstreamSettings(
        url=own[CONF_URL].strip(),
        identity=own.get(CONF_UPSTREAM_IDENTITY, ""),
        username=own.get(CONF_USERNAME, ""),
        password=own.get(CONF_PASSWORD) or None,
        ca_file=own.get(CONF_CA_FILE) or None,
        unknown_tags=Unknown(own[CONF_UNKNOWN_TAGS_OFFLINE]),
        observers=tuple(own.get(CONF_OBSERVERS, ())),
    )


def _named(
    charger: Mapping[str, Any], groups: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """Return the first section with a URL, from the charger upwards."""
    for data in (charger, *groups):
        named: Mapping[str, Any] = data.get(CONF_UPSTREAM, {})
        if named.get(CONF_URL):
            return named
        if named.get(CONF_WITHOUT_URL) == WithoutUrl.NONE:
            return None
    return None
