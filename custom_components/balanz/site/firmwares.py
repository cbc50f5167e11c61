"""Which firmware each charger runs, and what is remembered of it."""

from ..csms.events import BootInfo
from ..csms.firmware_memory import FirmwareMemory
from ..csms.server import CentralSystem
from ..storage.ledger import Ledger
from ..storage.proofs import Firmware
from .recorder import Recorder


class Firmwares:
    """Hands what one charger told to all others of its firmware, over restarts."""

    def __init__(self, *, ledger: Ledger, recorder: Recorder, central: CentralSystem) -> None:
        """Know what the ledger knows."""
        self._ledger = ledger
        self._recorder = recorder
        self._central = central

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
        self._central.stations[identity].recall(memory)
