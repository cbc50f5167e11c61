"""What Home Assistant calls before and after each backup."""

from homeassistant.core import HomeAssistant

from .actions.site_target import running_sites


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Keep private keys out of the backup, where the user has a code for them."""
    for entry in running_sites(hass):
        await entry.runtime_data.site.keys.withhold()


async def async_post_backup(hass: HomeAssistant) -> None:
    """Have the keys on disk again."""
    for entry in running_sites(hass):
        await entry.runtime_data.site.keys.give_back()
