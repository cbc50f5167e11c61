"""The site that an action is meant for."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv

from ..const import DOMAIN
from ..coordinator import BalanzConfigEntry, BalanzCoordinator

ATTR_CONFIG_ENTRY_ID = "config_entry_id"
SITE_FIELD: Mapping[vol.Marker, Any] = {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}


def site_target(call: ServiceCall) -> BalanzCoordinator:
    """Return the site that an action is about. Raises ServiceValidationError."""
    entry_id = call.data.get(ATTR_CONFIG_ENTRY_ID)
    running = [entry.runtime_data for entry in running_sites(call.hass)]
    if entry_id is not None:
        running = [one for one in running if one.entry.entry_id == entry_id]
    if not running:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_site_runs")
    if len(running) > 1:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="which_site")
    return running[0]


def running_sites(hass: HomeAssistant) -> list[BalanzConfigEntry]:
    """Return the config entries whose sites run."""
    entries: list[BalanzConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return [entry for entry in entries if entry.state is ConfigEntryState.LOADED]
