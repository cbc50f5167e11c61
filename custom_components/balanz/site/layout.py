"""The site as it is set up now: settings, schedules and what chargers are known for, as a tree."""

from collections.abc import Container, Mapping
from datetime import UTC, datetime

from ..balancing.model import ConnectorKey
from ..csms.quirks import Quirks
from ..storage.proofs import FirmwareProof
from .settings import SiteSettings
from .timetable import Timetable
from .topology import build_site


class Layout:
    """Holds the newest settings, and the tree of groups and connectors that they make."""

    def __init__(self, settings: SiteSettings) -> None:
        """Begin with settings alone. Raises SiteError if the groups make no tree."""
        self.timetable = Timetable()
        self.outdated = False
        """Whether more has become known of the chargers than the tree was built with."""
        self.follow(settings)
        self.site = build_site(settings, self.timetable.states)

    def follow(self, settings: SiteSettings) -> None:
        """Take over changed settings and their schedules; the tree follows with `build`."""
        self.settings = settings
        known = {group.id for group in settings.groups}
        schedules = {
            group_id: schedule
            for group_id, schedule in settings.schedules.items()
            if group_id in known
        }
        self.timetable.set_schedules(schedules, settings.time_zone, settings.holidays)
        self.timetable.look(datetime.now(UTC))

    def build(
        self,
        *,
        proofs: Mapping[str, FirmwareProof],
        quirks: Mapping[str, Quirks],
        power_caps_w: Mapping[str, float],
        unconfirmed: Container[str],
        learnt_steps_a: Mapping[ConnectorKey, float],
    ) -> None:
        """Build the tree anew, with what is known of the chargers, by identity.

        `power_caps_w` is what groups may carry for now in W, by group id; `unconfirmed` are the
        chargers whose current without a link is not to be relied on; `learnt_steps_a` the steps
        in which connectors were seen to move.
        """
        self.site = build_site(
            self.settings,
            self.timetable.states,
            proofs,
            quirks,
            power_caps_w,
            unconfirmed,
            learnt_steps_a,
        )
