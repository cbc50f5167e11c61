"""How a charger behaves, as far as the user knows better: fields, and what they mean."""

from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol

from .const import (
    AUTOMATIC,
    CONF_BEHAVES_LIKE,
    CONF_LIMIT_FORM,
    CONF_LIMIT_UNIT,
    CONF_METER_VALUES,
    CONF_OFFLINE_KEY,
    CONF_PAUSE,
)
from .csms.capabilities import RateUnit
from .csms.profile_forms import Purpose
from .csms.quirk_table import QUIRK_ROWS
from .csms.quirks import STANDARD, QuirkChoice
from .selectors import select

_UNITS: Final = {"amperes": RateUnit.AMPERE, "watts": RateUnit.WATT}
_PURPOSES: Final = {
    "tx_default": Purpose.TX_DEFAULT,
    "tx": Purpose.TX,
    "charge_point_max": Purpose.CHARGE_POINT_MAX,
}
_PAUSES_AT_ZERO: Final = {"zero": True, "minimum": False}
_METER_VALUES: Final = ("export_is_import", "energy_in_kwh", "power_in_kw", "tenths_of_amperes")
"""What may differ in them, but for what follows from how a charger is wired."""
_LONGEST_KEY: Final = 50
"""What OCPP 1.6 allows for the name of a configuration key (CiString50Type)."""


def behaviour_fields() -> dict[vol.Marker, Any]:
    """Return the fields; each of them finds out by itself unless the user says otherwise."""
    choices: dict[str, list[str]] = {
        CONF_BEHAVES_LIKE: [AUTOMATIC, STANDARD, *(row.id for row in QUIRK_ROWS)],
        CONF_LIMIT_UNIT: [AUTOMATIC, *_UNITS],
        CONF_LIMIT_FORM: [AUTOMATIC, *_PURPOSES],
        CONF_PAUSE: [AUTOMATIC, *_PAUSES_AT_ZERO],
    }
    fields: dict[vol.Marker, Any] = {
        vol.Required(name, default=AUTOMATIC): select(options, name)
        for name, options in choices.items()
    }
    any_of = select(list(_METER_VALUES), CONF_METER_VALUES, multiple=True)
    return fields | {vol.Optional(CONF_METER_VALUES): any_of}


def is_key(text: str) -> bool:
    """Return whether a text can be the name of a configuration key; none at all may be, too."""
    return len(text.strip()) <= _LONGEST_KEY and text.strip().isprintable()


def quirk_choice(advanced: Mapping[str, Any]) -> QuirkChoice:
    """Read what was chosen; chargers from before these fields have chosen nothing."""
    behaves_like = advanced.get(CONF_BEHAVES_LIKE, AUTOMATIC)
    return QuirkChoice(
        behaves_like=None if behaves_like == AUTOMATIC else behaves_like,
        rate_unit=_UNITS.get(advanced.get(CONF_LIMIT_UNIT, AUTOMATIC)),
        purpose=_PURPOSES.get(advanced.get(CONF_LIMIT_FORM, AUTOMATIC)),
        pauses_at_zero=_PAUSES_AT_ZERO.get(advanced.get(CONF_PAUSE, AUTOMATIC)),
        meter=tuple(it for it in _METER_VALUES if it in advanced.get(CONF_METER_VALUES, ())),
        offline_key=(advanced.get(CONF_OFFLINE_KEY) or "").strip() or None,
    )
