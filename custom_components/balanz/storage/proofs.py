"""What the firmware of a charger was seen to do with a limit that nobody renews."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """What a proof holds for, as a BootNotification tells it."""

    vendor: str
    model: str
    version: str

    @property
    def is_told(self) -> bool:
        """Whether the charger said all of it; a proof for less would hold for strangers too."""
        return bool(self.vendor and self.model and self.version)


class Fact(StrEnum):
    """What can be seen of a firmware, in the order in which it is tried."""

    TAKES_LEASE = "takes_lease"
    """It accepts a limit with a second period, to which it is to fall back."""
    LAPSES = "lapses"
    """It falls back when that period comes."""
    OUTLASTS_LINK_LOSS = "outlasts_link_loss"
    """The limit is still in force after a loss of the link."""
    OUTLASTS_REBOOT = "outlasts_reboot"
    """The limit is still in force after a reboot."""
    CAPS = "caps"
    """It takes the smaller of a limit of the whole charger and of others beside it."""


KEEPING_FACTS = (Fact.OUTLASTS_LINK_LOSS, Fact.OUTLASTS_REBOOT)
"""What has to be seen of a charger that keeps its limit."""
LEASE_FACTS = tuple(fact for fact in Fact if fact is not Fact.CAPS)
"""What is tried out of limits that nobody renews."""


class SeenBy(StrEnum):
    """How something was seen."""

    ANSWER = "answer"
    """The charger's answer to the limit."""
    COMPOSITE_SCHEDULE = "composite_schedule"
    """What the charger says that it would offer a car."""
    METER = "meter"
    """What it was measured to draw."""


class ProofLevel(IntEnum):
    """How much is known of a firmware."""

    NOTHING = 0
    ACCEPTED = 1
    """A lease is accepted."""
    LAPSE_SEEN = 2
    """It was seen to lapse."""
    PROVEN = 3
    """It was seen to lapse, and to outlast the loss of the link and a reboot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was seen of one fact."""

    holds: bool
    seen_by: SeenBy
    seen_at: datetime
    lease: str | None = None
    """How the limit was told to end; None for the usual way, and where that does not matter."""
    cap: bool = False
    """Whether the limit was told as a cap on the profiles of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareProof:
    """All that was seen of one firmware."""

    firmware: Firmware
    findings: Mapping[Fact, Finding] = field(default_factory=lambda: MappingProxyType({}))

    def with_finding(self, fact: Fact, finding: Finding) -> FirmwareProof:
        """Return the proof with what was seen last of a fact."""
        return replace(self, findings=MappingProxyType({**self.findings, fact: finding}))

    def of_limits(self, *, caps: bool | None) -> FirmwareProof:
        """Return what of it counts for limits that are caps, or are none; None: may be either.

        A firmware may keep profiles of one purpose, and lose those of another.
        """
        findings = {
            fact: finding
            for fact, finding in self.findings.items()
            if fact not in KEEPING_FACTS or finding.cap is caps
        }
        return replace(self, findings=MappingProxyType(findings))

    def holds(self, fact: Fact) -> bool | None:
        """Return whether a fact was seen to hold; None where that was not seen."""
        finding = self.findings.get(fact)
        return None if finding is None else finding.holds

    @property
    def keeps_limit(self) -> bool:
        """Whether its limit was seen to outlast both the loss of the link and a reboot."""
        return all(self.holds(fact) is True for fact in KEEPING_FACTS)

    @property
    def lapses(self) -> bool:
        """Whether it was seen to fall back."""
        return self.holds(Fact.LAPSES) is True

    @property
    def lease(self) -> str | None:
        """How limits have to be told to end lest it ignores that; None for the usual way."""
        finding = self.findings.get(Fact.LAPSES)
        return finding.lease if finding is not None and finding.holds else None

    @property
    def level(self) -> ProofLevel:
        """How much is known of it."""
        if self.lapses:
            return ProofLevel.PROVEN if self.keeps_limit else ProofLevel.LAPSE_SEEN
        takes_lease = self.holds(Fact.TAKES_LEASE) is True
        return ProofLevel.ACCEPTED if takes_lease else ProofLevel.NOTHING
