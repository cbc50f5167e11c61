"""Recorded charging sessions: who came when, left when, and was given how much."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .errors import InputError
from .tables import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One recorded session, in local time."""

    place: str
    """The user whose charger it is, or the charger itself where users are not recorded."""
    driver: str
    """What names the car: the user, or the session where users are not recorded."""
    arrival: datetime
    departure: datetime
    energy_wh: float


def read_visits(path: Path) -> list[Visit]:
    """Return the sessions of a file, as they arrive. Raises InputError."""
    visits: list[Visit] = []
    for row in rows(path, ("arrival", "departure", "energy_kwh", "session_id")):
        arrival, departure = row.time("arrival"), row.time("departure")
        energy_wh = row.number("energy_kwh") * 1000
        if departure <= arrival or energy_wh == 0:
            continue
        visit = Visit(
            place=row.text("user_id", "station_id"),
            driver=row.text("user_id", "session_id"),
            arrival=arrival,
            departure=departure,
            energy_wh=energy_wh,
        )
        visits.append(visit)
    if not visits:
        raise InputError(f"{path}: no sessions in it")
    return sorted(visits, key=lambda visit: (visit.arrival, visit.place, visit.departure))
