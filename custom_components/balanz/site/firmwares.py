"""Which firmware each charger runs, and what is remembered of it."""

from collections.abc import Iterable
from functools import lru_cache

from ..csms.events import BootInfo
from ..csms.firmware_memory import FirmwareMemory
from ..csms.quirk_table import QUIRK_ROWS
from ..csms.quirks import QuirkChoice, Quirks
from ..csms.server import CentralSystem
from ..storage.ledger import Ledger
from ..storage.proofs import Firmware
from .recorder import Recorder
from .settings import ChargerSettings


class Firmwares:
    """Hands what one charger told to all others of its firmware, over restarts."""

    def __init__(self, *, ledger: Ledger, recorder: Recorder, central: CentralSystem) -> None:
        """Know what the ledger knows."""
        self._ledger = ledger
        self._recorder = recorder
        self._central = central
        self._chargers: dict[str, ChargerSettings] = {}

    def booted(self, identity: str, boot: BootInfo) -> bool:
        """Learn which firmware a charger runs, and tell whether it is another one."""
        firmware = Firmware(vendor=boot.vendor, model=boot.model, version=boot.firmware)
        is_new = self._ledger.firmwares.get(identity) != firmware
        if is_new:
            self._recorder.note(self._ledger.note_firmware(identity, firmware))
        self._recall(identity, firmware)
        return is_new

    def restarted(self) -> None:
        """Recall what was known before a restart, for which chargers do not boot."""
        for identity in self._central.stations.keys() & self._ledger.firmwares.keys():
            self._recall(identity, self._ledger.firmwares[identity])

    def configure(self, chargers: Iterable[ChargerSettings]) -> None:
        """Learn how the user has set up the chargers, and tell their stations how they behave."""
        self._chargers = {charger.identity: charger for charger in chargers}
        for charger in self._chargers.values():
            self._central.stations[charger.identity].behave(self.quirks(charger))

    def quirks(self, charger: ChargerSettings) -> Quirks:
        """Return what a charger does differently, by what it last said of itself and the user."""
        known = self._ledger.firmwares.get(charger.identity)
        boot = None
        if known is not None:
            boot = BootInfo(vendor=known.vendor, model=known.model, firmware=known.version)
        return _quirks(charger.quirks, boot, charger.phases)

    def learnt(self, identity: str, memory: FirmwareMemory) -> None:
        """Remember what a charger has told or taken, if it said what firmware that holds for."""
        firmware = self._ledger.firmwares.get(identity)
        if firmware is None or not firmware.is_told:
            return
        answers = memory.as_record()
        if self._ledger.interviews.get(firmware) != answers:
            self._recorder.note(self._ledger.note_interview(firmware, answers))

    def _recall(self, identity: str, firmware: Firmware) -> None:
        memory = FirmwareMemory.from_record(self._ledger.interviews.get(firmware, {}))
        station = self._central.stations[identity]
        if (charger := self._chargers.get(identity)) is not None:
            station.behave(self.quirks(charger))
        station.recall(memory)


@lru_cache(maxsize=256)
def _quirks(choice: QuirkChoice, boot: BootInfo | None, lines: int) -> Quirks:
    """Look them up once for all chargers of a kind: they are asked for at each change of a site."""
    return choice.quirks(QUIRK_ROWS, boot).at(lines=lines)
