"""Repairs that the user can finish in a few clicks: which there are, and those to confirm."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowContext
from homeassistant.core import HomeAssistant

from .balancing.model import ConnectorKey
from .const import SUBENTRY_CHARGER
from .coordinator import BalanzCoordinator
from .csms.command_values import CommandStatus
from .csms.station_errors import StationError
from .flows.repair_flow import SiteNotRunning, SiteRepairFlow
from .flows.repair_forms import (
    ChooseGroupFlow,
    ChooseSensorsFlow,
    MendScheduleFlow,
    ProveFallbackFlow,
)
from .flows.unlock_flow import UnlockKeysFlow
from .issues import GROUP_GONE, KEYS_LOCKED, SCHEDULE_UNREADABLE, SENSOR_MISSING
from .site.snapshot import ProblemKind
from .storage.journal import StorageError


class NotMended(Exception):
    """What was confirmed did not work; `reason` is the key of the text that says why."""

    def __init__(self, reason: str) -> None:
        """Tell why."""
        super().__init__(reason)
        self.reason = reason


class ConfirmedFlow(SiteRepairFlow):
    """Does something to a site once the user has confirmed it."""

    @abstractmethod
    async def async_mended(self, coordinator: BalanzCoordinator, subject: str) -> RepairsFlowResult:
        """Do what was confirmed, and end. Raises NotMended or StorageError."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask at once."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Ask whether to do it."""
        if user_input is None:
            return self.async_show_form(
                step_id="confirm",
                data_schema=vol.Schema({}),
                description_placeholders=self.names,
            )
        try:
            return await self.async_mended(self.entry.runtime_data, self._subject)
        except SiteNotRunning:
            return self.not_running()
        except StorageError:
            return self.async_abort(reason="storage_failing")
        except NotMended as error:
            return self.async_abort(reason=error.reason)


class MendedAtOnceFlow(ConfirmedFlow):
    """Is over once what was confirmed is done."""

    @abstractmethod
    async def async_mend(self, coordinator: BalanzCoordinator, subject: str) -> None:
        """Do what was confirmed. Raises NotMended or StorageError."""

    @override
    async def async_mended(self, coordinator: BalanzCoordinator, subject: str) -> RepairsFlowResult:
        """Do it, and take the issue away."""
        await self.async_mend(coordinator, subject)
        return self.async_create_entry(data={})


class ReleaseBookingFlow(MendedAtOnceFlow):
    """Releases the current that is still booked for a charger that was removed or moved."""

    @override
    async def async_mend(self, coordinator: BalanzCoordinator, subject: str) -> None:
        """Release it: the user has seen that the charger draws nothing any more."""
        await coordinator.site.release_booking(subject)


class AcceptLostFilesFlow(MendedAtOnceFlow):
    """Goes on without the files that had gone at a start."""

    @override
    async def async_mend(self, coordinator: BalanzCoordinator, subject: str) -> None:
        """Say no more of them: the user has seen what was in them, and has no copy."""
        await coordinator.site.accept_lost_files()


class AcceptAddressFlow(MendedAtOnceFlow):
    """Lets a charger without a password come from its new address."""

    @override
    async def async_mend(self, coordinator: BalanzCoordinator, subject: str) -> None:
        """Accept it: the user knows that it is the charger who has moved."""
        coordinator.site.door.accept_address(subject)


class OpenPairingFlow(MendedAtOnceFlow):
    """Lets unknown chargers introduce themselves."""

    @override
    async def async_mend(self, coordinator: BalanzCoordinator, subject: str) -> None:
        """Open the door: whoever comes is offered as a discovery, to be approved there."""
        coordinator.open_pairing()


class ClearProfilesFlow(MendedAtOnceFlow):
    """Clears the charging profiles of a charger that are not balanz's."""

    @override
    async def async_mend(self, coordinator: BalanzCoordinator, subject: str) -> None:
        """Clear them one by one; what the charger does not clear stays booked."""
        try:
            status = await coordinator.site.remote.profiles.clear_foreign(subject)
        except StationError as error:
            raise NotMended("charger_unreachable") from error
        if status is not CommandStatus.ACCEPTED:
            raise NotMended("profile_kept")


class UseAgainFlow(MendedAtOnceFlow):
    """Lets a connector charge again that was stopped for not keeping its limit."""

    @override
    async def async_mend(self, coordinator: BalanzCoordinator, subject: str) -> None:
        """Let it: the user has had it checked, and it has been seen to obey since."""
        identity, _, connector = subject.rpartition("/")
        if not coordinator.site.let_back(ConnectorKey(identity, int(connector))):
            raise NotMended("not_obeyed_yet")


class OpenChargerFormFlow(ConfirmedFlow):
    """Opens the form of a charger, where it is for the user to say what is asked of it."""

    @override
    async def async_mended(self, coordinator: BalanzCoordinator, subject: str) -> RepairsFlowResult:
        """Hand over to the form; the issue ends once the charger is let in."""
        device = coordinator.devices.get(f"{SUBENTRY_CHARGER}:{subject}")
        if device is None or device.subentry_id is None:
            raise NotMended("already_mended")
        form = await self.hass.config_entries.subentries.async_init(
            (coordinator.entry.entry_id, SUBENTRY_CHARGER),
            context=SubentryFlowContext(source=SOURCE_RECONFIGURE, subentry_id=device.subentry_id),
        )
        handed_over_to = (FlowType.CONFIG_SUBENTRIES_FLOW, form["flow_id"])
        return self.async_abort(reason="form_opened", next_flow=handed_over_to)


FLOWS: Mapping[str, type[SiteRepairFlow]] = {
    GROUP_GONE: ChooseGroupFlow,
    KEYS_LOCKED: UnlockKeysFlow,
    SCHEDULE_UNREADABLE: MendScheduleFlow,
    SENSOR_MISSING: ChooseSensorsFlow,
    ProblemKind.ADDRESS_CHANGED: AcceptAddressFlow,
    ProblemKind.FOREIGN_PROFILE: ClearProfilesFlow,
    ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE: UseAgainFlow,
    ProblemKind.LIMIT_IGNORED_SWITCHED_OFF: UseAgainFlow,
    ProblemKind.METER_SILENT: ChooseSensorsFlow,
    ProblemKind.PASSWORD_REFUSED: OpenChargerFormFlow,
    ProblemKind.SECURITY_TOO_LOW: OpenChargerFormFlow,
    ProblemKind.STILL_BOOKED: ReleaseBookingFlow,
    ProblemKind.STORAGE_MISSING: AcceptLostFilesFlow,
    ProblemKind.UNKNOWN_CHARGERS: OpenPairingFlow,
    ProblemKind.UNSAFE_ALONE: ProveFallbackFlow,
}
"""The flow that mends an issue, by the issue's kind; all others only the user can mend."""


async def async_create_fix_flow(
    _hass: HomeAssistant, _issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    assert data is not None
    return FLOWS[str(data["kind"])](str(data["entry_id"]), str(data["subject"]))
