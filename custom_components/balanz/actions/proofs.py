"""The action that shows to others what was proven of chargers' firmwares."""

import voluptuous as vol
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..coordinator import BalanzConfigEntry
from ..storage.proof_text import write_proofs

EXPORT_PROOFS = "export_proofs"


@callback
def register_proof_actions(hass: HomeAssistant) -> None:
    """Register the action; it is there whether a site runs or not."""
    async_register_admin_service(
        hass, DOMAIN, EXPORT_PROOFS, _export_proofs, vol.Schema({}), SupportsResponse.ONLY
    )


async def _export_proofs(call: ServiceCall) -> ServiceResponse:
    """Return what all running sites have seen of firmwares."""
    entries: list[BalanzConfigEntry] = call.hass.config_entries.async_loaded_entries(DOMAIN)
    if not entries:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_site_runs")
    seen = (proof for entry in entries for proof in entry.runtime_data.site.firmware_proofs)
    return {"text": write_proofs(seen, dt_util.utcnow())}
