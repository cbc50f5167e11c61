"""The options of a site: holidays, how lively it is controlled, tags, firmware, and imports."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers import selector

from ..balancing.model import MINIMUM_CURRENT_A
from ..balancing.tuning import Tuning
from ..charger_entities import async_charger_entity_names
from ..const import (
    CONF_ADVANCED,
    CONF_CHARGER_ENTITIES,
    CONF_DETAILS,
    CONF_HOLIDAYS,
    CONF_RAISE_SPACING_S,
    CONF_SHORT_TURN_MIN,
    CONF_SOCKETS_PER_ADDRESS,
    CONF_TAGS,
    CONF_TURN_MIN,
    CONF_UNBALANCE_A,
    CONF_WRITES_PER_DAY,
)
from ..schedule_input import dates_in, shortened
from ..selectors import HIGHEST_RATING_A, choice, current_selector, number_selector
from .firmware_options import FirmwareSteps
from .forms import Errors
from .ocpp_balanz_steps import OcppBalanzSteps
from .tag_options import TagSteps

_DEFAULT = Tuning()


def options_schema(charger_entities: Mapping[str, str], *, collapsed: bool = True) -> vol.Schema:
    """Return the form for the options, given the names of what chargers can have."""
    advanced: dict[vol.Marker, Any] = {
        vol.Required(CONF_TURN_MIN, default=_DEFAULT.turn_s / 60): number_selector(
            5, 240, unit=UnitOfTime.MINUTES
        ),
        vol.Required(CONF_SHORT_TURN_MIN, default=_DEFAULT.short_turn_s / 60): number_selector(
            1, 60, unit=UnitOfTime.MINUTES
        ),
        vol.Required(CONF_RAISE_SPACING_S, default=_DEFAULT.raise_spacing_s): number_selector(
            5, 600, unit=UnitOfTime.SECONDS
        ),
        vol.Required(CONF_WRITES_PER_DAY, default=_DEFAULT.writes_per_day): vol.All(
            number_selector(20, 5000), vol.Coerce(int)
        ),
        vol.Optional(CONF_SOCKETS_PER_ADDRESS): vol.All(
            number_selector(2, 10_000), vol.Coerce(int)
        ),
    }
    return vol.Schema(
        {
            vol.Optional(CONF_UNBALANCE_A): current_selector(
                HIGHEST_RATING_A, lowest_a=MINIMUM_CURRENT_A
            ),
            vol.Optional(CONF_HOLIDAYS): selector.TextSelector(
                selector.TextSelectorConfig(multiline=True)
            ),
            vol.Required(CONF_DETAILS, default=True): selector.BooleanSelector(),
            vol.Optional(CONF_CHARGER_ENTITIES): choice(charger_entities, multiple=True),
            vol.Required(CONF_ADVANCED): section(vol.Schema(advanced), {"collapsed": collapsed}),
        }
    )


class SiteOptionsFlow(TagSteps, FirmwareSteps, OcppBalanzSteps):
    """Changes the options of a site; they are applied at once."""

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what there is to change."""
        return self.async_show_menu(
            step_id="init", menu_options=["general", "tags", "firmware", "ocpp_balanz"]
        )

    async def async_step_general(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for all that is not about tags."""
        errors: Errors = {}
        wrong: tuple[str, ...] = ()
        if user_input is not None:
            errors, wrong = _errors(user_input)
            if not errors:
                tags = self.config_entry.options.get(CONF_TAGS)
                kept = {} if tags is None else {CONF_TAGS: tags}
                return self.async_create_entry(data={**user_input, **kept})
        names = await async_charger_entity_names(self.hass)
        return self.async_show_form(
            step_id="general",
            data_schema=self.add_suggested_values_to_schema(
                options_schema(names, collapsed=CONF_ADVANCED not in errors),
                user_input or self.config_entry.options,
            ),
            errors=errors,
            description_placeholders={"wrong": shortened(", ".join(wrong))},
        )


def _errors(user_input: Mapping[str, Any]) -> tuple[Errors, tuple[str, ...]]:
    errors: Errors = {}
    _, wrong = dates_in(user_input.get(CONF_HOLIDAYS, ""))
    if wrong:
        errors[CONF_HOLIDAYS] = "not_a_date"
    advanced = user_input[CONF_ADVANCED]
    if advanced[CONF_SHORT_TURN_MIN] > advanced[CONF_TURN_MIN]:
        errors[CONF_ADVANCED] = "short_turn_too_long"
    return errors, wrong
