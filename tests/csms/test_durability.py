"""A transaction that was answered outlives a central system that is killed."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from .client import RawCharger
from .conftest import Bench

REPOSITORY = Path(__file__).parents[2]
START: dict[str, Any] = {
    "connectorId": 1,
    "idTag": "TAG",
    "meterStart": 5,
    "timestamp": "2026-03-01T12:00:00Z",
}
PROCESS = """
import asyncio, sys
from pathlib import Path
from custom_components.balanz.csms.server import CentralSystem, ServerSettings
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

async def serve():
    journal = Journal(Path(sys.argv[1]))
    await journal.open()
    settings = ServerSettings(host="127.0.0.1", port=0)
    central = CentralSystem(settings, lambda event: None, TransactionBook(journal))
    central.set_known(["CP1"])
    await central.start()
    print(central.port, flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""


async def test_a_start_said_again_after_kill_9_has_the_id_that_it_was_given(
    socket_enabled: None, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, str(path), stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY
    )
    assert process.stdout is not None
    charger = await RawCharger.dial(int(await process.stdout.readline()), "CP1")
    before = await charger.call("StartTransaction", START)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await charger.closed()

    journal = Journal(path)
    book = TransactionBook(journal)
    book.restore(await journal.open())
    central = Bench(book)
    central.set_known(["CP1"])
    await central.start()
    charger = await RawCharger.dial(central.port, "CP1")
    after = await charger.call("StartTransaction", START)
    other = await charger.call("StartTransaction", START | {"connectorId": 2})
    await charger.close()
    await central.stop()
    await journal.close()

    assert after == before
    assert other["transactionId"] != before["transactionId"]
