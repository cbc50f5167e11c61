"""Where each connector stands: what its ledger and its place amount to, worked out once a step."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .commitments import Commitment
from .inputs import ConnectorInput, Inputs, Line
from .model import Connector, ConnectorKey, Site
from .phases import EPSILON_A, Phase, PhaseCurrents
from .routes import Way

RETRY_S = 10.0
"""How long to wait after a write failed, doubled at each further refusal."""
RETRY_LONGEST_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One connector at the instant of a step. Currents in A per line."""

    key: ConnectorKey
    connector: Connector
    known: ConnectorInput
    group_ids: tuple[str, ...]
    """The groups that its current flows through, the root last."""
    way: Way
    """The limits that its current meets."""
    minimum_a: float
    """The least limit but 0 that can be sent."""
    maximum_a: float
    held_by_unbalance: bool
    """Whether it may use no more because its car loads fewer than three phases."""
    booked_a: float
    """The most that it may be drawing now."""
    booked: PhaseCurrents
    """The same on the phases of the grid."""
    phases: tuple[Phase, ...]
    """Those of the grid that it may load."""
    priority: int
    aim_a: float
    """What it may draw once all that was sent is answered and obeyed."""
    measured_a: float
    """What it was last seen to draw, A per line; 0 where that is not known."""
    foreign_a: float
    """What profiles of others allow it, whatever limit it is sent; 0 where there are none."""
    defies: bool
    """Whether it did not keep its limit, so that nobody relies on what it is told."""
    retry_at: float | None
    """When a failed write may be tried again; None where none has to wait."""
    follows: bool
    """Whether it can be told any limit now, and others may rely on that."""
    changes_at: float | None
    """When time alone changes what is booked; None where it does not."""
    since: float = field(compare=False)
    """When it was found to stand here, and `until` when it surely does (monotonic seconds)."""
    until: float = field(compare=False)

    def must_wait(self, target_a: float) -> bool:
        """Return whether a write that failed forbids this one for now.

        What was refused or lost may have been a raise. A cut below that has not failed yet.
        """
        failed_a = self.known.commitment.failed_a
        is_new_cut = failed_a is not None and target_a < min(failed_a, self.aim_a) - EPSILON_A
        return self.retry_at is not None and not is_new_cut

    def rounded_down(self, current_a: float) -> float:
        """Return the highest limit that can be sent and is not above a current."""
        step_a = self.connector.step_a
        return round(math.floor(current_a / step_a + EPSILON_A) * step_a, 1)


def standings(
    site: Site, inputs: Inputs, before: Mapping[ConnectorKey, Standing], now: float
) -> dict[ConnectorKey, Standing]:
    """Return where each connector stands now (monotonic seconds).

    `before` is where they stood at another time at the same site; most of them stand there still.
    """
    stand: dict[ConnectorKey, Standing] = {}
    for key, known in inputs.connectors.items():
        one = before.get(key)
        if one is None or one.known is not known or not one.since <= now < one.until:
            one = _standing(site, site.connectors[key], known, now)
        stand[key] = one
    return stand


def _standing(
    site: Site,
    connector: Connector,
    known: ConnectorInput,
    now: float,
) -> Standing:
    commitment = known.commitment
    booked_a = commitment.booked_a(connector, now)
    priority = connector.priority if known.priority is None else known.priority
    phases = connector.phase_map.phases
    if connector.phase_map.lines is not None:
        phases = known.phase_use.in_use(phases)
    maximum_a = min(known.maximum_a, connector.maximum_a, connector.rating_a)
    unbalance_a = math.inf if site.unbalance_a is None or len(phases) == 3 else site.unbalance_a
    held_by_unbalance = unbalance_a < maximum_a
    changes_at, retry_at = commitment.next_change(now), _retry_at(commitment, now)
    return Standing(
        key=connector.key,
        connector=connector,
        known=known,
        group_ids=site.routes.paths[connector.group_id],
        way=site.routes.way(connector.group_id, phases, priority),
        minimum_a=_minimum_a(connector),
        maximum_a=unbalance_a if held_by_unbalance else maximum_a,
        held_by_unbalance=held_by_unbalance,
        booked_a=booked_a,
        booked=PhaseCurrents.uniform(booked_a, phases),
        phases=phases,
        priority=priority,
        aim_a=commitment.aim_a(connector, now),
        measured_a=commitment.measured_a(now),
        foreign_a=commitment.foreign_a or 0.0,
        defies=commitment.defies,
        retry_at=retry_at,
        follows=(
            known.line is Line.FREE
            and commitment.pending is None
            and commitment.failed_at is None
            and not commitment.foreign_a
            and connector.pauses
        ),
        changes_at=changes_at,
        since=now,
        until=min(
            math.inf if changes_at is None else changes_at,
            math.inf if retry_at is None else retry_at,
        ),
    )


def _minimum_a(connector: Connector) -> float:
    steps = math.ceil(connector.minimum_a / connector.step_a - EPSILON_A)
    return round(steps * connector.step_a, 1)


def _retry_at(commitment: Commitment, now: float) -> float | None:
    if commitment.failed_at is None:
        return None
    wait_s = min(RETRY_S * 2.0 ** max(commitment.refusals - 1, 0), RETRY_LONGEST_S)
    retry_at = commitment.failed_at + wait_s
    return retry_at if retry_at > now else None
