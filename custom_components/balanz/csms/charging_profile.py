"""Charging profiles that users write themselves (OCPP 1.6, section 7.8)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from .capabilities import RateUnit
from .command_values import ProfilePurpose, SchedulePeriod
from .lenient import MAX_INTEGER
from .profiles import NOMINAL_VOLTAGE_V
from .rpc_frames import Payload
from .v16 import utc_text
from .wording import ocpp_name, told

KINDS = ("Absolute", "Recurring", "Relative")
RECURRENCIES = ("Daily", "Weekly")
MAX_PERIODS = 100


class ProfileError(ValueError):
    """What is no charging profile; the text tells why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingProfile:
    """A profile as a charger takes it. Raises ProfileError where it breaks OCPP's rules."""

    id: int
    stack_level: int
    purpose: ProfilePurpose
    kind: str
    unit: RateUnit
    periods: tuple[SchedulePeriod, ...]
    transaction_id: int | None = None
    recurrency: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    duration_s: int | None = None
    starts_at: datetime | None = None
    least_rate: float | None = None

    def __post_init__(self) -> None:
        """Check what a schema cannot."""
        if not self.periods or self.periods[0].start_s != 0:
            raise ProfileError("the first period must start at 0")
        if len(self.periods) > MAX_PERIODS:
            raise ProfileError(f"there are more than {MAX_PERIODS} periods")
        if any(later.start_s <= earlier.start_s for earlier, later in pairwise(self.periods)):
            raise ProfileError("the periods must follow each other")
        if self.transaction_id is not None and self.purpose is not ProfilePurpose.TX:
            raise ProfileError("only a TxProfile has a transactionId")
        if self.kind == "Relative" and self.starts_at is not None:
            raise ProfileError("a Relative profile has no startSchedule")
        if (self.kind == "Recurring") is (self.recurrency is None):
            raise ProfileError("recurrencyKind belongs to a Recurring profile, and to no other")

    @property
    def largest_a(self) -> float:
        """The most that it may let a line draw, A: all of its watts may go through one line."""
        largest = max(period.limit for period in self.periods)
        return largest if self.unit is RateUnit.AMPERE else largest / NOMINAL_VOLTAGE_V

    def as_v16(self) -> Payload:
        """Return it as OCPP 1.6 has it."""
        schedule = told(
            duration=self.duration_s,
            startSchedule=_stamp(self.starts_at),
            chargingRateUnit=self.unit.value,
            chargingSchedulePeriod=[
                told(startPeriod=it.start_s, limit=it.limit, numberPhases=it.phases)
                for it in self.periods
            ],
            minChargingRate=self.least_rate,
        )
        return told(
            chargingProfileId=self.id,
            transactionId=self.transaction_id,
            stackLevel=self.stack_level,
            chargingProfilePurpose=ocpp_name(self.purpose),
            chargingProfileKind=self.kind,
            recurrencyKind=self.recurrency,
            validFrom=_stamp(self.valid_from),
            validTo=_stamp(self.valid_to),
            chargingSchedule=schedule,
        )


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def parse_charging_profile(raw: object) -> ChargingProfile:
    """Read a profile in the words of OCPP 1.6. Raises ProfileError that tells what is wrong."""
    profile = _Fields(raw, "the profile")
    schedule = _Fields(profile.take("chargingSchedule"), "chargingSchedule")
    entries = schedule.take("chargingSchedulePeriod")
    if not isinstance(entries, list):
        raise ProfileError("chargingSchedulePeriod must be a list")
    purposes = {ocpp_name(purpose): purpose for purpose in ProfilePurpose}
    parsed = ChargingProfile(
        id=profile.integer("chargingProfileId", least=-MAX_INTEGER),
        stack_level=profile.integer("stackLevel"),
        purpose=purposes[profile.choice("chargingProfilePurpose", tuple(purposes))],
        kind=profile.choice("chargingProfileKind", KINDS),
        unit=RateUnit(schedule.choice("chargingRateUnit", tuple(RateUnit))),
        periods=tuple(_period(entry) for entry in entries),
        transaction_id=profile.optional_integer("transactionId", least=-MAX_INTEGER),
        recurrency=profile.optional_choice("recurrencyKind", RECURRENCIES),
        valid_from=profile.optional_moment("validFrom"),
        valid_to=profile.optional_moment("validTo"),
        duration_s=schedule.optional_integer("duration"),
        starts_at=schedule.optional_moment("startSchedule"),
        least_rate=schedule.optional_number("minChargingRate"),
    )
    schedule.check_nothing_left()
    profile.check_nothing_left()
    return parsed


def _period(raw: object) -> SchedulePeriod:
    fields = _Fields(raw, "a period")
    period = SchedulePeriod(
        start_s=fields.integer("startPeriod"),
        limit=fields.number("limit"),
        phases=fields.optional_integer("numberPhases", least=1, most=3),
    )
    fields.check_nothing_left()
    return period


class _Fields:
    """What is left to be read of an object."""

    def __init__(self, raw: object, name: str) -> None:
        if not isinstance(raw, Mapping):
            raise ProfileError(f"{name} must be an object")
        self._left: dict[str, Any] = dict(raw)
        self._name = name

    def take(self, field: str) -> Any:
        if field not in self._left:
            raise ProfileError(f"{field} is missing")
        return self._left.pop(field)

    def check_nothing_left(self) -> None:
        if self._left:
            raise ProfileError(f"{self._name} has no {next(iter(self._left))}")

    def integer(self, field: str, *, least: int = 0, most: int = MAX_INTEGER) -> int:
        value = self.take(field)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ProfileError(f"{field} must be a whole number from {least} to {most}")
        return value

    def number(self, field: str) -> float:
        """Return a number as OCPP takes it: at least 0, with one decimal at the most."""
        value = self.take(field)
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not math.isfinite(value) or value < 0 or value > MAX_INTEGER:
            raise ProfileError(f"{field} must be a number of at least 0")
        if round(value, 1) != value:
            raise ProfileError(f"{field} must have one decimal at the most")
        return float(value)

    def choice(self, field: str, choices: tuple[str, ...]) -> str:
        value = self.take(field)
        if not isinstance(value, str) or value not in choices:
            raise ProfileError(f"{field} must be one of {', '.join(choices)}")
        return value

    def optional_integer(
        self, field: str, *, least: int = 0, most: int = MAX_INTEGER
    ) -> int | None:
        return self.integer(field, least=least, most=most) if field in self._left else None

    def optional_number(self, field: str) -> float | None:
        return self.number(field) if field in self._left else None

    def optional_choice(self, field: str, choices: tuple[str, ...]) -> str | None:
        return self.choice(field, choices) if field in self._left else None

    def optional_moment(self, field: str) -> datetime | None:
        if field not in self._left:
            return None
        value = self.take(field)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise ProfileError(f"{field} must be a time with its time zone")
        return value
