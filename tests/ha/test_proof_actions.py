"""What was proven of chargers, as an action returns it."""

from datetime import UTC, datetime

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from custom_components.balanz.actions.proofs import EXPORT_PROOFS
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.storage.proofs import Fact, Finding, Firmware, SeenBy
from tests.ha.build import charger, set_up, site_entry
from tests.storage.test_proof_text import firmwares_of

FIRMWARE = Firmware(vendor="Acme", model="One", version="1.2")


async def export(hass: HomeAssistant) -> str:
    answer = await hass.services.async_call(
        DOMAIN, EXPORT_PROOFS, {}, blocking=True, return_response=True
    )
    assert answer is not None
    return str(answer["text"])


async def test_what_is_proven_is_returned_as_text(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    ledger = entry.runtime_data.site._rooms.ledger
    found = Finding(holds=True, seen_by=SeenBy.ANSWER, seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    ledger.apply(ledger.note_finding(FIRMWARE, Fact.TAKES_LEASE, found))

    text = await export(hass)

    assert "CP-1" not in text
    firmware = firmwares_of(text)[0]
    assert (firmware["vendor"], firmware["level"]) == ("Acme", "P1")
    assert firmware["takes_lease"]["holds"] is True


async def test_without_a_running_site_there_is_nothing_to_return(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)

    with pytest.raises(ServiceValidationError, match="not running"):
        await export(hass)
