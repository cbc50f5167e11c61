"""Chargers that introduced themselves while pairing was open, offered as discoveries."""

from dataclasses import dataclass

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigFlowContext
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.discovery_flow import async_create_flow

from .const import DOMAIN
from .csms.events import BootInfo
from .site.snapshot import SiteSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """A charger that waits to be confirmed."""

    entry_id: str
    identity: str
    boot: BootInfo
    address: str

    @property
    def unique_id(self) -> str:
        """What names it over all sites."""
        return f"{self.entry_id}:{self.identity}"

    @property
    def title(self) -> str:
        """What a list of discoveries shows; it cuts off the end of long ones."""
        known = " ".join(part for part in (self.boot.vendor, self.boot.model) if part)
        return f"{self.identity} ({known})" if known else self.identity


class Discoveries:
    """Offers each pending charger once per pairing window."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Offer nothing yet."""
        self._hass = hass
        self._entry_id = entry_id
        self._offered: set[str] = set()

    @callback
    def offer_again(self) -> None:
        """Pairing was opened anew: what was declined before may be offered again."""
        self._offered.clear()

    @callback
    def update(self, snapshot: SiteSnapshot) -> None:
        """Offer chargers that are new, and withdraw all offers once pairing is closed."""
        if snapshot.pairing_until is None:
            if self._offered:
                self.withdraw()
            return
        for pending in snapshot.pending:
            if pending.identity in self._offered:
                continue
            self._offered.add(pending.identity)
            async_create_flow(
                self._hass,
                DOMAIN,
                ConfigFlowContext(source=SOURCE_INTEGRATION_DISCOVERY),
                Discovery(
                    entry_id=self._entry_id,
                    identity=pending.identity,
                    boot=pending.boot,
                    address=pending.address,
                ),
            )

    @callback
    def pass_over(self, identity: str) -> None:
        """Do not offer a charger that the user has just removed, until pairing is opened anew."""
        self._offered.add(identity)

    @callback
    def withdraw(self, identity: str | None = None) -> None:
        """Take back the offer of one charger, or of all."""
        self._hass.config_entries.flow.async_dismiss_discovery_flows(
            Discovery,
            lambda offer: offer.entry_id == self._entry_id and identity in (None, offer.identity),
        )
        if identity is None:
            self._offered.clear()
