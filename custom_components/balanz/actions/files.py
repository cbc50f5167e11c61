"""Files that actions read and write, as far as Home Assistant may."""

from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from ..const import DOMAIN


async def async_read_file(hass: HomeAssistant, path: str, *, most_bytes: int) -> bytes:
    """Return a file's content, at most one byte more than is allowed.

    Raises ServiceValidationError.
    """

    def read() -> bytes:
        with Path(path).open("rb") as file:
            return file.read(most_bytes + 1)

    await _check_allowed(hass, path)
    try:
        return await hass.async_add_executor_job(read)
    except OSError as error:
        raise _refused("file_unusable", path) from error


async def async_write_file(hass: HomeAssistant, path: str, text: str) -> None:
    """Write a file; what it held is lost. Raises ServiceValidationError."""

    def write() -> None:
        Path(path).write_text(text, encoding="utf-8", newline="")

    await _check_allowed(hass, path)
    try:
        await hass.async_add_executor_job(write)
    except OSError as error:
        raise _refused("file_unusable", path) from error


async def _check_allowed(hass: HomeAssistant, path: str) -> None:
    try:
        allowed = await hass.async_add_executor_job(hass.config.is_allowed_path, path)
    except OSError, ValueError:
        allowed = False
    if not allowed:
        raise _refused("file_not_allowed", path)


def _refused(key: str, path: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"value": path[:100]},
    )
