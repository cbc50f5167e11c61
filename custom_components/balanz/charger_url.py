"""Where chargers find a site."""

from homeassistant.core import HomeAssistant

ALL_ADDRESSES = ("0.0.0.0", "::")


def charger_url(hass: HomeAssistant, host: str, port: int) -> str:
    """Return the URL to enter at chargers; each adds its identity to it."""
    if host in ALL_ADDRESSES:
        api = hass.config.api
        host = "homeassistant.local" if api is None else api.local_ip
    return f"ws://[{host}]:{port}/" if ":" in host else f"ws://{host}:{port}/"
