"""balanz: an OCPP central system for EV chargers that share a fuse."""

import contextlib
import os
import shutil
from pathlib import Path

from homeassistant.const import CONF_HOST, CONF_PORT, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .balancing.model import SiteError
from .const import DOMAIN, PLATFORMS
from .coordinator import BalanzConfigEntry, BalanzCoordinator, storage_path
from .csms.key_lock import KeysLocked
from .csms.tls import TlsError
from .issues import publish_keys_locked, take_back_keys_locked
from .kept_files import KeptFiles
from .services import async_setup_services
from .storage.journal import StorageError
from .tls_sources import NoCertificate, async_tls_settings

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Set up what all sites share."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: BalanzConfigEntry) -> bool:
    """Start the site of a config entry."""
    take_back_keys_locked(hass, entry)
    try:
        tls = await async_tls_settings(hass, entry.data, entry.entry_id)
        kept_files = KeptFiles(hass, entry.entry_id)
        await kept_files.async_load()
        coordinator = BalanzCoordinator(hass, entry, kept_files, tls)
        await coordinator.async_start()
    except SiteError as error:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="settings_refused",
            translation_placeholders={"error": str(error), "field": error.field},
        ) from error
    except NoCertificate as error:
        raise ConfigEntryError(
            translation_domain=DOMAIN, translation_key="home_assistant_has_no_certificate"
        ) from error
    except KeysLocked as error:
        publish_keys_locked(hass, entry)
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="keys_locked") from error
    except TlsError as error:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="certificate_unusable",
            translation_placeholders={"file": str(error.path), "reason": error.reason},
        ) from error
    except StorageError as error:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="storage_unusable",
            translation_placeholders={
                "folder": str(storage_path(hass, entry.entry_id)),
                "error": str(error),
            },
        ) from error
    except OSError as error:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="cannot_listen",
            translation_placeholders={
                "host": entry.data[CONF_HOST],
                "port": str(entry.data[CONF_PORT]),
                "error": _cause(error),
            },
        ) from error
    entry.runtime_data = coordinator

    async def stop(_event: Event) -> None:
        await coordinator.async_stop()

    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, stop))
    entry.async_on_unload(entry.add_update_listener(_entry_changed))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: BalanzConfigEntry) -> bool:
    """Stop the site of a config entry."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await entry.runtime_data.async_stop()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: BalanzConfigEntry) -> None:
    """Delete what the site has kept on disk."""
    take_back_keys_locked(hass, entry)
    await hass.async_add_executor_job(_delete, storage_path(hass, entry.entry_id))
    await KeptFiles(hass, entry.entry_id).async_remove()


def _cause(error: OSError) -> str:
    """Return the system's own words, without the address that is told already."""
    # Names that cannot be looked up have negative numbers, which are none of the system's.
    if error.errno is None or error.errno < 0:
        return str(error)
    return os.strerror(error.errno)


def _delete(folder: Path) -> None:
    """Delete a site's folder, and with that of the last site the one around it."""
    if folder.exists():
        shutil.rmtree(folder)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


async def _entry_changed(_hass: HomeAssistant, entry: BalanzConfigEntry) -> None:
    await entry.runtime_data.async_entry_changed()
