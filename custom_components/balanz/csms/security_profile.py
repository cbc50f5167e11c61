"""How a charger shows that it is who it says (OCPP 1.6 security whitepaper, section 2)."""

from enum import IntEnum


class SecurityProfile(IntEnum):
    """The security profiles; a higher one is safer."""

    OPEN = 0
    """It does not: whoever comes from its address and says so is taken for it."""
    PASSWORD = 1
    """A password, readable for whoever listens on the network."""
    TLS_PASSWORD = 2
    """A password, over an encrypted connection to a server with a certificate."""
    TLS_CERTIFICATE = 3
    """A certificate of its own, over an encrypted connection."""
