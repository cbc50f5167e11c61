"""An unknown charger that is told to wait while the user decides."""

from collections.abc import Callable
from contextlib import suppress

from .events import BootInfo, StationEvent, StationPending
from .rpc import RpcConnection
from .rpc_errors import CallError, CallFailed
from .rpc_frames import ErrorCode, Payload
from .v16 import PENDING_INTERVAL_S, boot_answer, parse_boot_info


class PendingStation:
    """One connection of an unknown charger. All that it may do is to introduce itself."""

    def __init__(
        self,
        identity: str,
        address: str,
        rpc: RpcConnection,
        emit: Callable[[StationEvent], None],
        on_closed: Callable[[PendingStation], None],
    ) -> None:
        self.identity = identity
        self.rpc = rpc
        self.address = address
        self._emit = emit
        self._on_closed = on_closed
        self._boot: BootInfo | None = None
        self._asked = False
        rpc.peer = self

    async def handle(self, action: str, payload: Payload) -> Payload:
        """Answer a BootNotification with Pending. Raises CallError for everything else."""
        if action != "BootNotification":
            if self._boot is None and not self._asked:
                self._asked = True
                self.rpc.spawn(self._ask_to_boot())
            raise CallError(ErrorCode.SECURITY_ERROR, "not accepted yet")
        boot = parse_boot_info(payload)
        if boot != self._boot:
            self._boot = boot
            self._emit(StationPending(identity=self.identity, boot=boot, address=self.address))
        return boot_answer("Pending", PENDING_INTERVAL_S)

    def answered(self, action: str) -> None:
        """Nothing follows from an answer."""

    def line_freed(self) -> None:
        """Nobody waits for the line."""

    def late_result(self, action: str) -> None:
        """Nothing depends on an answer."""

    def odd_frame(self, text: str) -> None:
        """Nobody asks yet how well it speaks."""

    def closed(self) -> None:
        """Learn that the connection has ended."""
        self._on_closed(self)

    async def _ask_to_boot(self) -> None:
        """Have a charger introduce itself that thinks it is known here."""
        with suppress(CallFailed):
            await self.rpc.call("TriggerMessage", {"requestedMessage": "BootNotification"})
