"""Whatever happens in whatever order: no start or stop is lost, doubled or told too early."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from ..client import RawCharger, wait_until
from ..conftest import Bench
from .back_office import BackOffice
from .conftest import Between

EVENTS = (
    "car",
    "said again",
    "meter",
    "status",
    "office vanishes",
    "office returns",
    "office drops after a start",
    "office drops after a stop",
    "office answers twice",
    "office is slow",
    "office asks",
    "charger reconnects",
    "restart",
    "pause",
)


class Story:
    """One charger, one back office and balanz between them, and what has happened so far."""

    def __init__(self, folder: Path, office: BackOffice) -> None:
        self.folder = folder
        self.office = office
        self.said = 0
        self.running: int | None = None
        self.last: tuple[str, dict[str, Any]] | None = None
        """What the charger said last of a transaction."""
        self.stops_said: list[str] = []
        self.up = True

    @classmethod
    @asynccontextmanager
    async def begin(cls) -> AsyncGenerator[Story]:
        office = BackOffice()
        office.tags["TAG"] = {"status": "Accepted"}
        await office.start()
        with TemporaryDirectory() as folder:
            story = cls(Path(folder), office)
            await story.set_up()
            await story.charger.boot()
            await wait_until(lambda: story.controller.connected)
            await story.charger.call("Authorize", {"idTag": "TAG"})
            yield story
            await story.charger.close()
            await story.tear_down()
            await office.stop()

    async def set_up(self) -> None:
        self.journal = Journal(self.folder / "journal.jsonl")
        records = await self.journal.open()
        book = TransactionBook(self.journal)
        book.restore(records)
        self.central = Bench(book, call_timeout_s=0.5)
        self.central.set_known(["CP1"])
        await self.central.start()
        self.between = Between(self.central, self.office, self.folder)
        await self.between.ledger.open()
        self.controller = self.between.pass_on()
        self.charger = await RawCharger.dial(self.central.port, "CP1")
        self.charger.answers["Reset"] = {"status": "Accepted"}

    async def tear_down(self) -> None:
        await self.central.stop()
        await self.between.close()
        await self.journal.close()

    async def happen(self, event: str) -> None:
        office = self.office
        match event:
            case "car" if self.running is None:
                await self._start()
            case "car":
                await self._stop()
            case "said again" if self.last is not None:
                await self.charger.call(*self.last)
            case "meter" if self.running is not None:
                value = {"timestamp": "2026-11-21T12:00:00Z", "sampledValue": [{"value": "1"}]}
                payload = {"connectorId": 1, "transactionId": self.running, "meterValue": [value]}
                await self.charger.call("MeterValues", payload)
            case "status":
                payload = {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}
                await self.charger.call("StatusNotification", payload)
            case "office vanishes" if self.up:
                self.up = False
                await office.stop()
            case "office returns" if not self.up:
                await self._return()
            case "office drops after a start":
                office.drops_after.add("StartTransaction")
            case "office drops after a stop":
                office.drops_after.add("StopTransaction")
            case "office answers twice":
                office.answers_twice = not office.answers_twice
            case "office is slow":
                office.delay_s = 0.0 if office.delay_s else 0.05
            case "office asks" if self.controller.connected and "CP1" in office.lines:
                line = office.lines["CP1"]
                frame = json.dumps([2, f"r{self.said}", "Reset", {"type": "Soft"}])
                await asyncio.wait({asyncio.create_task(line.socket.send(frame))})
            case "charger reconnects":
                await self.charger.close()
                self.charger = await RawCharger.dial(self.central.port, "CP1")
            case "restart":
                await self.charger.close()
                await self.tear_down()
                await self.set_up()
            case "pause":
                await asyncio.sleep(0.1)

    async def end(self) -> None:
        """Bring the back office back, and wait until it knows all."""
        if not self.up:
            await self._return()
        if self.running is not None:
            await self._stop()
        await wait_until(lambda: self.controller.waiting == 0)

    async def _return(self) -> None:
        self.up = True
        await self.office.start()

    async def _start(self) -> None:
        self.said += 1
        start = {
            "connectorId": 1,
            "idTag": "TAG",
            "meterStart": self.said,
            "timestamp": f"2026-11-21T10:00:{self.said:02}Z",
        }
        self.last = ("StartTransaction", start)
        self.running = (await self.charger.call(*self.last))["transactionId"]

    async def _stop(self) -> None:
        moment = f"2026-11-21T11:00:{self.said:02}Z"
        self.stops_said.append(moment)
        stop = {"transactionId": self.running, "meterStop": 1000, "timestamp": moment}
        self.last, self.running = ("StopTransaction", stop), None
        await self.charger.call(*self.last)


@pytest.mark.usefixtures("socket_enabled")
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(EVENTS)).map(lambda it: "car" if it[0] else it[1]),
        min_size=5,
        max_size=25,
    )
)
async def test_no_start_or_stop_is_lost_or_doubled(events: list[str]) -> None:
    async with Story.begin() as story:
        for event in events:
            await story.happen(event)
        await story.end()
        office: Any = story.office

        assert [it["meterStart"] for it in office.starts] == list(range(1, story.said + 1))
        assert [it["timestamp"] for it in office.stops] == story.stops_said
        assert [it["transactionId"] for it in office.stops] == [it["id"] for it in office.starts]
        assert ids_of(office, "StartTransaction") == story.said
        assert ids_of(office, "StopTransaction") == len(story.stops_said)
        assert office.most_outstanding <= 1


def ids_of(office: BackOffice, action: str) -> int:
    """How many messages there were; one that is sent again has the id that it had."""
    frames = [json.loads(text) for text in office.texts]
    return len({frame[1] for frame in frames if frame[2] == action})
