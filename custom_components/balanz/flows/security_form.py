"""The section of a site's form about encryption, and who may come from where."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers import selector

from ..const import (
    CONF_ALLOW_INTERNET,
    CONF_CERTIFICATE,
    CONF_KEY,
    CONF_OTHER_CERTIFICATE,
    CONF_OTHER_KEY,
    CONF_SECURITY,
    CONF_TLS,
    CONF_TLS_PORT,
    DEFAULT_TLS_PORT,
)
from ..csms.tls import TlsContexts, TlsError
from ..selectors import number_selector, select
from ..tls_sources import NoCertificate, TlsSource, async_tls_settings
from .forms import Errors

_PAIRS = ((CONF_CERTIFICATE, CONF_KEY), (CONF_OTHER_CERTIFICATE, CONF_OTHER_KEY))


def security_section(*, collapsed: bool = True) -> dict[vol.Marker, Any]:
    """Return the section; whoever leaves it out keeps what there is."""
    fields: dict[vol.Marker, Any] = {
        vol.Required(CONF_TLS, default=TlsSource.NONE): select(list(TlsSource), CONF_TLS),
        vol.Required(CONF_TLS_PORT, default=DEFAULT_TLS_PORT): vol.All(
            number_selector(1, 65535), vol.Coerce(int)
        ),
        vol.Optional(CONF_CERTIFICATE): selector.TextSelector(),
        vol.Optional(CONF_KEY): selector.TextSelector(),
        vol.Optional(CONF_OTHER_CERTIFICATE): selector.TextSelector(),
        vol.Optional(CONF_OTHER_KEY): selector.TextSelector(),
        vol.Required(CONF_ALLOW_INTERNET, default=False): selector.BooleanSelector(),
    }
    return {vol.Optional(CONF_SECURITY): section(vol.Schema(fields), {"collapsed": collapsed})}


async def async_security_errors(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> tuple[Errors, dict[str, str]]:
    """Return what is wrong with the certificates of a site, and the words for that.

    All errors are those of the section, since the frontend shows none inside it.
    """
    security = data.get(CONF_SECURITY, {})
    source = TlsSource(security.get(CONF_TLS, TlsSource.NONE))
    has_halves = any((one in security) != (other in security) for one, other in _PAIRS)
    if source is TlsSource.FILES and (CONF_CERTIFICATE not in security or has_halves):
        return {CONF_SECURITY: "certificate_missing"}, {}
    if source in (TlsSource.NONE, TlsSource.OWN):
        # Those of its own are made once the site is there.
        return {}, {}
    try:
        settings = await async_tls_settings(hass, data, "")
        assert settings is not None
        await TlsContexts(settings).load()
    except NoCertificate:
        return {CONF_SECURITY: "home_assistant_has_no_certificate"}, {}
    except TlsError as error:
        return (
            {CONF_SECURITY: "certificate_unusable"},
            {"file": str(error.path), "reason": error.reason},
        )
    return {}, {}
