"""The section of a charger's form about the back office that it is passed on to."""

from collections.abc import Mapping
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
)
from .csms.local_controller.upstream_settings import Unknown, UpstreamSettings, is_upstream_url
from .csms.websocket import is_identity
from .selectors import select

MOST_OBSERVERS = 5


def upstream_section() -> dict[vol.Marker, Any]:
    """Return the section; without a URL in it balanz is the only central system."""
    fields: dict[vol.Marker, Any] = {
        vol.Optional(CONF_URL): selector.TextSelector(
            selector.TextSelectorConfig(type=selector.TextSelectorType.URL)
        ),
        vol.Optional(CONF_UPSTREAM_IDENTITY): selector.TextSelector(),
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
    return {vol.Optional(CONF_UPSTREAM): section(vol.Schema(fields), {"collapsed": True})}


def upstream_error(charger: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the section in the data of a charger.

    It is that of the whole section, since the frontend shows none inside it.
    """
    data = charger.get(CONF_UPSTREAM, {})
    url, observers = data.get(CONF_URL, ""), data.get(CONF_OBSERVERS, [])
    if any(not is_upstream_url(one) for one in (*observers, *([url] if url else []))):
        return "upstream_url_invalid"
    if not url and (observers or data.get(CONF_PASSWORD) or data.get(CONF_UPSTREAM_IDENTITY)):
        return "upstream_url_missing"
    identity = data.get(CONF_UPSTREAM_IDENTITY)
    if identity and not is_identity(identity):
        return "upstream_identity_invalid"
    return "too_many_observers" if len(observers) > MOST_OBSERVERS else None


def read_upstream(charger: Mapping[str, Any]) -> UpstreamSettings | None:
    """Read the data of a charger; those from before it could be set have no back office."""
    data = charger.get(CONF_UPSTREAM, {})
    if not data.get(CONF_URL):
        return None
    return UpstreamSettings(
        url=data[CONF_URL].strip(),
        identity=data.get(CONF_UPSTREAM_IDENTITY, ""),
        username=data.get(CONF_USERNAME, ""),
        password=data.get(CONF_PASSWORD) or None,
        ca_file=data.get(CONF_CA_FILE) or None,
        unknown_tags=Unknown(data[CONF_UNKNOWN_TAGS_OFFLINE]),
        observers=tuple(data.get(CONF_OBSERVERS, ())),
    )
