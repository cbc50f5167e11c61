"""Keeps the energy of connectors over a restart, so that it goes on where it was."""

from collections.abc import Mapping
from contextlib import suppress

from ..balancing.model import ConnectorKey
from ..storage.ledger import Ledger
from .energy import ConnectorEnergy
from .live import LiveConnector
from .recorder import Recorder

KEEP_EVERY_S = 900.0
"""How often a session that runs is recorded, to spare the disk; its begin and end are at once."""


class KeptEnergy:
    """Records the energy of connectors, and gives it back after a restart."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: Recorder,
        live: Mapping[ConnectorKey, LiveConnector],
    ) -> None:
        """Start with what the ledger has."""
        self._ledger = ledger
        self._recorder = recorder
        self._live = live
        self._kept: dict[ConnectorKey, tuple[ConnectorEnergy, float]] = {}

    def restored(self, key: ConnectorKey) -> ConnectorEnergy:
        """Return what an earlier run has kept of a connector."""
        record = self._ledger.energies.get(key)
        energy = ConnectorEnergy()
        if record is not None:
            with suppress(KeyError, TypeError, ValueError):
                energy = ConnectorEnergy.from_record(record)
        self._kept[key] = (energy, 0.0)
        return energy

    def keep(self, now: float, *, every_s: float = KEEP_EVERY_S) -> None:
        """Record what has changed (monotonic seconds), but none again within some seconds."""
        for key, live in self._live.items():
            kept, at = self._kept[key]
            energy = live.energy
            if kept is energy or _told(kept) == _told(energy):
                continue
            if _session(kept) != _session(energy) or now - at >= every_s:
                self._kept[key] = (energy, now)
                self._recorder.note(self._ledger.note_energy(key, energy.as_record()))


def _session(energy: ConnectorEnergy) -> tuple[int | None, bool]:
    return (energy.transaction_id, energy.running)


def _told(energy: ConnectorEnergy) -> tuple[object, ...]:
    return (*_session(energy), energy.lifetime.total_wh, energy.lifetime.register_wh)
