"""The action that keeps the private keys of a site out of backups."""

import voluptuous as vol
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.service import async_register_admin_service

from ..const import DOMAIN
from ..csms.key_lock import KeysLocked
from .site_target import SITE_FIELD, site_target

PROTECT_KEYS = "protect_keys"


@callback
def register_key_actions(hass: HomeAssistant) -> None:
    """Register the action; it is there whether a site runs or not."""
    async_register_admin_service(
        hass,
        DOMAIN,
        PROTECT_KEYS,
        _protect_keys,
        vol.Schema({**SITE_FIELD}),
        SupportsResponse.ONLY,
    )


async def _protect_keys(call: ServiceCall) -> ServiceResponse:
    """Return the code that opens the keys after a restore; it is told only now."""
    coordinator = site_target(call)
    try:
        code = await coordinator.site.keys.protect()
    except LookupError as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_own_root"
        ) from error
    except (KeysLocked, OSError, ValueError) as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="keys_not_protected",
            translation_placeholders={"error": str(error)},
        ) from error
    return {"recovery_code": code}
