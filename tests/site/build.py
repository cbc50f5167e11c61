"""Sites as users set them up, and what tests look at."""

import asyncio
import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from custom_components.balanz.site.snapshot import ConnectorSnapshot, ProblemKind
from simulator.charger import SimulatedCharger

DEADLINE_S = 320.0


def group(group_id: str = "root", **changes: Any) -> Group:
    """A group without a meter and without other loads."""
    fields: dict[str, Any] = {
        "name": group_id.title(),
        "parent_id": None if group_id == "root" else "root",
        "rating_a": 32.0,
    }
    return Group(id=group_id, **(fields | changes))


def charger(identity: str, **changes: Any) -> ChargerSettings:
    """A charger with three lines at 16 A."""
    fields: dict[str, Any] = {
        "name": f"Charger {identity}",
        "group_id": "root",
        "rating_a": 16.0,
        "phases": 3,
        "phase_map": PhaseMap.L1_L2_L3,
        "maximum_a": changes.get("rating_a", 16.0),
    }
    return ChargerSettings(identity=identity, **(fields | changes))


def settings(
    *chargers: ChargerSettings, groups: tuple[Group, ...] = (), port: int = 0, **root: Any
) -> SiteSettings:
    """A site on a free port; `root` changes the root group."""
    return SiteSettings(
        host="127.0.0.1", port=port, groups=(group(**root), *groups), chargers=chargers
    )


def changed(old: SiteSettings, *chargers: ChargerSettings, **fields: Any) -> SiteSettings:
    """The same site with other chargers."""
    return replace(old, chargers=chargers, **fields)


def amperes(l1: float, l2: float | None = None, l3: float | None = None) -> PhaseCurrents:
    """The same current on all phases, or one for each."""
    return PhaseCurrents(l1=l1, l2=l1 if l2 is None else l2, l3=l1 if l3 is None else l3)


async def until(predicate: Callable[[], object], *, deadline_s: float = DEADLINE_S) -> None:
    """Wait for something to come true; the deadline is in seconds of the loop."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while not predicate():
        assert loop.time() < end, "it did not come true in time"
        await asyncio.sleep(0.05)


def connector(site: BalanzSite, identity: str, number: int = 1) -> ConnectorSnapshot:
    return site.snapshot.chargers[identity].connectors[number - 1]


def accepted_a(site: BalanzSite, identity: str, number: int = 1) -> float | None:
    return connector(site, identity, number).accepted_a


def booked_a(site: BalanzSite, identity: str, number: int = 1) -> float:
    return connector(site, identity, number).booked_a


def problems(site: BalanzSite) -> set[ProblemKind]:
    """What is wrong now; what would be if nobody controlled the site is another matter."""
    return {problem.kind for problem in site.snapshot.problems} - {ProblemKind.UNSAFE_ALONE}


def subjects(site: BalanzSite, kind: ProblemKind) -> list[str]:
    return [problem.subject for problem in site.snapshot.problems if problem.kind is kind]


def limits_received(simulated: SimulatedCharger, number: int = 1) -> list[float]:
    """The limits that came over the wire, oldest first."""
    calls = [orjson.loads(frame.text) for frame in simulated.frames]
    profiles = [
        call[3]["csChargingProfiles"]
        for call in calls
        if call[0] == 2 and call[2] == "SetChargingProfile" and call[3]["connectorId"] == number
    ]
    return [it["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] for it in profiles]


def recorded(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The records of one kind that are on disk."""
    lines = (folder / "journal.jsonl").read_bytes().splitlines()
    records = [orjson.loads(line.partition(b" ")[2]) for line in lines]
    return [record for record in records if record["kind"] == kind]


class FullDisk:
    """A disk that takes nothing while it is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        self._pwrite = os.pwrite
        monkeypatch.setattr(os, "pwrite", self)

    def __call__(self, descriptor: int, data: Any, offset: int) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._pwrite(descriptor, data, offset)


async def pass_s(seconds: float) -> None:
    """Let time pass in which something must not happen; these are seconds of the loop."""
    await asyncio.sleep(seconds)
