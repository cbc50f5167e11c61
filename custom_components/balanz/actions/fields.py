"""What users may write into the fields of actions that balance: currents, powers, durations."""

from collections.abc import Mapping
from datetime import timedelta
from math import isfinite
from typing import Any

import voluptuous as vol
from homeassistant.const import (
    ATTR_AREA_ID,
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    ATTR_FLOOR_ID,
    ATTR_LABEL_ID,
)
from homeassistant.helpers import config_validation as cv

TARGET_KEYS = (ATTR_ENTITY_ID, ATTR_DEVICE_ID, ATTR_AREA_ID, ATTR_FLOOR_ID, ATTR_LABEL_ID)
LONGEST = timedelta(days=14)
"""Who means longer than that means to last."""


TARGET_FIELDS: dict[str | vol.Marker, Any] = cv.TARGET_FIELDS
"""Entities, devices, areas, floors and labels."""


def target_schema(fields: Mapping[vol.Marker, Any]) -> vol.Schema:
    """Return the schema of an action that has a target besides its fields."""
    all_fields: dict[Any, Any] = {**TARGET_FIELDS, **fields}
    return vol.Schema(vol.All(all_fields, cv.has_at_least_one_key(*TARGET_KEYS)))


def amount(value: Any) -> float:
    """Take a number that is not below 0; what is too much, the group or charger knows."""
    if isinstance(value, bool):
        raise vol.Invalid("this is no number")
    number: float = vol.Coerce(float)(value)
    if not isfinite(number) or number < 0:
        raise vol.Invalid("this is no number from 0 on")
    return number


def whole_number(value: Any) -> int:
    """Take a number without a fraction."""
    number = amount(value)
    if not number.is_integer():
        raise vol.Invalid("this is no whole number")
    return int(number)


def duration(value: Any) -> timedelta:
    """Take how long something is to last, in seconds, as hours:minutes:seconds or as parts."""
    if isinstance(value, bool):
        raise vol.Invalid("this is no duration")
    try:
        lasts: timedelta = cv.positive_time_period(value)
    except OverflowError as error:
        raise vol.Invalid("this is no duration") from error
    if not timedelta(seconds=1) <= lasts <= LONGEST:
        raise vol.Invalid(f"this is not between a second and {LONGEST.days} days")
    return lasts
