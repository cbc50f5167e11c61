"""How long a charger waits for the answer to an Authorize, at a site with very many tags.

A real site on a real socket, whose tags belong to families, expire, are valid at some chargers only
or are blocked. One charger shows known ones, in any case, and strangers' in turn. Timed is what the
charger notices: from the frame that it sends to the answer that it has read.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.phases import PhaseMap
from custom_components.balanz.csms.authorization import UnknownTags
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from custom_components.balanz.storage.tags import Tag, TagStatus

from .hostile import percentile

CHARGER = "CP-1"
FAMILIES = 100
STRANGERS_EVERY = 4
"""One of so many tags that are shown is not known."""
PAUSE_S = 0.006
"""Between two of them: no faster than any charger is read."""
WARM_UP = 50
BOOT = {"chargePointVendor": "Bench", "chargePointModel": "Bench"}


class NotServed(Exception):
    """A tag was judged wrongly: the figures would mean nothing."""


def make_tags(count: int) -> list[Tag]:
    """Return so many tags, a hundred of which are the heads of families."""
    soon = datetime.now(UTC) + timedelta(days=30)
    return [
        Tag(
            id=f"{number:014X}",
            name=f"Tag {number}",
            parent=None if number < FAMILIES else f"{number % FAMILIES:014X}",
            expires_at=soon if number % 3 == 0 else None,
            status=TagStatus.BLOCKED if number % 10 == 9 else TagStatus.ACCEPTED,
            places=frozenset({f"charger:{CHARGER}", "group:root"} if number % 5 == 0 else ()),
            sessions=2 if number % 7 == 0 else None,
        )
        for number in range(count)
    ]


class Shown:
    """The tags that a charger shows, and what has to be said of each."""

    def __init__(self, tags: Sequence[Tag], seed: int) -> None:
        """Choose by chance, always the same for a seed."""
        self._tags = tags
        self._random = random.Random(seed)
        self._status = {tag.key: tag.status for tag in tags}
        self._numbers = itertools.count(1)

    def next(self) -> tuple[str, str]:
        """Return an id and the status that it must get."""
        number = next(self._numbers)
        if number % STRANGERS_EVERY == 0:
            return f"stranger-{number}", "Invalid"
        tag = self._random.choice(self._tags)
        blocked = TagStatus.BLOCKED in (tag.status, self._status.get((tag.parent or "").lower()))
        shown = tag.id.lower() if number % 2 else tag.id
        return shown, "Blocked" if blocked else "Accepted"


class Charger:
    """The socket of a charger that knows nothing but to show tags."""

    def __init__(self, connection: ClientConnection) -> None:
        """Be connected."""
        self._connection = connection
        self._ids = itertools.count(1)

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a call; decline what is asked meanwhile."""
        message_id = str(next(self._ids))
        await self._connection.send(json.dumps([2, message_id, action, payload]))
        while True:
            frame = json.loads(await self._connection.recv())
            if frame[0] == 3 and frame[1] == message_id:
                answer: dict[str, Any] = frame[2]
                return answer
            if frame[0] == 2:
                declined = [4, frame[1], "NotImplemented", "", {}]
                await self._connection.send(json.dumps(declined))

    async def show(self, tag_id: str, expected: str) -> float:
        """Return how long an Authorize takes, in ms. Raises NotServed for another answer."""
        began_s = time.perf_counter()
        answer = await self.call("Authorize", {"idTag": tag_id})
        taken_ms = 1000 * (time.perf_counter() - began_s)
        if answer["idTagInfo"]["status"] != expected:
            raise NotServed(f"{tag_id}: {answer} in place of {expected}")
        return taken_ms


async def measure(*, tags: int, samples: int, seed: int) -> dict[str, float]:
    """Return the figures."""
    root = Group(id="root", name="Bench", parent_id=None, rating_a=32.0)
    charger = ChargerSettings(
        identity=CHARGER,
        name=CHARGER,
        group_id="root",
        rating_a=16.0,
        phases=3,
        phase_map=PhaseMap.L1_L2_L3,
        maximum_a=16.0,
    )
    settings = SiteSettings(
        host="127.0.0.1",
        port=0,
        groups=(root,),
        chargers=(charger,),
        # Who is asked about strangers takes as long as people do.
        unknown_tags=UnknownTags.REFUSE,
    )
    known = make_tags(tags)
    with tempfile.TemporaryDirectory(prefix="balanz-bench-") as folder:
        site = BalanzSite(settings=settings, storage_path=Path(folder) / "site")
        await site.start()
        try:
            await site.tags.put_all(known, replace=True)
            async with connect(
                f"ws://127.0.0.1:{site.port}/{CHARGER}",
                subprotocols=[Subprotocol("ocpp1.6")],
                compression=None,
            ) as connection:
                taken_ms = await _show_all(Charger(connection), Shown(known, seed), samples)
        finally:
            await site.stop()
    return {
        "tags": tags,
        "samples": samples,
        "authorize_p50_ms": round(percentile(taken_ms, 0.5), 2),
        "authorize_p99_ms": round(percentile(taken_ms, 0.99), 2),
        "authorize_max_ms": round(max(taken_ms), 2),
    }


async def _show_all(charger: Charger, shown: Shown, samples: int) -> list[float]:
    """Return how long each Authorize took, but for the first ones, which only warm up."""
    await charger.call("BootNotification", BOOT)
    taken_ms = []
    for _ in range(WARM_UP + samples):
        taken_ms.append(await charger.show(*shown.next()))
        await asyncio.sleep(PAUSE_S)
    return taken_ms[WARM_UP:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/benchmark tags", description=__doc__)
    parser.add_argument("--tags", type=int, default=10_000, help="that are known (10,000)")
    parser.add_argument("--samples", type=int, default=2000, help="tags to show (2000)")
    parser.add_argument("--seed", type=int, default=1, help="of what is shown when (1)")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    options = parser.parse_args(arguments)
    figures = asyncio.run(measure(tags=options.tags, samples=options.samples, seed=options.seed))
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:<18} {value:>8,}" for name, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
