"""Where the back office of a charger is, and as whom balanz dials in to it."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlsplit


class Unknown(StrEnum):
    """What becomes of unknown tags while the back office cannot be asked."""

    REFUSE = "refuse"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSettings:
    """The back office of one charger, as the user set it up."""

    url: str
    """Without the identity, which becomes its last part."""
    identity: str = ""
    """Empty for that of the charger."""
    username: str = ""
    """Empty for the identity."""
    password: str | None = None
    """None to pass on what the charger itself comes with."""
    ca_file: str | None = None
    """The certificate of who signed that of the back office; None for the usual ones."""
    unknown_tags: Unknown = Unknown.REFUSE
    observers: tuple[str, ...] = ()
    """URLs of further back offices, which receive a copy and have no say."""

    def address(self, charger: str) -> str:
        """Return the URL that is dialled for a charger."""
        return address_of(self.url, self.identity or charger)

    def leg(self, charger: str) -> str:
        """Return a name for the pair of a charger and this back office."""
        return f"{charger} {self.address(charger)}"


def address_of(url: str, identity: str) -> str:
    """Return the URL of a charger at a back office."""
    return f"{url.strip().rstrip('/')}/{quote(identity, safe='')}"


def is_upstream_url(text: str) -> bool:
    """Return whether a back office can be dialled so; a password has no place in a URL."""
    try:
        parts = urlsplit(text.strip())
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in ("ws", "wss")
        and bool(parts.hostname)
        and has_port
        and parts.username is None
        and not parts.fragment
        and not parts.query
    )
