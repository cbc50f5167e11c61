"""One running site in Home Assistant: its snapshots to entities, its settings to the site.

The site pushes; nothing polls. States, limits and reasons are written at once; measurements of a
device when they change, but not too often, since writing entities is what costs at large sites.
However much there is to write or to add, it is done in portions, so that Home Assistant can do
other things in between. A tick is planned only when something is left to be written.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import batched
from pathlib import Path
from time import monotonic

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_CORE_CONFIG_UPDATE, Platform
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from .balancing.model import ROOT_GROUP_ID, SiteError
from .const import (
    CONF_CONNECTORS,
    CONF_SECURITY,
    DOMAIN,
    LOGGER,
    MAXIMUM_CONNECTORS,
    PAIRING_S,
    SUBENTRY_CHARGER,
)
from .csms.security_events import SecurityEvent
from .csms.security_profile import SecurityProfile
from .csms.tls import TlsError, TlsSettings
from .devices import (
    ChargerDevice,
    Device,
    GroupDevice,
    devices_of,
    register_charger,
    register_group,
)
from .discovery import Discoveries
from .entity_choice import chosen_entities
from .entry_settings import read_entry
from .garbage import GarbageRelief
from .issues import Issues
from .power_switches import PowerSwitches
from .security_events import fire_security_event
from .site import BalanzSite
from .site.snapshot import SiteSnapshot
from .storage.journal import StorageError
from .supply_sensors import MeterReport, SupplySensors
from .tls_sources import TlsSource, async_prepare_own, own_authority, tls_source

type BalanzConfigEntry = ConfigEntry[BalanzCoordinator]
type EntityFactory = Callable[[BalanzCoordinator, Device], Iterable[Entity]]
type Listener = Callable[[], None]

MEASUREMENT_INTERVAL_S = 5.0
MEASUREMENT_INTERVAL_PER_CHARGER_S = 0.03
LONGEST_MEASUREMENT_INTERVAL_S = 30.0
"""How often the measurements of one device are written at most: it takes some 0.1 ms for each."""
PORTION = 20
"""So many devices are added at once."""
WRITING_S = 0.004
"""For so long devices are written at a stretch: some have many entities, others few."""
PORTION_PAUSE_S = 0.02
LARGE_SITE = 100
"""From so many chargers on, a full round of the garbage collector stalls the loop for too long."""
RETRY_S = 60.0
"""When to try again what a failing disk did not let happen."""
RENEWAL = timedelta(days=1)
SITE_KEY = f"group:{ROOT_GROUP_ID}"


def storage_path(hass: HomeAssistant, entry_id: str) -> Path:
    """Return the folder that a config entry's site keeps its state in."""
    return Path(hass.config.path(DOMAIN, entry_id))


