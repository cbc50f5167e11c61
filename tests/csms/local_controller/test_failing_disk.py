"""A start or stop that the disk does not take is not said to be accepted at once."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from custom_components.balanz.csms.local_controller.controller import LocalController
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.upstream_ledger import DISK_RETRY_S, UpstreamLedger

from ..client import RawCharger, wait_until
from ..conftest import Bench
from .back_office import BackOffice
from .conftest import Between
from .test_forwarding import START, stop
from .test_outage import cut


class FullDisk:
    """The file of the back offices takes nothing; all others do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write = os.pwrite
        self.full = True
        monkeypatch.setattr(os, "pwrite", self)

    def __call__(self, descriptor: int, data: bytes, offset: int) -> int:
        if self.full and "upstream" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(descriptor, data, offset)


async def said(charger: RawCharger, action: str, payload: object, times: int) -> object:
    """Say something again on the same connection until there is an answer; the last one."""
    answers = []
    for number in range(times):
        message_id = f"{action}-{number}"
        await charger.send(f'[2,"{message_id}","{action}",{payload}]')
        assert await charger.alive()
        answers.append(charger.results.get(message_id, [None] * 3)[2])
    assert answers[:-1] == [None] * (times - 1)
    return answers[-1]


def text(payload: dict[str, object]) -> str:
    return str(payload).replace("'", '"')


async def test_a_start_is_answered_from_the_third_try_on(
    connected: RawCharger,
    controller: LocalController,
    office: BackOffice,
    central: Bench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    not_durable: list[str] = []
    central.transactions.on_not_durable = not_durable.append
    await connected.call("Authorize", {"idTag": "TAG"})
    await cut(office, controller)
    FullDisk(monkeypatch)

    answer = await said(connected, "StartTransaction", text(START), 3)

    assert isinstance(answer, dict)
    assert answer["idTagInfo"] == {"status": "Accepted"}
    assert controller.waiting == 1
    assert not_durable == ["CP1"]


async def test_a_stop_that_waits_in_memory_alone_is_told_once(
    connected: RawCharger,
    controller: LocalController,
    office: BackOffice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = await connected.call("StartTransaction", START)
    await cut(office, controller)
    FullDisk(monkeypatch)

    answer = await said(connected, "StopTransaction", text(stop(started["transactionId"])), 3)
    await office.start()
    await wait_until(lambda: controller.waiting == 0)

    assert answer == {}
    assert len(office.of("StopTransaction")) == 1


async def test_what_the_disk_did_not_take_is_on_it_once_it_works_again(
    connected: RawCharger,
    controller: LocalController,
    between: Between,
    office: BackOffice,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await cut(office, controller)
    disk = FullDisk(monkeypatch)
    await connected.send(f'[2,"m1","StartTransaction",{text(START)}]')
    await wait_until(lambda: between.ledger.failing)

    disk.full = False
    await asyncio.sleep(DISK_RETRY_S)
    await wait_until(lambda: not between.ledger.failing)
    answer = await connected.call("StartTransaction", START)
    file = Journal(tmp_path / "copy.jsonl")
    (tmp_path / "copy.jsonl").write_bytes((tmp_path / "upstream.jsonl").read_bytes())
    restarted = UpstreamLedger(file)
    await restarted.open()

    assert answer["transactionId"] > 0
    assert len(restarted.queue(controller.settings.leg("CP1"))) == 1
    await restarted.close()
