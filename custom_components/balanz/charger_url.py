"""Where chargers find a site."""

from homeassistant.core import HomeAssistant

ALL_ADDRESSES = ("0.0.0.0", "::")
USUAL_NAME = "homeassistant.local"


def charger_url(
    hass: HomeAssistant, host: str, port: int, *, encrypted_for: str | None = None
) -> str:
    """Return the URL to enter at chargers; each adds its identity to it.

    `encrypted_for` is the name in the certificate of an encrypted port; None where it is not.
    """
    scheme = "ws" if encrypted_for is None else "wss"
    if host in ALL_ADDRESSES:
        api = hass.config.api
        host = encrypted_for or (USUAL_NAME if api is None else api.local_ip)
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
