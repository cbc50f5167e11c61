"""A site that runs for real, on real sockets and files, with everything that may go wrong."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from custom_components.balanz.balancing.phases import ZERO, PhaseCurrents
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import SiteSettings
from custom_components.balanz.storage.kept_files import files_kept
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import HouseMeter
from simulator.options import ChargerOptions
from simulator.virtual_time import VirtualClock, virtual_calendar

from .disk import Disk, cut_short, damage
from .watch import LOOK_S, View, Violation, Watch

PACKAGE = "custom_components.balanz"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """What a world is like besides its site."""

    meter_period_s: float = 1.0
    """How often the house's meter tells, s."""
    chargers: Mapping[str, ChargerOptions] = field(default_factory=dict)
    """By identity; those left out are as most are."""


class World:
    """One site with its chargers, its house and its disk. For the loop that `running` is in."""

    def __init__(self, settings: SiteSettings, folder: Path, options: WorldOptions) -> None:
        self.settings = settings
        self.site: BalanzSite | None = None
        self.chargers: dict[str, SimulatedCharger] = {}
        self.meter = HouseMeter()
        self.disk = Disk()
        self.watch = Watch()
        self._options = options
        self._base_a = ZERO
        self._folder = folder
        self._lives = 0
        self._errors = _ErrorLog(self.watch)
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    @asynccontextmanager
    async def running(
        cls, settings: SiteSettings, folder: Path, options: WorldOptions | None = None
    ) -> AsyncIterator[World]:
        """Run a site with a charger for each in its settings, and stop all in the end."""
        world = cls(settings, folder, options or WorldOptions())
        with ExitStack() as stack:
            stack.enter_context(virtual_calendar(PACKAGE))
            stack.enter_context(world.disk.in_use())
            stack.enter_context(world._errors.attached())
            try:
                await world._start()
                yield world
            finally:
                await world._stop()

    @property
    def base_a(self) -> PhaseCurrents:
        """What the house draws besides its chargers."""
        return self._base_a

    @base_a.setter
    def base_a(self, base_a: PhaseCurrents) -> None:
        if base_a.maximum(self._base_a) != self._base_a:
            self.watch.disturbed(self.now_s)
        self._base_a = base_a

    @property
    def now_s(self) -> float:
        """The virtual time, s."""
        return asyncio.get_running_loop().time()

    @property
    def grid_a(self) -> PhaseCurrents:
        """What flows at the grid connection."""
        draws = (
            charger.phase_map.draw(simulated.currents_a[: simulated.phases])[1]
            for charger in self.settings.chargers
            for simulated in (self.chargers[charger.identity],)
        )
        return PhaseCurrents.total((self._base_a, *draws))

    @property
    def running_site(self) -> BalanzSite:
        """The site. Raises RuntimeError while it is down."""
        if self.site is None:
            raise RuntimeError("the site is down")
        return self.site

    async def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def plug_in(self, identity: str, car: Car) -> None:
        """Let a car arrive."""
        self.chargers[identity].plug_in(car)

    async def set_capacity(self, group_id: str, capacity_a: float) -> None:
        """Change a group's capacity as an automation does."""
        self.watch.disturbed(self.now_s)
        await self.running_site.set_capacity(group_id, capacity_a)

    async def reboot(self, identity: str, *, forgets: bool) -> None:
        """Let a charger restart; if it forgets, without its limits."""
        charger = self.chargers[identity]
        if forgets:
            charger.station.clear_profiles()
        charger.reboot()

    async def kill(self) -> None:
        """End the site's process without goodbye: what is on disk is all that is left."""
        site = self.running_site
        shutil.copytree(self._life(self._lives), self._life(self._lives + 1))
        self._lives += 1
        self.site = None
        for charger in self.chargers.values():
            charger.drop_link()
        # What is left of the process works on files that nobody will read.
        await site.stop()

    async def reopen(
        self, *, lost_bytes: int = 0, damaged_at: float | None = None, lost_file: str | None = None
    ) -> None:
        """Start the site from what is on disk, of which some may have been lost."""
        folder = self._life(self._lives)
        kept = files_kept(folder)
        if lost_file is not None:
            (folder / lost_file).unlink()
        if lost_bytes:
            cut_short(folder, by_bytes=lost_bytes)
        if damaged_at is not None:
            damage(folder, share=damaged_at)
        self.site = BalanzSite(settings=self.settings, storage_path=folder, expected_files=kept)
        await self.site.start()

    async def back_up(self) -> Path:
        """Make a backup of the site while it runs, and return where it is."""
        backup = self._folder / f"backup_{self._lives}"
        await self.running_site.backup_begins()
        shutil.copytree(self._life(self._lives), backup)
        await self.running_site.backup_ends()
        return backup

    def restore(self, backup: Path) -> None:
        """Put what was backed up in the place of what is on disk, while the site is down."""
        shutil.rmtree(self._life(self._lives))
        shutil.copytree(backup, self._life(self._lives))

    async def restart(self) -> None:
        """Stop the site in good order and start it again."""
        site, self.site = self.running_site, None
        await site.stop()
        await self.reopen()

    def look(self) -> None:
        """Let the watch look now."""
        self.watch.look(
            View(
                now_s=self.now_s,
                settings=self.settings,
                chargers=self.chargers,
                base_a=self._base_a,
                meter_fault=self.meter.fault,
                snapshot=None if self.site is None else self.site.snapshot,
            )
        )

    def _life(self, number: int) -> Path:
        return self._folder / f"life_{number}"

    async def _start(self) -> None:
        await self.reopen()
        # Each further life of the site listens where the chargers dial.
        self.settings = replace(self.settings, port=self.running_site.port)
        for charger in self.settings.chargers:
            simulated = SimulatedCharger(
                charger.identity,
                f"ws://127.0.0.1:{self.settings.port}",
                rating_a=charger.rating_a,
                phases=charger.phases,
                clock=VirtualClock(),
                options=self._options.chargers.get(charger.identity),
            )
            self.chargers[charger.identity] = simulated
            await simulated.start()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._report()), loop.create_task(self._keep_looking())]

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for charger in self.chargers.values():
            await charger.stop()
        if self.site is not None:
            await self.site.stop()

    async def _report(self) -> None:
        while True:
            if self.site is not None:
                grid_a = self.grid_a
                cars_a = grid_a - self._base_a
                told = self.meter.tell(
                    (grid_a.l1, grid_a.l2, grid_a.l3), (cars_a.l1, cars_a.l2, cars_a.l3)
                )
                currents = None
                if told is not None:
                    currents = PhaseCurrents(l1=told[0], l2=told[1], l3=told[2])
                for group in self.settings.groups:
                    if group.metered:
                        self.site.report_meter(group.id, currents)
            await asyncio.sleep(self._options.meter_period_s)

    async def _keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)


class _ErrorLog(logging.Handler):
    """Takes an exception that the integration logged for a breach of rule 9."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.ERROR)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was logged with a traceback."""
        if record.exc_info:
            at_s = asyncio.get_running_loop().time()
            self._watch.violations.append(
                Violation(at_s=at_s, rule=9, text=f"{record.getMessage()}: {record.exc_info[1]!r}")
            )

    def attached(self) -> ExitStack:
        """Listen to the integration until the stack is closed."""
        logger = logging.getLogger(PACKAGE)
        logger.addHandler(self)
        stack = ExitStack()
        stack.callback(logger.removeHandler, self)
        return stack
