"""A further back office that receives a copy of what a charger says, and has no say."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import replace

from ..lenient import integer
from ..rpc_errors import CallError, CallFailed, ConnectionLost
from ..rpc_frames import ErrorCode, Payload
from .delivery import Line
from .quiet_peer import QuietPeer
from .transaction_ids import TransactionIds, with_transaction
from .upstream import Backoff, UpstreamLeg
from .upstream_settings import UpstreamSettings

MAX_COPIES = 200
"""What an observer does not take in time is gone."""
MAX_IDS = 100


class Observer(QuietPeer):
    """Copies one charger's calls to one observer, and reads of its answers only its ids."""

    def __init__(
        self, url: str, settings: UpstreamSettings, charger: str, *, backoff: Backoff
    ) -> None:
        """Dial nobody yet. It learns the same identity as the back office, but no password."""
        self._copies: deque[tuple[str, Payload, int | None]] = deque(maxlen=MAX_COPIES)
        self._news = asyncio.Event()
        self._known_ids: OrderedDict[int, int | None] = OrderedDict()
        self._ids = TransactionIds(self._known_ids)
        self._leg = UpstreamLeg(
            replace(settings, url=url, password=None, ca_file=None, observers=()),
            charger,
            peer=self,
            serve=self._speak,
            on_change=_nobody_looks,
            backoff=backoff,
        )

    @property
    def connected(self) -> bool:
        """Whether copies can be sent."""
        return self._leg.connected

    def start(self) -> None:
        """Dial, and dial again."""
        self._leg.start()

    async def stop(self) -> None:
        """Leave."""
        await self._leg.stop()

    def copy(self, action: str, payload: Payload, local: Payload) -> None:
        """Send a copy soon; `local` is how balanz answered, with its id of a transaction."""
        is_start = action == "StartTransaction"
        own_id = integer((local if is_start else payload).get("transactionId"))
        self._copies.append((action, payload, own_id))
        self._news.set()

    async def _speak(self, line: Line) -> None:
        while True:
            self._news.clear()
            while self._copies:
                await self._send(line, *self._copies.popleft())
            await self._news.wait()

    async def _send(self, line: Line, action: str, payload: Payload, own_id: int | None) -> None:
        is_start = action == "StartTransaction"
        if own_id is not None and not is_start:
            payload = with_transaction(payload, self._ids.upstream(own_id))
        try:
            answer = await line.call(action, payload)
        except ConnectionLost:
            raise
        except CallFailed:
            return
        told_id = integer(answer.get("transactionId"))
        if is_start and own_id is not None and told_id is not None:
            self._known_ids[own_id] = told_id
            if len(self._known_ids) > MAX_IDS:
                self._known_ids.popitem(last=False)

    async def handle(self, _action: str, _payload: Payload, /) -> Payload:
        """Refuse a call. Raises CallError."""
        raise CallError(ErrorCode.SECURITY_ERROR, "you may only listen")


def _nobody_looks() -> None:
    """Tell nobody."""
