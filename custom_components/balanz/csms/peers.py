"""Where a connection comes from, and what it shows of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from ssl import cert_time_to_seconds
from typing import Any
from urllib.parse import quote

IDENTITY_URI = "urn:ocpp:"
"""What the URI in a certificate begins with that names a charger by its identity."""
_HOME_PREFIX = 64
"""Bits of an IPv6 address that stay; a device changes the others by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who dials in. What a proxy says about others does not count."""

    address: str
    """Empty if it has gone already."""
    encrypted: bool = False
    certificate_names: frozenset[str] = frozenset()
    """The names in its verified certificate; empty without one."""
    certificate_ends: datetime | None = None
    """Until when that certificate is good; None without one."""

    @property
    def from_the_internet(self) -> bool:
        """Whether its address is one of the public internet."""
        address = _parse(self.address)
        return address is not None and address.is_global

    def names(self, identity: str) -> bool:
        """Return whether its certificate is that of a charger."""
        return bool(self.certificate_names & {identity, identity_uri(identity)})


def identity_uri(identity: str) -> str:
    """Return the URI that a certificate names a charger by."""
    return IDENTITY_URI + quote(identity, safe="")


def is_same_place(one: str, other: str) -> bool:
    """Return whether two addresses are those of one device, as far as they tell."""
    first, second = _parse(one), _parse(other)
    if isinstance(first, IPv6Address) and isinstance(second, IPv6Address):
        return second in IPv6Network((first, _HOME_PREFIX), strict=False)
    return first is not None and first == second


def names_in(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the names in what `SSLObject.getpeercert` tells of a verified certificate."""
    if not certificate:
        return frozenset()
    subject = {
        value
        for part in certificate.get("subject", ())
        for name, value in part
        if name == "commonName"
    }
    uris = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"}
    return frozenset(subject | uris)


def end_of(certificate: Mapping[str, Any] | None) -> datetime | None:
    """Return until when a verified certificate is good; None without one."""
    if not certificate:
        return None
    return datetime.fromtimestamp(cert_time_to_seconds(certificate["notAfter"]), UTC)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
