"""One connection of a known charger."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from .rpc_errors import CallError, WithholdAnswer
from .rpc_frames import ErrorCode, Payload
from .validation import Direction, check, is_known
from .violations import Violations

if TYPE_CHECKING:
    from .rpc import RpcConnection


class LinkedStation(Protocol):
    """What a connection tells its charging station."""

    ready: bool
    violations: Violations

    def became_ready(self, link: StationLink, *, booted: bool) -> None:
        """Learn that the charger is accepted on a connection."""
        ...

    def detach(self, rpc: RpcConnection) -> None:
        """Forget a connection that has ended."""
        ...

    def call_ended(self, link: StationLink) -> None:
        """Learn that an outstanding call has ended."""
        ...

    def note_late_answer(self, action: str) -> None:
        """Learn that a call was answered after its time-out."""
        ...


class StationLink:
    """What is known of one connection; it speaks for the station on that connection alone."""

    def __init__(
        self,
        station: LinkedStation,
        rpc: RpcConnection,
        serve: Callable[[str, Payload], Awaitable[Payload]],
        *,
        must_boot: bool,
    ) -> None:
        """Answer calls through `serve`, which raises CallError or WithholdAnswer."""
        self.rpc = rpc
        self.interviewed = False
        self.polled = False
        """Whether its meter is asked for again and again."""
        self._station = station
        self._serve = serve
        self._told_to_wait = False
        """Whether a back office has not accepted it yet."""
        self._must_boot = must_boot

    async def handle(self, action: str, payload: Payload) -> Payload:
        """Return the answer to a call. Raises CallError or WithholdAnswer."""
        if self._must_boot and action != "BootNotification":
            raise CallError(ErrorCode.SECURITY_ERROR, "send a BootNotification first")
        if is_known(action):
            violation = check(action, Direction.REQUEST, payload)
            if violation is not None:
                self._station.violations.note(f"{action}: {violation}")
        try:
            answer = await self._serve(action, payload)
        except WithholdAnswer:
            # The charger waits for what the disk keeps back; its limit must not wait with it.
            self.answered(action)
            raise
        if action == "BootNotification":
            self._told_to_wait = answer.get("status") != "Accepted"
        return answer

    def answered(self, action: str) -> None:
        """Learn that the charger was served, and so may be spoken to.

        A charger that was accepted before need not boot again when it reconnects.
        """
        if self._told_to_wait:
            return
        if action == "BootNotification":
            self._must_boot = False
            self._station.became_ready(self, booted=True)
        elif not self._station.ready:
            self._station.became_ready(self, booted=False)

    def line_freed(self) -> None:
        """Learn that an outstanding call has ended."""
        self._station.call_ended(self)

    def late_result(self, action: str) -> None:
        """Learn that an answer came after its time."""
        self._station.note_late_answer(action)

    def odd_frame(self, problem: str) -> None:
        """Learn what was wrong with a frame that is answered all the same."""
        self._station.violations.note(f"frame: {problem}")

    def closed(self) -> None:
        """Learn that the connection has ended."""
        self._station.detach(self.rpc)
