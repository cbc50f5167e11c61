"""Logs of chargers, fetched into a folder of Home Assistant."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..const import DOMAIN
from ..csms.station_errors import CommandRejected
from ..site.uploads import AddressUnknown
from .charger_target import ChargerTarget

ANSWER_WITHIN_S = 60.0
"""So long an action waits for the file; what comes later is told by the charger's event."""


async def fetch_log(
    target: ChargerTarget, kind: str, ask: Callable[[str], Awaitable[str | None]]
) -> dict[str, Any]:
    """Have a charger load a log up to balanz; return where it is, if it comes soon.

    `ask` is called with the URL and returns the charger's name for the file. Raises what that
    raises, or HomeAssistantError. One that did not answer may load it up all the same.
    """
    uploads = target.coordinator.site.uploads
    try:
        expected = uploads.expect(target.identity, kind)
    except AddressUnknown as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="upload_address_unknown",
            translation_placeholders={"charger": target.charger.name},
        ) from error
    try:
        file_name = await ask(expected.url)
    except CommandRejected:
        uploads.withdraw(target.identity)
        raise
    await asyncio.wait((expected.ended,), timeout=ANSWER_WITHIN_S)
    answer: dict[str, Any] = {"file_name": file_name, "path": None, "size": None}
    if not expected.ended.done() or expected.ended.cancelled():
        return answer
    outcome = expected.ended.result()
    if outcome.path is None:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="upload_failed",
            translation_placeholders={"charger": target.charger.name, "detail": outcome.detail},
        )
    return answer | {"path": str(outcome.path), "size": outcome.size}
