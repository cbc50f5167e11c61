"""What Home Assistant calls before and after each backup."""

import logging

from homeassistant.core import HomeAssistant

from .actions.site_target import running_sites
from .storage.journal import StorageError

_LOGGER = logging.getLogger(__name__)


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Have the backup say what it is, and keep private keys out of it where there is a code."""
    for entry in running_sites(hass):
        await entry.runtime_data.site.backup_begins()
        await entry.runtime_data.site.keys.withhold()


async def async_post_backup(hass: HomeAssistant) -> None:
    """Have the keys on disk again."""
    for entry in running_sites(hass):
        await entry.runtime_data.site.keys.give_back()
        try:
            await entry.runtime_data.site.backup_ends()
        except StorageError as error:
            # After the next start, limits count as unknown.
            _LOGGER.warning("The end of the backup could not be recorded: %s", error)
