"""The steps in which a flow asks how a group's supply is measured."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult

from ..balancing.phases import Phase
from ..supply import SupplyKind
from .energy_dashboard import KnownSupply
from .forms import read_supply_input, supply_schema, supply_suggestions

SUPPLY_KEEP = "supply_keep"
SUPPLY_DASHBOARD = "supply_dashboard"


class SupplySteps[
    ContextT: FlowContext,
    ResultT: FlowResult[Any, Any],
    HandlerT,
](FlowHandler[ContextT, ResultT, HandlerT]):
    """A menu of the kinds of supply, and a form for each; for flows of entries and subentries."""

    _known_supply: KnownSupply | None = None

    @property
    @abstractmethod
    def supply_phases(self) -> tuple[Phase, ...]:
        """The phases that a supply has here."""

    @property
    @abstractmethod
    def old_supply(self) -> Mapping[str, Any] | None:
        """What was kept before, when something is reconfigured; else None."""

    @property
    def can_keep_supply(self) -> bool:
        """Whether what was kept before still fits."""
        return self.old_supply is not None

    async def async_known_supply(self) -> KnownSupply | None:
        """Return the sensors that are known to measure this already; None where none are."""
        return None

    @abstractmethod
    async def async_finish_supply(self, supply: Mapping[str, Any]) -> ResultT:
        """Go on with what the user said."""

    async def async_step_supply(self, _user_input: None = None) -> ResultT:
        """Ask what measures the supply."""
        # With one phase, its power is the total.
        offered = [
            kind
            for kind in SupplyKind
            if kind is not SupplyKind.TOTAL or len(self.supply_phases) > 1
        ]
        options = [f"supply_{kind}" for kind in offered]
        self._known_supply = await self.async_known_supply()
        if self._known_supply is not None:
            options.insert(0, SUPPLY_DASHBOARD)
        if self.can_keep_supply:
            options.insert(0, SUPPLY_KEEP)
        return self.async_show_menu(step_id="supply", menu_options=options)

    async def async_step_supply_keep(self, _user_input: None = None) -> ResultT:
        """Leave the supply as it is."""
        assert self.old_supply is not None
        return await self.async_finish_supply(self.old_supply)

    async def async_step_supply_dashboard(self, _user_input: None = None) -> ResultT:
        """Show the form that suits the sensors that are known, with them in it."""
        assert self._known_supply is not None
        return await self._async_supply_form(self._known_supply.kind, None)

    async def async_step_supply_current(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Ask for a current sensor per phase."""
        return await self._async_supply_form(SupplyKind.CURRENT, user_input)

    async def async_step_supply_power(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Ask for a power sensor per phase."""
        return await self._async_supply_form(SupplyKind.POWER, user_input)

    async def async_step_supply_import_export(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Ask for sensors of import and export per phase."""
        return await self._async_supply_form(SupplyKind.IMPORT_EXPORT, user_input)

    async def async_step_supply_total(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Ask for one power sensor for all phases."""
        return await self._async_supply_form(SupplyKind.TOTAL, user_input)

    async def async_step_supply_none(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Ask what to keep for other loads."""
        return await self._async_supply_form(SupplyKind.NONE, user_input)

    async def _async_supply_form(
        self, kind: SupplyKind, user_input: dict[str, Any] | None
    ) -> ResultT:
        errors: dict[str, str] = {}
        if user_input is not None:
            supply, errors = read_supply_input(self.hass, kind, self.supply_phases, user_input)
            if not errors:
                return await self.async_finish_supply(supply)
        return self.async_show_form(
            step_id=f"supply_{kind}",
            data_schema=self.add_suggested_values_to_schema(
                supply_schema(kind, self.supply_phases, errors),
                user_input or self._suggestions(kind),
            ),
            errors=errors,
        )

    def _suggestions(self, kind: SupplyKind) -> Mapping[str, Any]:
        """Return what a form starts with: what was kept before, else what is known."""
        known = self._known_supply
        before = supply_suggestions(kind, self.old_supply)
        return before or (known.suggested if known is not None and known.kind is kind else {})
