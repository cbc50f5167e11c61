"""One transaction, and how it is recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

IMPLICIT = "Implicit"
"""The reason of a stop that no message told: another transaction has started in its place."""
OUT_OF_ORDER = "OutOfOrder"
"""The same, of one whose start came late: that of a later transaction had been told before."""

type Record = dict[str, Any]


class StartContent(NamedTuple):
    """What makes two StartTransaction messages the same, whatever their message ids."""

    identity: str
    connector: int
    id_tag: str
    timestamp: str
    """As the charger wrote it; empty where it sent none."""
    meter_start_wh: float | None
    """None where it sent none, or the transaction was adopted without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction of one connector."""

    id: int
    content: StartContent
    started_at: datetime
    stopped_at: datetime | None = None
    meter_stop_wh: float | None = None
    reason: str = ""
    """Why it was stopped, as OCPP 1.6 section 7.36 names it, or one of those above."""
    refused: str = ""
    """Why its tag may not charge, as OCPP 1.6 section 7.2 names it; empty where it may."""
    charger_id: int | None = None
    """The charger's own id, where that can be none of ours; such ids are used again."""

    @property
    def identity(self) -> str:
        """The charger to which it belongs."""
        return self.content.identity

    @property
    def connector(self) -> int:
        """Where the car is plugged in."""
        return self.content.connector

    @property
    def is_open(self) -> bool:
        """Whether it still runs, as far as is known."""
        return self.stopped_at is None

    @property
    def is_told_to_have_ended(self) -> bool:
        """Whether the charger itself has said so."""
        return not self.is_open and self.reason not in (IMPLICIT, OUT_OF_ORDER)

    @property
    def told_id(self) -> int:
        """The id that the charger knows it by."""
        return self.id if self.charger_id is None else self.charger_id


def start_record(transaction: Transaction) -> Record:
    """Return what is recorded of a start."""
    content = transaction.content
    record = {
        "kind": "transaction_started",
        "id": transaction.id,
        "identity": content.identity,
        "connector": content.connector,
        "id_tag": content.id_tag,
        "timestamp": content.timestamp,
        "meter_start_wh": content.meter_start_wh,
        "started_at": transaction.started_at.isoformat(),
    }
    if transaction.charger_id is not None:
        record["charger_id"] = transaction.charger_id
    return record


def stop_record(transaction: Transaction) -> Record:
    """Return what is recorded of a stop."""
    return {
        "kind": "transaction_stopped",
        "id": transaction.id,
        "identity": transaction.identity,
        "stopped_at": (transaction.stopped_at or transaction.started_at).isoformat(),
        "meter_stop_wh": transaction.meter_stop_wh,
        "reason": transaction.reason,
    }


def resumed_record(transaction: Transaction) -> Record:
    """Return what is recorded of one that turned out to run after all."""
    return {
        "kind": "transaction_resumed",
        "id": transaction.id,
        "identity": transaction.identity,
    }


def recorded_start(record: Record) -> Transaction:
    """Return the transaction of a record. Raises KeyError, TypeError or ValueError."""
    meter_start_wh, charger_id = record["meter_start_wh"], record.get("charger_id")
    return Transaction(
        id=int(record["id"]),
        content=StartContent(
            str(record["identity"]),
            int(record["connector"]),
            str(record["id_tag"]),
            str(record["timestamp"]),
            None if meter_start_wh is None else float(meter_start_wh),
        ),
        started_at=datetime.fromisoformat(record["started_at"]),
        charger_id=None if charger_id is None else int(charger_id),
    )
