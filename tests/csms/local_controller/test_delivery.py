"""What waits for a back office is told in order, and nothing holds it up for ever."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from custom_components.balanz.csms.local_controller.delivery import (
    MAX_REFUSALS,
    MAX_TRIES,
    Delivery,
    read_verbatim,
)
from custom_components.balanz.csms.rpc_errors import (
    CallFailed,
    CallRejected,
    CallTimeout,
    InvalidCall,
    LineBusy,
    MalformedAnswer,
)
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.upstream_ledger import (
    Kept,
    UpstreamLedger,
    UpstreamQueue,
    WaitingCall,
)

from ..client import wait_until


class Line:
    """A connection that answers each action as it is told to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.answer: Callable[[str], dict[str, Any]] = lambda _action: {}

    async def call(
        self,
        action: str,
        payload: Any,
        *,
        urgent: bool = False,
        message_id: str | None = None,
    ) -> Any:
        self.told.append((action, payload))
        await asyncio.sleep(0)
        return self.answer(action)

    def of(self, action: str) -> list[Any]:
        return [payload for name, payload in self.told if name == action]

    def fail(self, action: str, *errors: CallFailed) -> None:
        """Fail the next calls of a kind, and answer all others."""
        left = list(errors)

        def answer(name: str) -> dict[str, Any]:
            if name == action and left:
                raise left.pop(0)
            return {}

        self.answer = answer


class Rig:
    """A queue, and who works it off."""

    def __init__(self, queue: UpstreamQueue) -> None:
        self.queue = queue
        self.line = Line()
        self.starts: list[int] = []
        self.delivery = Delivery(
            queue,
            read=read_verbatim(orjson.loads),
            on_started=lambda own_id, _answer: self.starts.append(own_id),
            boot=self._boot,
            on_delivered=lambda: None,
            retry_s=0.02,
        )

    async def _boot(self, _line: object) -> bool:
        return False

    async def put(
        self, action: str, payload: str = "{}", *, kept: Kept = Kept.TRANSACTION, own_id: int = 7
    ) -> WaitingCall:
        call = WaitingCall(
            id=f"id-{len(self.queue)}",
            action=action,
            payload=payload,
            kept=kept,
            transaction_id=own_id if kept is Kept.TRANSACTION else None,
        )
        await self.queue.put_durably(call)
        return call

    async def emptied(self) -> None:
        """Work until nothing waits."""
        work = asyncio.create_task(self.delivery.run(self.line))
        await wait_until(lambda: self.delivery.idle)
        work.cancel()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    ledger = UpstreamLedger(Journal(tmp_path / "upstream.jsonl"))
    await ledger.open()
    yield Rig(ledger.queue("CP1 ws://office/CP1"))
    await ledger.close()


async def test_a_stop_that_cannot_be_said_is_set_aside_and_holds_up_nothing(rig: Rig) -> None:
    await rig.put("StopTransaction")
    await rig.put("Heartbeat", kept=Kept.EVENT)
    rig.line.fail("StopTransaction", *[InvalidCall("broken")] * 100)

    await rig.emptied()

    assert rig.queue.parked == 1
    assert len(rig.line.of("StopTransaction")) == MAX_REFUSALS
    assert len(rig.line.of("Heartbeat")) == 1


async def test_a_stop_is_told_until_there_is_an_answer(rig: Rig) -> None:
    await rig.put("StopTransaction")
    rig.line.fail("StopTransaction", *[CallTimeout()] * 20, LineBusy())

    await rig.emptied()

    assert rig.queue.parked == 0
    assert len(rig.line.of("StopTransaction")) == 22


async def test_a_stop_that_is_refused_for_a_while_is_taken_in_the_end(rig: Rig) -> None:
    await rig.put("StopTransaction")
    refusal = CallRejected("SecurityError", "not yet")
    rig.line.fail("StopTransaction", *[refusal] * (MAX_REFUSALS - 1))

    await rig.emptied()

    assert rig.queue.parked == 0


@pytest.mark.parametrize(
    ("told", "upstream_id"), [(5, 5), ("5", 5), (5.0, 5), (True, 7), ("x", 7), (1e300, 7)]
)
async def test_an_id_of_the_back_office_is_read_however_it_is_written(
    rig: Rig, told: object, upstream_id: int
) -> None:
    await rig.put("StartTransaction")
    rig.line.answer = lambda _action: {"transactionId": told}

    await rig.emptied()

    assert rig.queue.ids == {7: upstream_id}
    assert rig.starts == [7]


async def test_a_critical_notice_is_told_again_where_there_is_no_answer(rig: Rig) -> None:
    await rig.put("SecurityEventNotification", kept=Kept.CRITICAL)
    rig.line.fail("SecurityEventNotification", CallTimeout(), CallRejected("InternalError", ""))

    await rig.emptied()

    assert len(rig.line.of("SecurityEventNotification")) == 3


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (CallTimeout(), MAX_TRIES),
        (CallRejected("InternalError", ""), MAX_TRIES),
        (MalformedAnswer(), MAX_TRIES),
        (CallRejected("NotImplemented", ""), 1),
        (CallRejected("NotSupported", ""), 1),
        (InvalidCall("broken"), 1),
    ],
    ids=["silence", "trouble", "nonsense", "not implemented", "not supported", "not sent"],
)
async def test_a_critical_notice_holds_up_others_for_a_while_at_the_most(
    rig: Rig, error: CallFailed, tries: int
) -> None:
    await rig.put("SecurityEventNotification", kept=Kept.CRITICAL)
    await rig.put("StopTransaction")
    rig.line.fail("SecurityEventNotification", *[error] * 100)

    await rig.emptied()

    assert len(rig.line.of("SecurityEventNotification")) == tries
    assert len(rig.line.of("StopTransaction")) == 1
    assert rig.queue.parked == 0


async def test_any_other_notice_is_told_once(rig: Rig) -> None:
    await rig.put("LogStatusNotification", kept=Kept.EVENT)
    rig.line.fail("LogStatusNotification", CallTimeout())

    await rig.emptied()

    assert len(rig.line.of("LogStatusNotification")) == 1
