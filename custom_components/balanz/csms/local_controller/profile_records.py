"""How the profiles of another central system are recorded, so that they survive a restart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..capabilities import MAX_CONNECTORS
from ..charging_profile import ChargingProfile
from ..lenient import integer, timestamp
from .composition import InstalledProfile, RunningTransaction
from .profile_reading import read_profile

MOST_PROFILES = 32
"""How many are kept of one charger, whatever it says that it could take."""


class StoreDamaged(ValueError):
    """What was recorded cannot be read; the text tells why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingProfile:
    """A profile that waits for the transaction that it was sent along with."""

    connector: int | None
    """None for whichever connector it begins at."""
    id_tag: str
    profile: ChargingProfile
    asked_at: datetime

    def is_for(self, connector: int, id_tag: str) -> bool:
        """Return whether a transaction is the one that was asked for."""
        return self.connector in (None, connector) and self.id_tag.casefold() == id_tag.casefold()


type Content = tuple[
    tuple[InstalledProfile, ...], tuple[AwaitingProfile, ...], dict[int, RunningTransaction]
]
"""What is installed, what waits for its transaction, and what runs, by connector."""


def write_record(
    installed: Iterable[InstalledProfile],
    awaiting: Iterable[AwaitingProfile],
    transactions: Mapping[int, RunningTransaction],
) -> dict[str, Any]:
    """Return all of it as what JSON knows."""
    return {
        "profiles": [
            {
                "connector": it.connector,
                "installed_at": it.installed_at.isoformat(),
                "profile": it.profile.as_v16(),
            }
            for it in installed
        ],
        "awaiting": [
            {
                "connector": it.connector,
                "id_tag": it.id_tag,
                "asked_at": it.asked_at.isoformat(),
                "profile": it.profile.as_v16(),
            }
            for it in awaiting
        ],
        "transactions": [
            {"connector": connector, "id": it.id, "started_at": it.started_at.isoformat()}
            for connector, it in transactions.items()
        ],
    }


def read_record(record: object) -> Content:
    """Read it back. Raises StoreDamaged."""
    try:
        return _read_record(record)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StoreDamaged(f"the profiles cannot be read: {error!r}") from error


def _read_record(record: Any) -> Content:
    """Read all. Raises KeyError, TypeError or ValueError, of which ProfileError is one."""
    installed = tuple(
        InstalledProfile(
            connector=_connector_of(it),
            profile=read_profile(it["profile"]),
            installed_at=_moment(it["installed_at"]),
        )
        for it in record["profiles"]
    )
    awaiting = tuple(
        AwaitingProfile(
            connector=None if it["connector"] is None else _connector_of(it),
            id_tag=str(it["id_tag"]),
            profile=read_profile(it["profile"]),
            asked_at=_moment(it["asked_at"]),
        )
        for it in record["awaiting"]
    )
    transactions = {
        _connector_of(it): RunningTransaction(
            id=None if it["id"] is None else _whole(it["id"]),
            started_at=_moment(it["started_at"]),
        )
        for it in record["transactions"]
    }
    if len(installed) + len(awaiting) > MOST_PROFILES:
        raise ValueError(f"there are more than {MOST_PROFILES} profiles")
    return installed, awaiting, transactions


def _connector_of(record: Mapping[str, Any]) -> int:
    connector = _whole(record["connector"])
    if not 0 <= connector <= MAX_CONNECTORS:
        raise ValueError(f"no connector: {connector}")
    return connector


def _whole(value: object) -> int:
    number = integer(value)
    if number is None:
        raise ValueError("no whole number")
    return number


def _moment(value: object) -> datetime:
    moment = timestamp(value)
    if moment is None:
        raise ValueError("no time")
    return moment
