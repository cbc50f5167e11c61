"""Where a site's certificates come from: nowhere, Home Assistant, files, or itself."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant

from .charger_url import ALL_ADDRESSES, USUAL_NAME
from .const import (
    CONF_CERTIFICATE,
    CONF_KEY,
    CONF_OTHER_CERTIFICATE,
    CONF_OTHER_KEY,
    CONF_SECURITY,
    CONF_TLS,
    CONF_TLS_PORT,
    DEFAULT_TLS_PORT,
    DOMAIN,
)
from .csms.certificate_authority import CertificateAuthority
from .csms.security_profile import SecurityProfile
from .csms.tls import CertificateFiles, TlsError, TlsSettings


class TlsSource(StrEnum):
    """Where the certificates come from."""

    NONE = "none"
    """Nothing is encrypted."""
    HOME_ASSISTANT = "home_assistant"
    """What Home Assistant itself uses for HTTPS."""
    FILES = "files"
    OWN = "own"
    """Signed here, by a root to install in the chargers."""


class NoCertificate(Exception):
    """Home Assistant has no certificate to share."""


def tls_source(data: Mapping[str, Any]) -> TlsSource:
    """Return where the certificates of a site come from, by its entry's data."""
    return TlsSource(data.get(CONF_SECURITY, {}).get(CONF_TLS, TlsSource.NONE))


def authority_of(hass: HomeAssistant, entry_id: str) -> CertificateAuthority:
    """Return the certificate authority of a site."""
    return CertificateAuthority(Path(hass.config.path(DOMAIN, entry_id)) / "certificates")


def host_names(hass: HomeAssistant, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all names and addresses that chargers may find this machine by, real names first."""
    names = [
        urlsplit(url).hostname or ""
        for url in (hass.config.internal_url, hass.config.external_url)
        if url
    ]
    names.append(USUAL_NAME)
    if data[CONF_HOST] not in ALL_ADDRESSES:
        names.append(data[CONF_HOST])
    elif hass.config.api is not None:
        names.append(hass.config.api.local_ip)
    return tuple(dict.fromkeys(name for name in names if name))


def profiles_offered(data: Mapping[str, Any]) -> frozenset[SecurityProfile]:
    """Return the security profiles that a site can ask its chargers for."""
    match tls_source(data):
        case TlsSource.NONE:
            return frozenset({SecurityProfile.OPEN, SecurityProfile.PASSWORD})
        case TlsSource.OWN:
            return frozenset(SecurityProfile)
        case _:
            return frozenset(SecurityProfile) - {SecurityProfile.TLS_CERTIFICATE}


async def async_tls_settings(
    hass: HomeAssistant, data: Mapping[str, Any], entry_id: str
) -> TlsSettings | None:
    """Return the certificates of a site; those of its own are made where they are missing.

    Raises NoCertificate, or TlsError where the site's own cannot be made.
    """
    security = data.get(CONF_SECURITY, {})
    port = int(security.get(CONF_TLS_PORT, DEFAULT_TLS_PORT))
    match tls_source(data):
        case TlsSource.NONE:
            return None
        case TlsSource.HOME_ASSISTANT:
            certificate, key = hass.http.ssl_certificate, hass.http.ssl_key
            if certificate is None or key is None:
                raise NoCertificate
            return TlsSettings(port=port, certificates=(_files(certificate, key),))
        case TlsSource.FILES:
            certificates = [_files(security[CONF_CERTIFICATE], security[CONF_KEY])]
            if CONF_OTHER_CERTIFICATE in security:
                other = _files(security[CONF_OTHER_CERTIFICATE], security[CONF_OTHER_KEY])
                certificates.append(other)
            return TlsSettings(port=port, certificates=tuple(certificates))
        case TlsSource.OWN:
            authority = authority_of(hass, entry_id)
            return TlsSettings(
                port=port,
                certificates=await async_prepare_own(hass, data, entry_id),
                client_authority=authority.root,
            )


async def async_prepare_own(
    hass: HomeAssistant, data: Mapping[str, Any], entry_id: str
) -> tuple[CertificateFiles, ...]:
    """Make the certificates of a site's own where they are missing or end.

    Raises TlsError, which is KeysLocked after a restore.
    """
    authority = authority_of(hass, entry_id)
    try:
        return await hass.async_add_executor_job(authority.prepare, host_names(hass, data))
    except (OSError, ValueError) as error:
        raise TlsError(authority.root.parent, str(error)) from error


def own_authority(hass: HomeAssistant, entry: ConfigEntry) -> CertificateAuthority | None:
    """Return the certificate authority of a site that signs certificates itself."""
    if tls_source(entry.data) is not TlsSource.OWN:
        return None
    return authority_of(hass, entry.entry_id)


def root_file(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the file that chargers need to trust a site's own certificates; "-" without."""
    authority = own_authority(hass, entry)
    return "-" if authority is None else str(authority.root)


def _files(certificate: str, key: str) -> CertificateFiles:
    return CertificateFiles(certificate=Path(certificate), key=Path(key))
