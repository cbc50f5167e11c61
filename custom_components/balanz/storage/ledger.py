"""What has to outlive a restart besides transactions: limits, settings and bookings."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from ..balancing.model import ConnectorKey
from ..balancing.phases import PhaseCurrents
from .bounds import KeptBound
from .kept_updates import KeptUpdate
from .overrides import CapacityOverride
from .plans import LONGEST_BOOST, Plan
from .proofs import Fact, Finding, Firmware, FirmwareProof, SeenBy

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBooking:
    """Current that stays booked for a charger that was removed or moved."""

    id: str
    charger: str
    """Its identity."""
    connector: int | None
    """None in records of versions that did not tell connectors apart."""
    charger_name: str
    group_id: str
    currents: PhaseCurrents

    @property
    def key(self) -> ConnectorKey | None:
        """The connector that it stands for, where that is known."""
        return None if self.connector is None else ConnectorKey(self.charger, self.connector)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBaseLoad:
    """What a group carried besides its chargers, A per phase, and when that was (UTC)."""

    group_id: str
    at: datetime
    currents: PhaseCurrents


class Ledger:
    """The state behind the journal's records. It writes nothing: `note_*` return what to write."""

    def __init__(self) -> None:
        """Start empty, as on the first day."""
        self.limits_a: dict[ConnectorKey, float] = {}
        """The largest limit that each connector may have in force, A per line."""
        self.capacities_a: dict[str, float] = {}
        self.overrides: dict[str, CapacityOverride] = {}
        """What groups may carry instead for a while, by group id."""
        self.maxima_a: dict[ConnectorKey, float] = {}
        self.bounds: dict[ConnectorKey, dict[str, KeptBound]] = {}
        """The other upper bounds of connectors, by name."""
        self.disabled: set[ConnectorKey] = set()
        self.not_balanced: set[str] = set()
        """Ids of groups in which smart charging is switched off."""
        self.plans: dict[ConnectorKey, Plan] = {}
        """What users have planned; connectors without a plan are left out."""
        self.boosts: dict[ConnectorKey, timedelta] = {}
        """How long a boost lasts, where users have said so."""
        self.bookings: dict[str, KeptBooking] = {}
        self.firmwares: dict[str, Firmware] = {}
        """The firmware that each charger last booted with, by identity."""
        self.updates: dict[str, KeptUpdate] = {}
        """The changes of firmware that have not ended, by identity, oldest first."""
        self.proofs: dict[Firmware, FirmwareProof] = {}
        self.interviews: dict[Firmware, Record] = {}
        """What a charger of a firmware told and took, in words of whoever asked it."""
        self.drills: dict[str, Mapping[str, Any]] = {}
        """The last drill of each group, by its id, as it was recorded."""
        self.capabilities: dict[str, Mapping[str, Any]] = {}
        """What each charger said that it can do, by its identity, as it was recorded."""
        self.admissions: dict[str, Mapping[str, Any]] = {}
        """What is known of how each charger gets in, by its identity, as it was recorded."""
        self.obedience: dict[ConnectorKey, Mapping[str, Any]] = {}
        """How well each connector has kept its limits, as it was recorded."""
        self.foreign_profiles: dict[str, tuple[Mapping[str, Any], ...]] = {}
        """The profiles of others that each charger may have, by its identity, as recorded."""
        self.energies: dict[ConnectorKey, Mapping[str, Any]] = {}
        """What each connector has delivered, as it was recorded."""
        self.base_loads: dict[str, KeptBaseLoad] = {}
        """By group id."""
        self.worst_hours: dict[str, dict[int, PhaseCurrents]] = {}
        """The worst base load of each metered group, by hour of the week."""
        self.lost_files: set[str] = set()
        """The names of files that had gone at a start, until the user has seen that."""
        self.in_backup = False
        """Whether a backup was being made when this was recorded: it may be what was restored."""
        self._readers: Mapping[object, Callable[[Mapping[str, Any]], None]] = {
            "admission": self._take_admission,
            "backup": self._take_backup,
            "base_load": self._take_base_load,
            "booking": self._take_booking,
            "boost_duration": self._take_boost_duration,
            "bound": self._take_bound,
            "capabilities": self._take_capabilities,
            "capacity": self._take_capacity,
            "drill": self._take_drill,
            "enabled": self._take_enabled,
            "energy": self._take_energy,
            "finding": self._take_finding,
            "firmware": self._take_firmware,
            "foreign_profiles": self._take_foreign_profiles,
            "forgotten": self._take_forgotten,
            "interview": self._take_interview,
            "limit": self._take_limit,
            "limit_cleared": self._take_limit_cleared,
            "lost_file": self._take_lost_file,
            "maximum": self._take_maximum,
            "obedience": self._take_obedience,
            "override": self._take_override,
            "plan": self._take_plan,
            "released": self._take_released,
            "smart_charging": self._take_smart_charging,
            "update": self._take_update,
            "worst_hours": self._take_worst_hours,
        }

    def restore(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take in records in the order in which they were written; foreign ones are passed over.

        A record that does not read as one of ours changes nothing.
        """
        for record in records:
            try:
                self._apply(record)
            except KeyError, TypeError, ValueError:
                continue

    def copy(self) -> Ledger:
        """Return one that knows the same, and goes on knowing it whatever is recorded here."""
        copy = Ledger()
        for name, known in vars(self).items():
            if not name.startswith("_"):
                setattr(copy, name, _copied(known))
        return copy

    def records(self) -> Iterator[Record]:
        """Yield the records that make this state."""
        yield from self._records_of_users()
        for key, limit_a in self.limits_a.items():
            yield self.note_limit(key, limit_a)
        for booking in self.bookings.values():
            yield self.note_booking(booking)
        yield from self._records_of_firmwares()
        for drill in self.drills.values():
            yield self.note_drill(drill)
        for key, told in self.obedience.items():
            yield self.note_obedience(key, told)
        for key, told in self.energies.items():
            yield self.note_energy(key, told)
        for base_load in self.base_loads.values():
            yield self.note_base_load(base_load)
        for group_id, hours in self.worst_hours.items():
            yield self.note_worst_hours(group_id, hours)

    def _records_of_users(self) -> Iterator[Record]:
        if self.in_backup:
            yield self.note_backup(running=True)
        for name in self.lost_files:
            yield self.note_lost_file(name, lost=True)
        for group_id, capacity_a in self.capacities_a.items():
            yield self.note_capacity(group_id, capacity_a)
        for group_id, override in self.overrides.items():
            yield self.note_override(group_id, override)
        for key, maximum_a in self.maxima_a.items():
            yield self.note_maximum(key, maximum_a)
        for key, bounds in self.bounds.items():
            for name, bound in bounds.items():
                yield self.note_bound(key, name, bound)
        for key in self.disabled:
            yield self.note_enabled(key, False)
        for group_id in self.not_balanced:
            yield self.note_smart_charging(group_id, False)
        for key, plan in self.plans.items():
            yield self.note_plan(key, plan)
        for key, lasts in self.boosts.items():
            yield self.note_boost_duration(key, lasts)

    def _records_of_firmwares(self) -> Iterator[Record]:
        for identity, firmware in self.firmwares.items():
            yield self.note_firmware(identity, firmware)
        for identity, update in self.updates.items():
            yield self.note_update(identity, update)
        for firmware, proof in self.proofs.items():
            for fact, finding in proof.findings.items():
                yield self.note_finding(firmware, fact, finding)
        for firmware, answers in self.interviews.items():
            yield self.note_interview(firmware, answers)
        for identity, capabilities in self.capabilities.items():
            yield self.note_capabilities(identity, capabilities)
        for identity, profiles in self.foreign_profiles.items():
            yield self.note_foreign_profiles(identity, profiles)
        for identity, admission in self.admissions.items():
            yield self.note_admission(identity, admission)

    def note_backup(self, *, running: bool) -> Record:
        """Return the record of a backup that has begun, or has ended."""
        return {"kind": "backup", "running": running}

    def note_lost_file(self, name: str, *, lost: bool) -> Record:
        """Return the record of a file that had gone at a start, or that the user has seen it."""
        return {"kind": "lost_file", "name": name, "lost": lost}

    def note_limit(self, key: ConnectorKey, limit_a: float) -> Record:
        """Return the record of the largest limit that may be in force; see `limits_a`."""
        return _of_connector("limit", key, limit_a=limit_a)

    def note_capacity(self, group_id: str, capacity_a: float) -> Record:
        """Return the record of a group's capacity."""
        return {"kind": "capacity", "group": group_id, "capacity_a": capacity_a}

    def note_override(self, group_id: str, override: CapacityOverride | None) -> Record:
        """Return the record of what a group may carry for a while; None ends that."""
        told = None if override is None else override.as_record()
        return {"kind": "override", "group": group_id, "override": told}

    def note_maximum(self, key: ConnectorKey, maximum_a: float) -> Record:
        """Return the record of a connector's maximum."""
        return _of_connector("maximum", key, maximum_a=maximum_a)

    def note_bound(self, key: ConnectorKey, name: str, bound: KeptBound | None) -> Record:
        """Return the record of an upper bound of a connector; None ends the one of that name."""
        told = None if bound is None else bound.as_record()
        return {**_of_connector("bound", key), "name": name, "bound": told}

    def note_enabled(self, key: ConnectorKey, enabled: bool) -> Record:
        """Return the record of charging switched on or off."""
        return _of_connector("enabled", key, enabled=enabled)

    def note_smart_charging(self, group_id: str, on: bool) -> Record:
        """Return the record of smart charging switched on or off in a group."""
        return {"kind": "smart_charging", "group": group_id, "on": on}

    def note_plan(self, key: ConnectorKey, plan: Plan) -> Record:
        """Return the record of what is planned for a connector."""
        return {**_of_connector("plan", key), "plan": plan.as_record()}

    def note_boost_duration(self, key: ConnectorKey, lasts: timedelta) -> Record:
        """Return the record of how long a boost of a connector lasts."""
        return _of_connector("boost_duration", key, duration_s=lasts.total_seconds())

    def note_limit_cleared(self, key: ConnectorKey) -> Record:
        """Return the record of a connector that has no limit of ours any more."""
        return _of_connector("limit_cleared", key)

    def note_booking(self, booking: KeptBooking) -> Record:
        """Return the record of a booking that stays."""
        return _booked(booking)

    def note_released(self, booking_id: str) -> Record:
        """Return the record of a booking that ends."""
        return {"kind": "released", "id": booking_id}

    def note_firmware(self, identity: str, firmware: Firmware) -> Record:
        """Return the record of the firmware that a charger has booted with."""
        return {"kind": "firmware", "charger": identity, **_of_firmware(firmware)}

    def note_update(self, identity: str, update: KeptUpdate | None) -> Record:
        """Return the record of how far a change of firmware is; None ends it."""
        told = None if update is None else update.as_record()
        return {"kind": "update", "charger": identity, "update": told}

    def note_finding(self, firmware: Firmware, fact: Fact, finding: Finding) -> Record:
        """Return the record of what was seen of a firmware."""
        return {
            "kind": "finding",
            **_of_firmware(firmware),
            "fact": fact.value,
            "holds": finding.holds,
            "seen_by": finding.seen_by.value,
            "seen_at": finding.seen_at.isoformat(),
            **({} if finding.lease is None else {"lease": finding.lease}),
            **({"cap": True} if finding.cap else {}),
        }

    def note_interview(self, firmware: Firmware, answers: Record) -> Record:
        """Return the record of what a charger of a firmware told and took."""
        return {"kind": "interview", **_of_firmware(firmware), "answers": answers}

    def note_drill(self, drill: Mapping[str, Any]) -> Record:
        """Return the record of a group's last drill."""
        return {"kind": "drill", **drill}

    def note_capabilities(self, identity: str, capabilities: Mapping[str, Any]) -> Record:
        """Return the record of what a charger can do."""
        return {"kind": "capabilities", "charger": identity, "told": dict(capabilities)}

    def note_admission(self, identity: str, told: Mapping[str, Any]) -> Record:
        """Return the record of how a charger gets in: hashes of passwords, and its address."""
        return {"kind": "admission", "charger": identity, "told": dict(told)}

    def note_obedience(self, key: ConnectorKey, told: Mapping[str, Any]) -> Record:
        """Return the record of how well a connector has kept its limits."""
        return {**_of_connector("obedience", key), "told": dict(told)}

    def note_foreign_profiles(self, identity: str, profiles: Iterable[Mapping[str, Any]]) -> Record:
        """Return the record of all profiles of others that a charger may have."""
        told = [dict(profile) for profile in profiles]
        return {"kind": "foreign_profiles", "charger": identity, "told": told}

    def note_energy(self, key: ConnectorKey, told: Mapping[str, Any]) -> Record:
        """Return the record of what a connector has delivered."""
        return {**_of_connector("energy", key), "told": dict(told)}

    def note_base_load(self, base_load: KeptBaseLoad) -> Record:
        """Return the record of what a group carries besides its chargers."""
        return {
            "kind": "base_load",
            "group": base_load.group_id,
            "at": base_load.at.isoformat(timespec="seconds"),
            **_phases(base_load.currents),
        }

    def note_worst_hours(self, group_id: str, hours: Mapping[int, PhaseCurrents]) -> Record:
        """Return the record of the worst base loads of a group, for some hours of the week."""
        rows = [[hour, *base_load] for hour, base_load in hours.items()]
        return {"kind": "worst_hours", "group": group_id, "hours": rows}

    def note_forgotten(self, identity: str) -> Record:
        """Return the record of a charger that was removed; its bookings stay."""
        return {"kind": "forgotten", "charger": identity}

    def apply(self, record: Record) -> Record:
        """Make a record's change and return it, to be written."""
        self._apply(record)
        return record

    def _apply(self, record: Mapping[str, Any]) -> None:
        take_in = self._readers.get(record.get("kind"))
        if take_in is not None:
            take_in(record)

    def _take_limit(self, record: Mapping[str, Any]) -> None:
        self.limits_a[_key(record)] = float(record["limit_a"])

    def _take_limit_cleared(self, record: Mapping[str, Any]) -> None:
        self.limits_a.pop(_key(record), None)

    def _take_capacity(self, record: Mapping[str, Any]) -> None:
        self.capacities_a[str(record["group"])] = float(record["capacity_a"])

    def _take_override(self, record: Mapping[str, Any]) -> None:
        group_id, told = str(record["group"]), record["override"]
        if told is None:
            self.overrides.pop(group_id, None)
        else:
            self.overrides[group_id] = CapacityOverride.from_record(told)

    def _take_maximum(self, record: Mapping[str, Any]) -> None:
        self.maxima_a[_key(record)] = float(record["maximum_a"])

    def _take_bound(self, record: Mapping[str, Any]) -> None:
        key, name, told = _key(record), str(record["name"]), record["bound"]
        if told is not None:
            self.bounds.setdefault(key, {})[name] = KeptBound.from_record(told)
            return
        left = self.bounds.get(key, {})
        left.pop(name, None)
        if not left:
            self.bounds.pop(key, None)

    def _take_boost_duration(self, record: Mapping[str, Any]) -> None:
        duration_s = float(record["duration_s"])
        if not 0 < duration_s <= LONGEST_BOOST.total_seconds():
            raise ValueError(f"no duration: {duration_s} s")
        self.boosts[_key(record)] = timedelta(seconds=duration_s)

    def _take_enabled(self, record: Mapping[str, Any]) -> None:
        change = self.disabled.discard if record["enabled"] else self.disabled.add
        change(_key(record))

    def _take_smart_charging(self, record: Mapping[str, Any]) -> None:
        change = self.not_balanced.discard if record["on"] else self.not_balanced.add
        change(str(record["group"]))

    def _take_plan(self, record: Mapping[str, Any]) -> None:
        key, plan = _key(record), Plan.from_record(record["plan"])
        if plan.is_empty:
            self.plans.pop(key, None)
        else:
            self.plans[key] = plan

    def _take_booking(self, record: Mapping[str, Any]) -> None:
        connector = record.get("connector")
        booking = KeptBooking(
            id=str(record["id"]),
            charger=str(record["charger"]),
            connector=None if connector is None else int(connector),
            charger_name=str(record["charger_name"]),
            group_id=str(record["group"]),
            currents=_currents(record),
        )
        self.bookings[booking.id] = booking

    def _take_released(self, record: Mapping[str, Any]) -> None:
        self.bookings.pop(str(record["id"]), None)

    def _take_firmware(self, record: Mapping[str, Any]) -> None:
        self.firmwares[str(record["charger"])] = _firmware(record)

    def _take_update(self, record: Mapping[str, Any]) -> None:
        identity, told = str(record["charger"]), record["update"]
        if told is None:
            self.updates.pop(identity, None)
        else:
            self.updates[identity] = KeptUpdate.from_record(told)

    def _take_interview(self, record: Mapping[str, Any]) -> None:
        self.interviews[_firmware(record)] = dict(record["answers"])

    def _take_capabilities(self, record: Mapping[str, Any]) -> None:
        self.capabilities[str(record["charger"])] = dict(record["told"])

    def _take_foreign_profiles(self, record: Mapping[str, Any]) -> None:
        profiles = tuple(dict(profile) for profile in record["told"])
        self.foreign_profiles[str(record["charger"])] = profiles

    def _take_admission(self, record: Mapping[str, Any]) -> None:
        self.admissions[str(record["charger"])] = dict(record["told"])

    def _take_drill(self, record: Mapping[str, Any]) -> None:
        self.drills[str(record["group"])] = {
            name: value for name, value in record.items() if name != "kind"
        }

    def _take_obedience(self, record: Mapping[str, Any]) -> None:
        self.obedience[_key(record)] = dict(record["told"])

    def _take_energy(self, record: Mapping[str, Any]) -> None:
        self.energies[_key(record)] = dict(record["told"])

    def _take_base_load(self, record: Mapping[str, Any]) -> None:
        base_load = KeptBaseLoad(
            group_id=str(record["group"]),
            at=datetime.fromisoformat(record["at"]),
            currents=_currents(record),
        )
        self.base_loads[base_load.group_id] = base_load

    def _take_worst_hours(self, record: Mapping[str, Any]) -> None:
        hours = {
            int(hour): PhaseCurrents(l1=float(l1), l2=float(l2), l3=float(l3))
            for hour, l1, l2, l3 in record["hours"]
        }
        self.worst_hours.setdefault(str(record["group"]), {}).update(hours)

    def _take_backup(self, record: Mapping[str, Any]) -> None:
        self.in_backup = record["running"] is True

    def _take_lost_file(self, record: Mapping[str, Any]) -> None:
        change = self.lost_files.add if record["lost"] else self.lost_files.discard
        change(str(record["name"]))

    def _take_finding(self, record: Mapping[str, Any]) -> None:
        firmware = _firmware(record)
        finding = Finding(
            holds=record["holds"] is True,
            seen_by=SeenBy(record["seen_by"]),
            seen_at=datetime.fromisoformat(record["seen_at"]),
            lease=None if (lease := record.get("lease")) is None else str(lease),
            cap=record.get("cap") is True,
        )
        known = self.proofs.get(firmware, FirmwareProof(firmware=firmware))
        self.proofs[firmware] = known.with_finding(Fact(record["fact"]), finding)

    def _take_forgotten(self, record: Mapping[str, Any]) -> None:
        identity = str(record["charger"])
        self.limits_a = {k: v for k, v in self.limits_a.items() if k.charger != identity}
        self.maxima_a = {k: v for k, v in self.maxima_a.items() if k.charger != identity}
        self.bounds = {k: v for k, v in self.bounds.items() if k.charger != identity}
        self.disabled = {key for key in self.disabled if key.charger != identity}
        self.firmwares.pop(identity, None)
        self.updates.pop(identity, None)
        self.plans = {k: v for k, v in self.plans.items() if k.charger != identity}
        self.boosts = {k: v for k, v in self.boosts.items() if k.charger != identity}
        self.obedience = {k: v for k, v in self.obedience.items() if k.charger != identity}
        self.energies = {k: v for k, v in self.energies.items() if k.charger != identity}
        self.capabilities.pop(identity, None)
        self.foreign_profiles.pop(identity, None)
        self.admissions.pop(identity, None)


def _copied(known: Any) -> Any:
    """Return a set, or a dictionary with the dictionaries in it; all else never changes."""
    if isinstance(known, bool):
        return known
    if isinstance(known, set):
        return set(known)
    return {key: dict(one) if isinstance(one, dict) else one for key, one in known.items()}


def _key(record: Mapping[str, Any]) -> ConnectorKey:
    return ConnectorKey(str(record["charger"]), int(record["connector"]))


def _firmware(record: Mapping[str, Any]) -> Firmware:
    return Firmware(
        vendor=str(record["vendor"]), model=str(record["model"]), version=str(record["version"])
    )


def _of_firmware(firmware: Firmware) -> Record:
    return {"vendor": firmware.vendor, "model": firmware.model, "version": firmware.version}


def _of_connector(kind: str, key: ConnectorKey, **values: float | bool) -> Record:
    return {"kind": kind, "charger": key.charger, "connector": key.connector, **values}


def _booked(booking: KeptBooking) -> Record:
    return {
        "kind": "booking",
        "id": booking.id,
        "charger": booking.charger,
        "connector": booking.connector,
        "charger_name": booking.charger_name,
        "group": booking.group_id,
        **_phases(booking.currents),
    }


def _phases(currents: PhaseCurrents) -> Record:
    return {"l1": currents.l1, "l2": currents.l2, "l3": currents.l3}


def _currents(record: Mapping[str, Any]) -> PhaseCurrents:
    """Return the currents of a record. Raises ValueError where one is no number."""
    currents = PhaseCurrents(l1=float(record["l1"]), l2=float(record["l2"]), l3=float(record["l3"]))
    if not all(map(isfinite, currents)):
        raise ValueError("no current")
    return currents
