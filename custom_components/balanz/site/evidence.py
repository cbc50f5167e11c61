"""What a developer needs to see of a running site, beyond what it shows to its users."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..balancing.control import Result
from ..balancing.inputs import Inputs
from ..csms.capabilities import Capabilities
from ..csms.frame_log import FrameLog
from ..csms.station import Station
from ..storage.ledger import Ledger, Record
from .rooms import Rooms
from .step_log import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class StationEvidence:
    """How a charger has behaved on its line since the start."""

    frames: FrameLog
    """A copy. To make frames of what it keeps takes longer than the event loop has for a thousand
    chargers; and they hold secrets until they are told."""
    back_office_frames: FrameLog | None
    """The same of its other leg; None where there is no back office."""
    capabilities: Capabilities
    clock_skew_s: float | None
    boots: int
    late_answers: int
    violations: Mapping[str, int]
    """How often it has broken the specification in which way; none quotes what it has said."""

    @classmethod
    def of(cls, station: Station) -> StationEvidence:
        """Take down what is known of a charger now."""
        back_office = station.back_office
        return cls(
            frames=station.frames.copy(),
            back_office_frames=None if back_office is None else back_office.frames.copy(),
            capabilities=station.capabilities,
            clock_skew_s=station.clock_skew_s,
            boots=station.boots,
            late_answers=station.late_answers,
            violations=station.violations.counted(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a site knows at one moment. None of it changes any more."""

    inputs: Inputs | None
    """What the last step looked at; None before the first one."""
    result: Result | None
    """What it decided."""
    ledger: Ledger
    """A copy of what is kept on disk."""
    stations: Mapping[str, StationEvidence]
    """By charger identity."""
    segments: tuple[Segment, ...]
    """The steps of the last hour; the last segment still grows."""

    def records(self) -> Iterator[Record]:
        """Yield what would be on disk if it were written anew; nothing of how chargers get in.

        For a large site that takes longer than the event loop has.
        """
        return (record for record in self.ledger.records() if record.get("kind") != "admission")


def evidence_of(rooms: Rooms) -> Evidence:
    """Take down what a site knows now."""
    return Evidence(
        inputs=rooms.control.last_inputs,
        result=rooms.control.result,
        ledger=rooms.ledger.copy(),
        stations={
            identity: StationEvidence.of(station)
            for identity, station in rooms.central.stations.items()
        },
        segments=rooms.control.log.segments,
    )
