"""Repairs that ask something: other sensors, another group, a schedule, a charger to prove."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlowResult
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.config_entries import ConfigSubentry
from homeassistant.helpers import selector

from ..balancing.model import ROOT_GROUP_ID
from ..balancing.schedule_text import ScheduleTextError, parse_schedule
from ..const import (
    CONF_ADVANCED,
    CONF_BATTERY,
    CONF_GROUP,
    CONF_HEARTBEAT,
    CONF_KIND,
    CONF_PARENT,
    CONF_SCHEDULE,
    CONF_SUPPLY,
    CONF_VOLTAGES,
    SUBENTRY_CHARGER,
    SUBENTRY_GROUP,
)
from ..entry_settings import group_id_of, group_names, possible_parents, site_phases
from ..schedule_input import place_of
from ..selectors import select
from ..site.proofs import ProofRefused
from ..storage.journal import StorageError
from ..supply import SupplyKind, sensor_names
from .forms import Errors, read_supply_input, sensor_selector, sensors_selector, supply_suggestions
from .repair_flow import SiteNotRunning, SiteRepairFlow

ATTR_CHARGER = "charger"


class _Gone(Exception):
    """What was to be mended is not there any more."""


class _FormFlow(SiteRepairFlow):
    """Asks something about a group or a charger, and changes what is set up."""

    step_id: str

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask at once."""
        return await self._async_form(None)

    async def _async_form(self, user_input: dict[str, Any] | None) -> RepairsFlowResult:
        """Show the form, or take it over."""
        try:
            return await self._async_answer(user_input)
        except SiteNotRunning:
            return self.not_running()
        except _Gone:
            return self.async_abort(reason="already_mended")

    @abstractmethod
    async def _async_answer(self, user_input: dict[str, Any] | None) -> RepairsFlowResult:
        """Show the form, or take it over. Raises SiteNotRunning, or _Gone."""

    def _show(
        self,
        fields: Mapping[Any, Any],
        suggested: Mapping[str, Any],
        errors: Errors,
        **more: str,
    ) -> RepairsFlowResult:
        return self.async_show_form(
            step_id=self.step_id,
            data_schema=self.add_suggested_values_to_schema(vol.Schema(dict(fields)), suggested),
            errors=errors,
            description_placeholders={**self.names, **more},
        )

    def _subentry(self, kind: str, id_: str) -> ConfigSubentry:
        for subentry in self.entry.get_subentries_of_type(kind):
            if subentry.unique_id == f"{kind}:{id_}":
                return subentry
        raise _Gone

    def _group_data(self) -> Mapping[str, Any]:
        """Return what is kept of the group that the issue is about."""
        if self._subject == ROOT_GROUP_ID:
            return self.entry.data
        return self._subentry(SUBENTRY_GROUP, self._subject).data

    def _change_group(self, **changes: Any) -> RepairsFlowResult:
        data = {**self._group_data(), **changes}
        if self._subject == ROOT_GROUP_ID:
            self.hass.config_entries.async_update_entry(self.entry, data=data)
        else:
            self._change(self._subentry(SUBENTRY_GROUP, self._subject), data)
        return self.async_create_entry(data={})

    def _change(self, subentry: ConfigSubentry, data: Mapping[str, Any]) -> None:
        self.hass.config_entries.async_update_subentry(self.entry, subentry, data=dict(data))


_COMPANIONS = {
    CONF_HEARTBEAT: selector.EntitySelector(),
    CONF_BATTERY: sensors_selector(SensorDeviceClass.POWER),
    CONF_VOLTAGES: sensors_selector(SensorDeviceClass.VOLTAGE, multiple=True),
}
"""What tells something besides the sensors, if the user has named it."""
_FIELD_OF_ERROR = {
    "sensor_without_heartbeat": CONF_HEARTBEAT,
    "sensor_no_battery": CONF_BATTERY,
    "sensor_no_voltage": CONF_VOLTAGES,
    "sensor_other_voltage": CONF_VOLTAGES,
}


