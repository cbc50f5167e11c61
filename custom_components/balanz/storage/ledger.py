"""What has to outlive a restart besides transactions: limits, settings and bookings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from ..balancing.model import ConnectorKey
from ..balancing.phases import PhaseCurrents
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
        self.maxima_a: dict[ConnectorKey, float] = {}
        self.disabled: set[ConnectorKey] = set()
        self.bookings: dict[str, KeptBooking] = {}
        self.firmwares: dict[str, Firmware] = {}
        """The firmware that each charger last booted with, by identity."""
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
        self.base_loads: dict[str, KeptBaseLoad] = {}
        """By group id."""
        self.worst_hours: dict[str, dict[int, PhaseCurrents]] = {}
        """The worst base load of each metered group, by hour of the week."""

    def restore(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take in records in the order in which they were written; foreign ones are passed over.

        A record that does not read as one of ours changes nothing.
        """
        for record in records:
            try:
                self._apply(record)
            except KeyError, TypeError, ValueError:
                continue

    def records(self) -> Iterator[Record]:
        """Yield the records that make this state."""
        for key, limit_a in self.limits_a.items():
            yield _of_connector("limit", key, limit_a=limit_a)
        for group_id, capacity_a in self.capacities_a.items():
            yield {"kind": "capacity", "group": group_id, "capacity_a": capacity_a}
        for key, maximum_a in self.maxima_a.items():
            yield _of_connector("maximum", key, maximum_a=maximum_a)
        for key in self.disabled:
            yield _of_connector("enabled", key, enabled=False)
        for booking in self.bookings.values():
            yield _booked(booking)
        for identity, firmware in self.firmwares.items():
            yield self.note_firmware(identity, firmware)
        for firmware, proof in self.proofs.items():
            for fact, finding in proof.findings.items():
                yield self.note_finding(firmware, fact, finding)
        for firmware, answers in self.interviews.items():
            yield self.note_interview(firmware, answers)
        for drill in self.drills.values():
            yield {"kind": "drill", **drill}
        for identity, capabilities in self.capabilities.items():
            yield self.note_capabilities(identity, capabilities)
        for identity, admission in self.admissions.items():
            yield self.note_admission(identity, admission)
        for key, told in self.obedience.items():
            yield self.note_obedience(key, told)
        for base_load in self.base_loads.values():
            yield self.note_base_load(base_load)
        for group_id, hours in self.worst_hours.items():
            yield self.note_worst_hours(group_id, hours)

    def note_limit(self, key: ConnectorKey, limit_a: float) -> Record:
        """Return the record of the largest limit that may be in force; see `limits_a`."""
        return _of_connector("limit", key, limit_a=limit_a)

    def note_capacity(self, group_id: str, capacity_a: float) -> Record:
        """Return the record of a group's capacity."""
        return {"kind": "capacity", "group": group_id, "capacity_a": capacity_a}

    def note_maximum(self, key: ConnectorKey, maximum_a: float) -> Record:
        """Return the record of a connector's maximum."""
        return _of_connector("maximum", key, maximum_a=maximum_a)

    def note_enabled(self, key: ConnectorKey, enabled: bool) -> Record:
        """Return the record of charging switched on or off."""
        return _of_connector("enabled", key, enabled=enabled)

    def note_booking(self, booking: KeptBooking) -> Record:
        """Return the record of a booking that stays."""
        return _booked(booking)

    def note_released(self, booking_id: str) -> Record:
        """Return the record of a booking that ends."""
        return {"kind": "released", "id": booking_id}

    def note_firmware(self, identity: str, firmware: Firmware) -> Record:
        """Return the record of the firmware that a charger has booted with."""
        return {"kind": "firmware", "charger": identity, **_of_firmware(firmware)}

    def note_finding(self, firmware: Firmware, fact: Fact, finding: Finding) -> Record:
        """Return the record of what was seen of a firmware."""
        return {
            "kind": "finding",
            **_of_firmware(firmware),
            "fact": fact.value,
            "holds": finding.holds,
            "seen_by": finding.seen_by.value,
            "seen_at": finding.seen_at.isoformat(),
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
        match record.get("kind"):
            case "limit":
                self.limits_a[_key(record)] = float(record["limit_a"])
            case "capacity":
                self.capacities_a[str(record["group"])] = float(record["capacity_a"])
            case "maximum":
                self.maxima_a[_key(record)] = float(record["maximum_a"])
            case "enabled":
                if record["enabled"]:
                    self.disabled.discard(_key(record))
                else:
                    self.disabled.add(_key(record))
            case "booking":
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
            case "released":
                self.bookings.pop(str(record["id"]), None)
            case "forgotten":
                self._forget(str(record["charger"]))
            case _:
                self._learn(record)

    def _learn(self, record: Mapping[str, Any]) -> None:
        """Take in what was found out, rather than decided."""
        match record.get("kind"):
            case "worst_hours":
                hours = {
                    int(hour): PhaseCurrents(l1=float(l1), l2=float(l2), l3=float(l3))
                    for hour, l1, l2, l3 in record["hours"]
                }
                self.worst_hours.setdefault(str(record["group"]), {}).update(hours)
            case "firmware":
                self.firmwares[str(record["charger"])] = _firmware(record)
            case "finding":
                self._found(record)
            case "interview":
                self.interviews[_firmware(record)] = dict(record["answers"])
            case "drill":
                self.drills[str(record["group"])] = {
                    name: value for name, value in record.items() if name != "kind"
                }
            case "capabilities":
                self.capabilities[str(record["charger"])] = dict(record["told"])
            case "admission":
                self.admissions[str(record["charger"])] = dict(record["told"])
            case "obedience":
                self.obedience[_key(record)] = dict(record["told"])
            case "base_load":
                base_load = KeptBaseLoad(
                    group_id=str(record["group"]),
                    at=datetime.fromisoformat(record["at"]),
                    currents=_currents(record),
                )
                self.base_loads[base_load.group_id] = base_load

    def _found(self, record: Mapping[str, Any]) -> None:
        firmware = _firmware(record)
        finding = Finding(
            holds=record["holds"] is True,
            seen_by=SeenBy(record["seen_by"]),
            seen_at=datetime.fromisoformat(record["seen_at"]),
        )
        known = self.proofs.get(firmware, FirmwareProof(firmware=firmware))
        self.proofs[firmware] = known.with_finding(Fact(record["fact"]), finding)

    def _forget(self, identity: str) -> None:
        self.limits_a = {k: v for k, v in self.limits_a.items() if k.charger != identity}
        self.maxima_a = {k: v for k, v in self.maxima_a.items() if k.charger != identity}
        self.disabled = {key for key in self.disabled if key.charger != identity}
        self.firmwares.pop(identity, None)
        self.obedience = {k: v for k, v in self.obedience.items() if k.charger != identity}
        self.capabilities.pop(identity, None)
        self.admissions.pop(identity, None)


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
