"""What a charger does differently from the book, as values, and which of them a charger has.

The table itself is data: `quirk_table.py`. It is consulted when a charger says who it is, and
whatever it says can be overruled by the user.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from .capabilities import Capabilities, RateUnit
from .events import BootInfo
from .meter_quirks import NO_METER_QUIRKS, MeterQuirks
from .profile_forms import Kind, ProfileForm, Purpose

METER_INTERVAL_S = 10
STANDARD = "standard"
"""The choice of a user whose charger does as OCPP says, whatever the table says of it."""


class Questions(StrEnum):
    """How a charger can be asked for its configuration."""

    ALL = "all"
    """In one question without keys."""
    BY_KEY = "by_key"
    """One key at a time."""
    NONE = "none"
    """Not at all: it restarts, or the line is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineKey:
    """A configuration key for the current that a charger keeps to while its link is gone."""

    name: str
    per_ampere: float = 1.0
    """What 1 A is told as: 10 where it counts tenths."""

    def told(self, current_a: float) -> str:
        """Return a current as the charger is told it, rounded down."""
        return str(math.floor(round(current_a * self.per_ampere, 6)))

    def read(self, value: str) -> float | None:
        """Return what it is told as a number, however it is written; None where it is none."""
        try:
            return float(value)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """What differs at one charger; the defaults are one that does as OCPP 1.6 says."""

    rate_unit: RateUnit | None = None
    """The unit in which limits work, whatever the charger says; None: as it says."""
    max_stack_level: int | None = None
    """The highest stack level that works, whatever the charger says; None: as it says."""
    purpose: Purpose | None = None
    """The purpose of a profile to try first; None: the usual one."""
    kind: Kind | None = None
    """The kind of a profile to try first; None: the usual one."""
    tells_phases: bool = False
    """A limit counts only if it says for how many lines it is."""
    steps_a: tuple[float, ...] = ()
    """The only currents that it takes, ascending, besides 0; empty: any tenth of an ampere."""
    step_a: float | None = None
    """Currents are taken in multiples of this; None: any tenth of an ampere."""
    minimum_a: float | None = None
    """The lowest current at which it charges as it should; None: as it is set up."""
    pauses_at_zero: bool = True
    """Whether 0 A pauses it. Where it does not, it is held at its minimum, which stays booked."""
    repeats_after_pause: bool = False
    """The first limit after a pause is lost, so that it is told twice."""
    clears_others: bool = False
    """Profiles that somebody else left behind hold it down, so that they are cleared."""
    keeps_in_ram: bool = False
    """Its limits are gone once it restarts or its link is lost: telling it new ones wears nothing,
    so that its leases are short."""
    offline_key: OfflineKey | None = None
    """Where it can be told what to keep to while its link is gone; None: nowhere that is known."""
    questions: Questions = Questions.ALL
    tunes_meter: bool = True
    """Whether its meter can be set up; where it cannot, it is left as it is."""
    meter_interval_s: int = METER_INTERVAL_S
    """How often its meter can be read, and so is."""
    takes_pings: bool = True
    """Whether it can be pinged; where it cannot, it hangs up."""
    triggers: bool = True
    """Whether it can be asked for a message."""
    polls_meter: bool = False
    """It does not meter by itself, so that it is asked to each time."""
    meter: MeterQuirks = NO_METER_QUIRKS
    """What its meter values are to be read with."""

    def told(self) -> dict[str, Any]:
        """Return what differs from the book, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(BY_THE_BOOK, field.name)
        }

    def corrected(self, capabilities: Capabilities) -> Capabilities:
        """Return what the charger can really do, given what it says."""
        highest = self.max_stack_level
        return replace(
            capabilities,
            rate_unit=self.rate_unit or capabilities.rate_unit,
            max_stack_level=capabilities.max_stack_level if highest is None else highest,
        )

    def preferred(self, forms: Iterable[ProfileForm]) -> tuple[ProfileForm, ...]:
        """Return the forms of profiles, those that are known to work first."""
        return tuple(
            sorted(
                forms,
                key=lambda form: (
                    self.purpose not in (None, form.purpose),
                    self.kind not in (None, form.kind),
                ),
            )
        )

    def rounded_down_a(self, current_a: float) -> float:
        """Return the highest current that it takes and that is no higher than this one."""
        # Binary fractions make a product such as 6.3 times 10 a little smaller than it is.
        current_a = round(current_a, 6)
        if self.steps_a:
            return max((step_a for step_a in self.steps_a if step_a <= current_a), default=0.0)
        step_a = self.step_a or 0.1
        return round(math.floor(round(current_a / step_a, 6)) * step_a, 6)

    def at(self, *, lines: int) -> Quirks:
        """Return what of this concerns a charger that is wired to so many lines."""
        meter = replace(self.meter, spreads_one_line=self.meter.spreads_one_line and lines == 1)
        # Most values are read faster where it is known that they mean what they say.
        return replace(self, meter=NO_METER_QUIRKS if meter == NO_METER_QUIRKS else meter)


BY_THE_BOOK = Quirks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Which chargers are meant: regular expressions that fit the whole of what they say.

    Case does not matter, and an empty expression fits everything.
    """

    vendor: str = ""
    model: str = ""
    firmware: str = ""

    def fits(self, boot: BootInfo) -> bool:
        """Return whether a charger that introduces itself like this is meant."""
        return all(
            not pattern or re.fullmatch(pattern, value.strip(), re.IGNORECASE) is not None
            for pattern, value in (
                (self.vendor, boot.vendor),
                (self.model, boot.model),
                (self.firmware, boot.firmware),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuirkRow:
    """What is known of one family of chargers."""

    id: str
    """Names the row in settings and tests; never changed."""
    name: str
    """What its users call it."""
    patterns: tuple[Pattern, ...]
    quirks: Quirks
    behaviour: str
    """What such a charger does, in a sentence."""
    source: str
    """Where that is known from."""


def row_of(rows: Iterable[QuirkRow], boot: BootInfo) -> QuirkRow | None:
    """Return the first row that means a charger; None where none does."""
    return next((row for row in rows if any(it.fits(boot) for it in row.patterns)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuirkChoice:
    """What the user says of one charger; it goes before what the table says."""

    behaves_like: str | None = None
    """The id of a row, or STANDARD; None: the row that the charger's own words lead to."""
    rate_unit: RateUnit | None = None
    purpose: Purpose | None = None
    pauses_at_zero: bool | None = None
    offline_key: str | None = None
    """The name of that key, which then takes whole amperes."""
    meter: tuple[str, ...] = ()
    """The names of what differs in its meter values, besides what the table says."""

    def quirks(self, rows: Iterable[QuirkRow], boot: BootInfo | None) -> Quirks:
        """Return what differs at a charger; None: it has never said who it is.

        A row that is no longer there counts as not chosen.
        """
        rows = tuple(rows)
        row = next((row for row in rows if row.id == self.behaves_like), None)
        if row is None and boot is not None and self.behaves_like != STANDARD:
            row = row_of(rows, boot)
        quirks = BY_THE_BOOK if row is None else row.quirks
        pauses = self.pauses_at_zero
        own_key = OfflineKey(name=self.offline_key) if self.offline_key else None
        return replace(
            quirks,
            offline_key=own_key or quirks.offline_key,
            rate_unit=self.rate_unit or quirks.rate_unit,
            purpose=self.purpose or quirks.purpose,
            pauses_at_zero=quirks.pauses_at_zero if pauses is None else pauses,
            meter=replace(quirks.meter, **dict.fromkeys(self.meter, True)),
        )