class ChooseSensorsFlow(_FormFlow):
    """Lets other sensors measure a group, in the same way as before."""

    step_id = "sensors"

    async def async_step_sensors(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Take over the sensors."""
        return await self._async_form(user_input)

    async def _async_answer(self, user_input: dict[str, Any] | None) -> RepairsFlowResult:
        supply = self._group_data()[CONF_SUPPLY]
        kind, phases = SupplyKind(supply[CONF_KIND]), site_phases(self.entry)
        if kind is SupplyKind.NONE:
            raise _Gone
        before = supply_suggestions(kind, supply)
        advanced = dict(before[CONF_ADVANCED])
        companions = {key: advanced.pop(key) for key in _COMPANIONS if key in advanced}
        errors: Errors = {}
        if user_input is not None:
            advanced |= {key: user_input[key] for key in companions if key in user_input}
            chosen = {**before, **user_input, CONF_ADVANCED: advanced}
            changed, errors = read_supply_input(self.hass, kind, phases, chosen)
            if not errors:
                return self._change_group(**{CONF_SUPPLY: changed})
            if (error := errors.pop(CONF_ADVANCED, None)) is not None:
                errors[_FIELD_OF_ERROR[error]] = error
        fields: dict[vol.Marker, Any] = {
            vol.Required(name): sensor_selector(kind) for name in sensor_names(kind, phases)
        }
        fields |= {vol.Optional(key): _COMPANIONS[key] for key in companions}
        suggested = {**before, **companions} if user_input is None else user_input
        return self._show(fields, suggested, errors)


class ChooseGroupFlow(_FormFlow):
    """Puts a charger or a group whose group is gone into another one."""

    step_id = "group"

    async def async_step_group(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Take over the group."""
        return await self._async_form(user_input)

    async def _async_answer(self, user_input: dict[str, Any] | None) -> RepairsFlowResult:
        kind, _, id_ = self._subject.partition(":")
        subentry = self._subentry(kind, id_)
        if kind == SUBENTRY_CHARGER:
            field, groups = CONF_GROUP, group_names(self.entry)
        else:
            field, groups = CONF_PARENT, possible_parents(self.entry, group_id_of(subentry))
        if user_input is not None:
            self._change(subentry, {**subentry.data, field: user_input[CONF_GROUP]})
            return self.async_create_entry(data={})
        fields = {vol.Required(CONF_GROUP, default=ROOT_GROUP_ID): select(groups, CONF_GROUP)}
        return self._show(fields, {}, {})


class MendScheduleFlow(_FormFlow):
    """Mends a schedule that means nothing; without a text the group goes without."""

    step_id = "schedule"

    async def async_step_schedule(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Take over the schedule."""
        return await self._async_form(user_input)

    async def _async_answer(self, user_input: dict[str, Any] | None) -> RepairsFlowResult:
        advanced = dict(self._group_data().get(CONF_ADVANCED, {}))
        text = str(advanced.pop(CONF_SCHEDULE, ""))
        errors: Errors = {}
        wrong: Mapping[str, str] = {}
        if user_input is not None:
            text = user_input.get(CONF_SCHEDULE, "")
            try:
                if text.strip():
                    parse_schedule(text)
                    advanced[CONF_SCHEDULE] = text
                return self._change_group(**{CONF_ADVANCED: advanced})
            except ScheduleTextError as error:
                errors = {CONF_SCHEDULE: f"schedule_{error.key}"}
                wrong = place_of(error)
        multiline = selector.TextSelector(selector.TextSelectorConfig(multiline=True))
        fields = {vol.Optional(CONF_SCHEDULE): multiline}
        return self._show(fields, {CONF_SCHEDULE: text}, errors, **wrong)


class ProveFallbackFlow(_FormFlow):
    """Begins to prove what a charger does without Home Assistant."""

    step_id = "charger"

    async def async_step_charger(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Begin the proof of the charger that was chosen."""
        return await self._async_form(user_input)

    async def _async_answer(self, user_input: dict[str, Any] | None) -> RepairsFlowResult:
        coordinator = self.entry.runtime_data
        errors: Errors = {}
        if user_input is not None:
            try:
                await coordinator.site.prove_fallback(user_input[ATTR_CHARGER])
            except ProofRefused as error:
                errors = {ATTR_CHARGER: error.refusal}
            except StorageError:
                return self.async_abort(reason="storage_failing")
            else:
                # It is mended only once the proof has been seen to hold.
                return self.async_abort(reason="proof_begun")
        snapshot = coordinator.snapshot
        unproven = () if snapshot.dark_budget is None else snapshot.dark_budget.unproven
        chargers = {
            identity: charger.name
            for identity, charger in snapshot.chargers.items()
            if identity in unproven
        }
        if not chargers:
            return self.async_abort(reason="nothing_to_prove")
        choice = select(chargers, ATTR_CHARGER)
        fields = {vol.Required(ATTR_CHARGER, default=next(iter(chargers))): choice}
        chosen = chargers.get((user_input or {}).get(ATTR_CHARGER, ""), "")
        return self._show(fields, user_input or {}, errors, charger=chosen)