class BalanzCoordinator:
    """Runs the site of one config entry."""

    def __init__(
        self, hass: HomeAssistant, entry: BalanzConfigEntry, tls: TlsSettings | None = None
    ) -> None:
        """Prepare the site; nothing runs before it is started."""
        self.hass = hass
        self.entry = entry
        self._settings = read_entry(entry)
        self.site = BalanzSite(
            settings=self._settings.site,
            storage_path=storage_path(hass, entry.entry_id),
            files_path=Path(hass.config.path(DOMAIN)),
            tls=tls,
            authority=own_authority(hass, entry),
        )
        self.snapshot: SiteSnapshot = self.site.snapshot
        self.devices: dict[str, Device] = devices_of(entry, self._settings)
        self._supply = SupplySensors(hass, self._meter_reported)
        self._power_switches = PowerSwitches(hass, entry)
        self._power_switches.entity_ids = self._settings.power_switches
        self._discoveries = Discoveries(hass, entry.entry_id)
        self._issues = Issues(hass, entry)
        self._platforms: list[tuple[Platform, AddConfigEntryEntitiesCallback, EntityFactory]] = []
        self._entities: dict[str, list[Entity]] = {}
        self._state_listeners: dict[str, list[Listener]] = {}
        self._measurement_listeners: dict[str, list[Listener]] = {}
        self._door_listeners: dict[str, Callable[[SecurityEvent], None]] = {}
        self._changed: dict[str, None] = {}
        """Devices whose states are to be written at once, in the order in which they changed."""
        self._measured: dict[str, None] = {}
        """Devices whose measurements are to be written when it is their time."""
        self._resting: set[str] = set()
        """Devices whose measurements were written a moment ago."""
        self._rests: set[CALLBACK_TYPE] = set()
        self._cancel_tick: CALLBACK_TYPE | None = None
        self._missing: dict[str, tuple[str, ...]] = {}
        self._garbage_relief: GarbageRelief | None = None
        """None where there is too little for it to matter."""
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._lock = asyncio.Lock()

    async def async_start(self) -> None:
        """Start the site.

        Raises OSError if it cannot listen, StorageError without its folder, TlsError with
        certificates that cannot be used.
        """
        self.site.on_connectors_counted = self._connectors_counted
        self.site.on_power = self._power_switches.turn
        self.site.door.on_raised = self._profile_raised
        self.site.door.on_event = self._security_event
        if len(self._settings.site.chargers) >= LARGE_SITE:
            # It stalls the loop, so that it comes before any charger does.
            self._garbage_relief = GarbageRelief(self.hass)
            self._garbage_relief.begin()
            self._unsubscribe.append(self._garbage_relief.end)
        try:
            await self.site.start()
        except BaseException:
            if self._garbage_relief is not None:
                self._garbage_relief.end()
            raise
        self.snapshot = self.site.snapshot
        self._register_devices(self.devices.values())
        self._unsubscribe.append(self.site.subscribe(self._snapshot_changed))
        self._supply.update(self._settings.supplies)
        self._unsubscribe.append(async_at_started(self.hass, self._home_assistant_started))
        self._unsubscribe.append(
            self.hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._core_config_changed)
        )
        if tls_source(self.entry.data) is TlsSource.OWN:
            self._unsubscribe.append(
                async_track_time_interval(self.hass, self._renew_certificates, RENEWAL)
            )
        age_s = (dt_util.utcnow() - self.entry.created_at).total_seconds()
        if age_s < PAIRING_S:
            self.site.open_pairing(PAIRING_S - age_s)

    async def async_stop(self) -> None:
        """Stop the site, and forget what it has published."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe.clear()
        self._supply.stop()
        if self._cancel_tick is not None:
            self._cancel_tick()
            self._cancel_tick = None
        while self._rests:
            self._rests.pop()()
        self._discoveries.withdraw()
        self._power_switches.stop()
        self._issues.clear()
        await self.site.stop()

    @callback
    def open_pairing(self) -> None:
        """Let unknown chargers introduce themselves for a while."""
        self._discoveries.offer_again()
        self.site.open_pairing(PAIRING_S)
        self._discoveries.update(self.site.snapshot)

    # Settings to the site

    async def async_entry_changed(self) -> None:
        """Apply what the user changed; only other ports or certificates need a restart."""
        async with self._lock:
            old, new = self._settings, read_entry(self.entry)
            was_at = (old.site.host, old.site.port, old.tls)
            if was_at != (new.site.host, new.site.port, new.tls):
                self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
                return
            if new == old:
                self._note_refused(None)
                return
            # First the readings: a group that is metered from now on must not start blind.
            self._supply.update(new.supplies)
            try:
                if new.site != old.site:
                    await self.site.apply(new.site)
            except StorageError as error:
                LOGGER.error("A change of %s must wait for the disk: %s", self.entry.title, error)
                self._try_again()
                return
            except SiteError as error:
                LOGGER.error("A change of %s is not in force: %s", self.entry.title, error)
                self._supply.update(old.supplies)
                self._note_refused(error)
                return
            self._issues.refused = None
            self._settings = new
            self._power_switches.entity_ids = new.power_switches
            await self._async_update_devices()
            self._snapshot_changed()
            self._update_issues()

    async def _core_config_changed(self, _event: Event) -> None:
        """Schedules mean the wall clock of the time zone that Home Assistant is in."""
        await self.async_entry_changed()

    @callback
    def _note_refused(self, error: SiteError | None) -> None:
        """Tell the user of settings that cannot be, or that this is over."""
        if error is not self._issues.refused:
            self._issues.refused = error
            self._update_issues()

    @callback
    def _try_again(self) -> None:
        @callback
        def retry(_now: datetime) -> None:
            self.entry.async_create_task(self.hass, self.async_entry_changed())

        self._unsubscribe.append(async_call_later(self.hass, RETRY_S, retry))

    @callback
    def _connectors_counted(self, identity: str, count: int) -> None:
        """Remember that a charger has more connectors than the user said."""
        for subentry in self.entry.get_subentries_of_type(SUBENTRY_CHARGER):
            if (
                subentry.unique_id == f"{SUBENTRY_CHARGER}:{identity}"
                and int(subentry.data[CONF_CONNECTORS]) < count <= MAXIMUM_CONNECTORS
            ):
                self.hass.config_entries.async_update_subentry(
                    self.entry, subentry, data={**subentry.data, CONF_CONNECTORS: count}
                )

    @callback
    def _profile_raised(self, identity: str, profile: SecurityProfile) -> None:
        """Show in the settings that a charger has come with more security than they ask for."""
        for subentry in self.entry.get_subentries_of_type(SUBENTRY_CHARGER):
            if subentry.unique_id == f"{SUBENTRY_CHARGER}:{identity}":
                self.hass.config_entries.async_update_subentry(
                    self.entry,
                    subentry,
                    data={**subentry.data, CONF_SECURITY: profile.name.lower()},
                )

    @callback
    def _security_event(self, event: SecurityEvent) -> None:
        device = self.devices.get(f"{SUBENTRY_CHARGER}:{event.identity}")
        fire_security_event(self.hass, device, event)
        listener = self._door_listeners.get(event.identity)
        if listener is not None:
            listener(event)

    @callback
    def listen_at_door(
        self, identity: str, listener: Callable[[SecurityEvent], None]
    ) -> CALLBACK_TYPE:
        """Have a function called with what happens in a charger's name; returns how to end it."""
        self._door_listeners[identity] = listener

        @callback
        def stop_listening() -> None:
            del self._door_listeners[identity]

        return stop_listening

    async def _renew_certificates(self, _now: datetime) -> None:
        """Have the site's own certificates made anew in time, and those of its chargers."""
        self.site.door.renew_certificates()
        try:
            await async_prepare_own(self.hass, self.entry.data, self.entry.entry_id)
        except TlsError as error:
            LOGGER.warning("The certificates of %s are not renewed: %s", self.entry.title, error)

    @callback
    def _meter_reported(self, group_id: str, report: MeterReport | None) -> None:
        if report is None:
            self.site.report_meter(group_id, None)
        else:
            self.site.report_meter(
                group_id,
                report.currents,
                age_s=report.age_s,
                fresh_for_s=report.fresh_for_s,
                voltage_v=report.voltage_v,
                battery_discharge_a=report.battery_discharge_a,
            )
        if report is None or group_id in self._missing:
            self._update_issues()

    # Devices and entities

    async def async_add_platform(
        self,
        platform: Platform,
        async_add_entities: AddConfigEntryEntitiesCallback,
        factory: EntityFactory,
    ) -> None:
        """Add a platform's entities for the devices of now, and for those to come."""
        added: dict[str, tuple[object, ...]] = {}
        # Devices may change between two portions.
        while missing := [
            device for device in self.devices.values() if added.get(device.key) != device.shape
        ]:
            for device in missing[:PORTION]:
                added[device.key] = device.shape
                self._add_entities(device, platform, async_add_entities, factory)
            if len(missing) > PORTION:
                await asyncio.sleep(PORTION_PAUSE_S)
        self._platforms.append((platform, async_add_entities, factory))

    @callback
    def _add_entities(
        self,
        device: Device,
        platform: Platform,
        async_add_entities: AddConfigEntryEntitiesCallback,
        factory: EntityFactory,
    ) -> None:
        entities = chosen_entities(self.hass, device.entities, platform, factory(self, device))
        async_add_entities(entities, config_subentry_id=device.subentry_id)

    @callback
    def track_entity(self, key: str, entity: Entity) -> None:
        """Note that an entity stands for a device."""
        self._entities.setdefault(key, []).append(entity)

    @callback
    def forget_entity(self, key: str, entity: Entity) -> None:
        """Forget an entity that was tracked."""
        self._entities[key].remove(entity)

    async def _async_update_devices(self) -> None:
        old, new = self.devices, devices_of(self.entry, self._settings)
        for key, device in old.items():
            if key not in new and isinstance(device, ChargerDevice):
                self._discoveries.pass_over(device.identity)
        # Options can change all of them: whoever looks meanwhile sees what entities there are.
        self.devices = {key: device for key, device in old.items() if key in new}
        changed = [device for key, device in new.items() if old.get(key) != device]
        for portion in batched(changed, PORTION, strict=False):
            self.devices |= {device.key: device for device in portion}
            reshaped = [
                device
                for device in portion
                if device.key not in old or old[device.key].shape != device.shape
            ]
            for device in reshaped:
                if device.key not in old and isinstance(device, ChargerDevice):
                    self._discoveries.withdraw(device.identity)
                for entity in list(self._entities.get(device.key, ())):
                    await entity.async_remove()
            self._register_devices(portion)
            for device in reshaped:
                for platform in self._platforms:
                    self._add_entities(device, *platform)
            if len(changed) > PORTION:
                await asyncio.sleep(PORTION_PAUSE_S)

    @callback
    def _register_devices(self, devices: Iterable[Device]) -> None:
        for device in devices:
            if isinstance(device, GroupDevice):
                register_group(self.hass, device)
            else:
                self._register_charger(device)

    @callback
    def _register_charger(self, device: ChargerDevice) -> None:
        charger = self.snapshot.chargers.get(device.identity)
        register_charger(self.hass, device, None if charger is None else charger.boot)

    # Snapshots to entities

    @callback
    def subscribe(self, key: str, listener: Listener, *, measurement: bool) -> None:
        """Call the listener when a device's snapshot changed; measurements not too often."""
        self._listeners(measurement).setdefault(key, []).append(listener)

    @callback
    def unsubscribe(self, key: str, listener: Listener, *, measurement: bool) -> None:
        """Call it no more."""
        self._listeners(measurement)[key].remove(listener)

    def _listeners(self, measurement: bool) -> dict[str, list[Listener]]:
        return self._measurement_listeners if measurement else self._state_listeners

    @callback
    def _snapshot_changed(self) -> None:
        old, new = self.snapshot, self.site.snapshot
        if new is old:
            return
        self.snapshot = new
        changed = [
            f"group:{id_}" for id_, group in new.groups.items() if old.groups.get(id_) != group
        ]
        for identity, charger in new.chargers.items():
            before = old.chargers.get(identity)
            if before is charger or before == charger:
                continue
            key = f"charger:{identity}"
            changed.append(key)
            if before is None or before.connected != charger.connected:
                self._resting.discard(key)
            device = self.devices.get(key)
            if isinstance(device, ChargerDevice) and (
                before is None or before.boot != charger.boot
            ):
                self._register_charger(device)
        if (old.problems, old.refused, old.dark_budget) != (
            new.problems,
            new.refused,
            new.dark_budget,
        ):
            changed.append(SITE_KEY)
        for key in changed:
            self._changed[key] = self._measured[key] = None
        self._write()
        if old.problems != new.problems:
            self._update_issues()
        self._discoveries.update(new)

    @callback
    def _write(self, _now: datetime | None = None) -> None:
        """Write what has changed for a while: states first, then measurements that are due."""
        if self._cancel_tick is not None:
            self._cancel_tick()
            self._cancel_tick = None
        end = monotonic() + WRITING_S
        due = deque(key for key in self._measured if key not in self._resting)
        measured: list[str] = []
        while self._changed or due:
            if self._changed:
                key = next(iter(self._changed))
                del self._changed[key]
                self._call(self._state_listeners, key)
            else:
                measured.append(key := due.popleft())
                del self._measured[key]
                self._call(self._measurement_listeners, key)
            if monotonic() >= end:
                break
        if measured:
            self._rest(measured)
        if self._changed or due:
            self._cancel_tick = async_call_later(self.hass, PORTION_PAUSE_S, self._write)

    @callback
    def _rest(self, keys: list[str]) -> None:
        """Write no measurements of these devices for a while."""
        self._resting.update(keys)

        @callback
        def over(_now: datetime) -> None:
            self._rests.discard(cancel)
            self._resting.difference_update(keys)
            if any(key in self._measured for key in keys):
                self._write()

        cancel = async_call_later(self.hass, self._measurement_interval_s, over)
        self._rests.add(cancel)

    @property
    def _measurement_interval_s(self) -> float:
        longer_s = MEASUREMENT_INTERVAL_PER_CHARGER_S * len(self.snapshot.chargers)
        return min(max(MEASUREMENT_INTERVAL_S, longer_s), LONGEST_MEASUREMENT_INTERVAL_S)

    def _call(self, listeners: dict[str, list[Listener]], key: str) -> None:
        for listener in list(listeners.get(key, ())):
            listener()

    # Problems

    async def _home_assistant_started(self, _hass: HomeAssistant) -> None:
        """From now on a sensor that is not there will not just come a little later."""
        self._issues.started = True
        self._update_issues()
        if self._garbage_relief is not None:
            self._garbage_relief.started()

    @callback
    def _update_issues(self) -> None:
        self._missing = self._supply.missing
        self._issues.update(self.snapshot, self._missing, self._settings)
