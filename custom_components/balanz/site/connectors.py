"""Which connectors a running site has, and what is remembered of one that is new to it."""

from collections.abc import Mapping

from ..balancing.model import ConnectorKey
from ..storage.ledger import Ledger
from .foreign_profiles import ForeignProfiles
from .kept_energy import KeptEnergy
from .layout import Layout
from .live import LiveConnector
from .obedience import Obedience
from .smart_charging import SmartCharging


class Connectors:
    """Keeps the live connectors those of the settings."""

    def __init__(
        self,
        *,
        layout: Layout,
        live: dict[ConnectorKey, LiveConnector],
        ledger: Ledger,
        kept_energy: KeptEnergy,
        obedience: Obedience,
        foreign: ForeignProfiles,
        smart_charging: SmartCharging,
    ) -> None:
        """Leave `live` as it is; it is what `follow` fills."""
        self._layout = layout
        self._live = live
        self._ledger = ledger
        self._kept_energy = kept_energy
        self._obedience = obedience
        self._foreign = foreign
        self._smart_charging = smart_charging

    def follow(self, now: float) -> None:
        """Make the live connectors those of the settings (monotonic seconds)."""
        site = self._layout.site
        for key in tuple(self._live):
            if key not in site.connectors:
                del self._live[key]
        for charger in self._layout.settings.chargers:
            for key in charger.keys:
                connector = site.connectors[key]
                if (known := self._live.get(key)) is not None:
                    known.configured(connector, charger)
                    continue
                live = LiveConnector(
                    connector,
                    charger,
                    min(self._ledger.maxima_a.get(key, charger.maximum_a), connector.rating_a),
                )
                live.enabled = key not in self._ledger.disabled
                live.boost_lasts = self._ledger.boosts.get(key, live.boost_lasts)
                live.restored(self._ledger.limits_a.get(key))
                live.energy = self._kept_energy.restored(key)
                self._live[key] = live
                self._obedience.restore(key, now)
                self._foreign.restore(key)
        self._smart_charging.follow(site)

    def follow_facts(self) -> None:
        """Let the connectors know what else has become known of their chargers."""
        for key, live in self._live.items():
            live.connector = self._layout.site.connectors[key]


def is_idle(live: Mapping[ConnectorKey, LiveConnector], identity: str) -> bool:
    """Return whether nothing charges at a charger, or is about to."""
    return not any(
        one.transaction is not None or one.plugged_in_and_allowed
        for key, one in live.items()
        if key.charger == identity
    )
