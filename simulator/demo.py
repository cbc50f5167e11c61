"""The main job, to be watched: a real Home Assistant, a house, and cars that share its fuse.

Run it with script/demo, which installs what is missing.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
import webbrowser
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from . import fault_story, grid_meter, upstream_story
from .back_office import BackOffice
from .charger import SimulatedCharger
from .commissioning import Discovered, Secured, site_security
from .dashboard import URL_PATH, save_overview
from .entities import SiteEntities
from .fault_story import STORY, Chapter
from .faults import Faults, HouseMeter, MeterFault
from .fleet import make_fleet
from .home_assistant import HassProcess, HomeAssistantFailed
from .home_assistant_client import HomeAssistantClient
from .house import Amperes, House, Load, Wire, steps, sunshine
from .options import SecurityOptions
from .safety_watch import Circuit
from .site_setup import SetupFailed, SiteSetup, charger_form
from .upstream_story import UpstreamStory, passed_on

MAIN_FUSE_A = 32.0
GARAGE_A = 25.0
EVENING_GARAGE_A = 16.0
EVENING = (45.0, 65.0)
"""When, in seconds, an automation holds the garage lower."""
METER_PERIOD_S = 1.0
STATUS_PERIOD_S = 5.0
ROTATIONS = (
    ("l1_l2_l3", (0, 1, 2)),
    ("l2_l3_l1", (1, 2, 0)),
    ("l3_l1_l2", (2, 0, 1)),
)
"""Installers rotate the phases from charger to charger, so that one-phase cars spread."""


class Story(StrEnum):
    """What happens on the way."""

    EVENING = "evening"
    FAULTS = "faults"
    UPSTREAM = "upstream"


STORY_MINUTES: Mapping[Story, float] = {
    Story.FAULTS: fault_story.STORY_MINUTES,
    Story.UPSTREAM: upstream_story.STORY_MINUTES,
}
"""How long those take that have an end."""
ARRIVAL_GAPS_S: Mapping[Story, float] = {Story.UPSTREAM: upstream_story.ARRIVAL_GAP_S}
"""Where cars come less often than every 4 s."""

AUTOMATION = {
    "alias": "Less for the garage in the evening",
    "description": "What an automation of the user's own can do: it changes a group's capacity.",
    "triggers": [
        {"trigger": "event", "event_type": "demo_evening"},
    ],
    "actions": [
        {
            "action": "number.set_value",
            "target": {"entity_id": "{{ trigger.event.data.number }}"},
            "data": {"value": "{{ trigger.event.data.capacity }}"},
        }
    ],
}


def main() -> int:
    """Run the demo; return the exit status."""
    options = _options()
    try:
        return asyncio.run(_run(options))
    except (HomeAssistantFailed, SetupFailed) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8123, help="of Home Assistant (8123)")
    parser.add_argument("--ocpp-port", type=int, default=9300, help="of the chargers (9300)")
    parser.add_argument(
        "--config", type=Path, metavar="DIR", help="kept between runs (default: a fresh one)"
    )
    parser.add_argument("--chargers", type=int, default=4, metavar="N", help="how many (4)")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="end after this time (default: with Ctrl-C)"
    )
    stories = parser.add_mutually_exclusive_group()
    stories.add_argument(
        "--faults",
        action="store_const",
        dest="story",
        const=Story.FAULTS,
        help="let things break, and tell what became of it",
    )
    stories.add_argument(
        "--upstream",
        action="store_const",
        dest="story",
        const=Story.UPSTREAM,
        help="let all chargers but the last belong to a back office, and cut it off",
    )
    parser.set_defaults(story=Story.EVENING)
    parser.add_argument("--upstream-port", type=int, default=9310, help="of the back office (9310)")
    parser.add_argument(
        "--secure",
        action="store_true",
        help="encrypt, and ask for passwords; the last charger has a certificate of its own",
    )
    parser.add_argument(
        "--tls-port", type=int, default=9301, help="of the chargers, with --secure (9301)"
    )
    parser.add_argument("--headless", action="store_true", help="open no browser")
    parser.add_argument(
        "--keep", action="store_true", help="leave it running after the summary, until Ctrl-C"
    )
    options = parser.parse_args()
    if options.minutes is None:
        options.minutes = STORY_MINUTES.get(options.story)
    if options.chargers < 1:
        parser.error("--chargers must be at least 1")
    if options.minutes is not None and options.minutes <= 0:
        parser.error("--minutes must be above 0")
    return options


async def _run(options: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        config: Path = options.config or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="balanz-demo-"))
        )
        config.mkdir(parents=True, exist_ok=True)
        print("Starting Home Assistant; its first start takes a minute ...", flush=True)
        async with HassProcess(
            config.resolve(),
            options.port,
            name="balanz demo",
            extra_configuration=grid_meter.CONFIGURATION,
        ) as hass:
            demo = Demo(hass, options)
            return await demo.run()


class Demo:
    """One run of the demo in a Home Assistant that is up."""

    def __init__(self, hass: HassProcess, options: argparse.Namespace) -> None:
        """Prepare chargers and house; nothing dials in yet."""
        self._hass = hass
        self._options = options
        self._chargers = make_fleet(
            f"ws://127.0.0.1:{options.ocpp_port}",
            options.chargers,
            arrival_gap_s=ARRIVAL_GAPS_S.get(options.story, 4.0),
            security=_security(options),
        )
        self._office: BackOffice | None = None
        self._passed_on: list[SimulatedCharger] = []
        if options.story is Story.UPSTREAM:
            self._office = BackOffice(port=options.upstream_port, tell=_tell_of_office)
            self._passed_on = passed_on(self._chargers)
        self._main = Circuit(name="Main fuse", limit_a=MAIN_FUSE_A)
        self._garage = Circuit(name="Garage", limit_a=GARAGE_A)
        self._house = House(
            base=(_kettle(2.5), _oven(3.0), _hum(1.5)),
            solar=sunshine(peak_a=2.0),
            wires=[
                Wire(charger=charger, phases=ROTATIONS[index % len(ROTATIONS)][1])
                for index, charger in enumerate(self._chargers)
            ],
        )
        self._meter_of_house = HouseMeter()
        self._began = time.monotonic()
        self._stopping = asyncio.Event()

    @property
    def _client(self) -> HomeAssistantClient:
        return self._hass.client

    async def run(self) -> int:
        """Set up, show, and sum up; return the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        await self._report_meter()
        await self._open_office()
        entities = await self._set_up()
        self._began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            meter = tasks.create_task(self._meter())
            status = tasks.create_task(self._status(entities))
            happenings = tasks.create_task(self._happen(entities))
            await self._until_stopped()
            self._summarize()
            if self._options.keep and not self._stopping.is_set():
                print("Left running; Ctrl-C ends it.", flush=True)
                await self._stopping.wait()
            for task in (meter, status, happenings):
                task.cancel()
        await asyncio.gather(*(charger.stop() for charger in self._chargers))
        if self._office is not None:
            await self._office.cut()
        return 1 if self._main.preventable_s or self._garage.preventable_s else 0

    async def _open_office(self) -> None:
        if self._office is None:
            return
        try:
            await self._office.start()
        except OSError as error:
            raise SetupFailed(f"the back office cannot listen: {error.strerror}") from error

    async def _set_up(self) -> SiteEntities:
        site = await SiteSetup.find(self._client)
        known = site is not None
        if site is None:
            site = await SiteSetup.add(
                self._client,
                name="My home",
                port=self._options.ocpp_port,
                main_fuse_a=MAIN_FUSE_A,
                security=site_security(self._options.tls_port) if self._options.secure else None,
            )
            await site.add_group(name="Garage", rating_a=GARAGE_A)
        group_id = await site.group_id("Garage")
        commissioning: Discovered | Secured = (
            Secured(self._client, self._hass.config, self._chargers)
            if self._options.secure
            else Discovered(self._chargers)
        )
        if known:
            await commissioning.resume()
        else:
            forms = {
                charger.identity: self._form(index, charger, group_id)
                for index, charger in enumerate(self._chargers)
            }
            await commissioning.set_up(site, forms)
            await self._client.save_automation("demo_evening", AUTOMATION)
        entities = SiteEntities(self._client, site.entry_id)
        await entities.load()
        if self._passed_on and not entities.has_upstream(self._passed_on[0].identity):
            raise SetupFailed(f"{self._hass.config} was kept without a back office")
        await save_overview(self._client, entities, group_id, [c.identity for c in self._chargers])
        garage = await entities.state_of("number", f"{group_id}_capacity")
        self._garage.limit_a = float(garage)
        print(
            f"\nHome Assistant: {self._hass.url}/{URL_PATH}   user: {self._hass.user}   "
            f"password: {self._hass.password}\n"
            f"Chargers dial:  {self._chargers[0].dials}/IDENTITY\n",
            flush=True,
        )
        if not self._options.headless:
            webbrowser.open(f"{self._hass.url}/{URL_PATH}")
        return entities

    async def _meter(self) -> None:
        """Let the grid meter report, and watch both fuses between its reports."""
        while True:
            seconds = self._seconds
            base_a, chargers_a = self._flows(seconds)
            self._main.observe(base_a, chargers_a, seconds, METER_PERIOD_S)
            self._garage.observe((0.0, 0.0, 0.0), chargers_a, seconds, METER_PERIOD_S)
            await self._report_meter()
            await asyncio.sleep(METER_PERIOD_S)

    def _flows(self, seconds: float) -> tuple[Amperes, Amperes]:
        """Return what the house takes, its panels deducted, and what the chargers take."""
        chargers_a = self._house.chargers_a()
        one, two, three = (
            grid - charger
            for grid, charger in zip(self._house.grid_currents_a(seconds), chargers_a, strict=True)
        )
        return (one, two, three), chargers_a

    async def _report_meter(self) -> None:
        seconds = self._seconds
        told_a = self._meter_of_house.tell(self._house.grid_currents_a(seconds))
        if told_a is None:
            return
        await grid_meter.report(
            self._client,
            told_a,
            solar_w=3 * 230 * self._house.solar(seconds),
        )

    async def _happen(self, entities: SiteEntities) -> None:
        stories: Mapping[Story, Callable[[SiteEntities], Awaitable[None]]] = {
            Story.EVENING: self._evening,
            Story.FAULTS: self._break_and_mend,
            Story.UPSTREAM: self._visit_office,
        }
        await stories[self._options.story](entities)

    async def _visit_office(self, _: SiteEntities) -> None:
        """Let a back office limit a charger, and be away for a while."""
        assert self._office is not None
        await UpstreamStory(self._office, self._passed_on, lambda: self._seconds).tell()

    async def _evening(self, entities: SiteEntities) -> None:
        """Let the automation lower the garage's capacity for a while."""
        group_capacity = entities.entity_id("number", "_capacity", not_containing="_root_")
        for at_s, capacity_a in zip(EVENING, (EVENING_GARAGE_A, GARAGE_A), strict=True):
            await asyncio.sleep(max(0.0, at_s - self._seconds))
            self._garage.set_limit(capacity_a, self._seconds)
            print(f"--- an automation sets the garage's capacity to {capacity_a:g} A", flush=True)
            await self._client.request(
                "POST",
                "/api/events/demo_evening",
                {"number": group_capacity, "capacity": capacity_a},
            )

    async def _break_and_mend(self, entities: SiteEntities) -> None:
        """Tell the story of faults: what broke, what balanz did, and whether the fuses held."""
        for chapter in STORY:
            await asyncio.sleep(max(0.0, chapter.at_s - self._seconds))
            print(f"--- {self._seconds:.0f} s, broken: {chapter.text}", flush=True)
            self._apply(chapter, broken=True)
            await asyncio.sleep(chapter.answer_s)
            print("--- what balanz did:")
            for charger in self._chargers:
                print(f"        {await entities.charger_line(charger)}")
            await asyncio.sleep(max(0.0, chapter.mended_at_s - self._seconds))
            self._apply(chapter, broken=False)
            print(f"--- {self._seconds:.0f} s, mended. {self._main.verdict()}", flush=True)

    def _apply(self, chapter: Chapter, *, broken: bool) -> None:
        for circuit in (self._main, self._garage):
            circuit.breached(self._seconds)
        if chapter.charger is None:
            self._meter_of_house.fault = chapter.meter if broken else MeterFault.NONE
        else:
            charger = self._chargers[chapter.charger % len(self._chargers)]
            charger.faults = chapter.faults if broken else Faults()

    async def _status(self, entities: SiteEntities) -> None:
        while True:
            await asyncio.sleep(STATUS_PERIOD_S)
            grid_a = self._house.grid_currents_a(self._seconds)
            print(f"{self._seconds:4.0f} s  main fuse {_amperes(grid_a)} of {MAIN_FUSE_A:g} A")
            for charger in self._chargers:
                print(f"        {await entities.charger_line(charger)}", flush=True)

    async def _until_stopped(self) -> None:
        limit_s = None if self._options.minutes is None else 60 * self._options.minutes
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._stopping.wait()

    def _summarize(self) -> None:
        print("\nSummary")
        for charger in self._chargers:
            print(
                f"  {charger.identity}: {charger.energy_wh / 1000:.2f} kWh, "
                f"{charger.profile_writes} limits written"
            )
        for circuit in (self._main, self._garage):
            print(f"  {circuit.summary()}")
        for line in self._office.summary() if self._office is not None else ():
            print(f"  Back office: {line}")
        sys.stdout.flush()

    def _form(self, index: int, charger: SimulatedCharger, group_id: str) -> dict[str, object]:
        phase_map = ROTATIONS[index % len(ROTATIONS)][0]
        return charger_form(
            name=f"Charger {index + 1}",
            group_id=group_id,
            rating_a=charger.rating_a,
            phases=charger.phases,
            phase_map=phase_map if charger.phases == 3 else phase_map[:2],
            upstream_url=self._office_url if charger in self._passed_on else None,
        )

    @property
    def _office_url(self) -> str | None:
        return None if self._office is None else self._office.url

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began


def _security(options: argparse.Namespace) -> SecurityOptions | None:
    if not options.secure:
        return None
    return SecurityOptions(secure_url=f"wss://127.0.0.1:{options.tls_port}")


def _tell_of_office(text: str) -> None:
    print(f"        back office {text}", flush=True)


def _kettle(base_a: float) -> Load:
    """Boil water now and then."""
    return steps((80, base_a + 9), (105, base_a), (205, base_a + 9), (230, base_a), before_a=base_a)


def _oven(base_a: float) -> Load:
    """Bake for a while."""
    return steps((90, base_a + 12), (120, base_a), before_a=base_a)


def _hum(base_a: float) -> Load:
    """Run what always runs: a little up, a little down."""
    return lambda seconds: base_a + 0.2 * (int(seconds) % 3)


def _amperes(currents_a: Sequence[float]) -> str:
    return " / ".join(f"{current_a:4.1f}" for current_a in currents_a)


if __name__ == "__main__":
    sys.exit(main())
