"""The URL that a charger of a security profile dials."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant

from .charger_url import charger_url
from .const import CONF_SECURITY, CONF_TLS_PORT
from .csms.security_profile import SecurityProfile
from .tls_sources import host_names, profiles_offered


def url_for(hass: HomeAssistant, entry: ConfigEntry, profile: SecurityProfile) -> str:
    """Return what to enter at a charger; it adds its identity to that."""
    host = entry.data[CONF_HOST]
    if profile < SecurityProfile.TLS_PASSWORD or profile not in profiles_offered(entry.data):
        return charger_url(hass, host, entry.data[CONF_PORT])
    port = entry.data[CONF_SECURITY][CONF_TLS_PORT]
    return charger_url(hass, host, port, encrypted_for=host_names(hass, entry.data)[0])
