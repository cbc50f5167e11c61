"""What users may write into the fields of OCPP actions."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..const import ATTR_CONNECTOR_ID
from ..csms.charging_profile import ChargingProfile, ProfileError, parse_charging_profile
from ..csms.command_values import LocalListEntry, TagStatus

MAX_URL_LENGTH = 512
SCHEMES = ("ftp", "ftps", "http", "https", "sftp")
MOST_RETRIES = 100
MOST_SECONDS = 7 * 24 * 3600

ATTR_CHARGING_PROFILE = "charging_profile"
ATTR_EXPIRY_DATE = "expiry_date"
ATTR_FORCE = "force"
ATTR_ID_TAG = "id_tag"
ATTR_PARENT_ID_TAG = "parent_id_tag"
ATTR_STATUS = "status"

ID_TAG = vol.All(cv.string, vol.Length(min=1, max=20))
NUMBER = vol.All(vol.Coerce(int), vol.Range(min=-(2**31), max=2**31 - 1))
SECONDS = vol.All(vol.Coerce(int), vol.Range(min=0, max=MOST_SECONDS))
RETRIES = vol.All(vol.Coerce(int), vol.Range(min=0, max=MOST_RETRIES))
DEVICE: dict[vol.Marker, Any] = {vol.Required(ATTR_DEVICE_ID): cv.string}
CONNECTOR: dict[vol.Marker, Any] = {vol.Optional(ATTR_CONNECTOR_ID): cv.positive_int}


def short_text(most: int) -> Any:
    """Return what takes text of some length."""
    return vol.All(cv.string, vol.Length(min=1, max=most))


def moment(value: Any) -> datetime:
    """Take a time; without a zone it is that of Home Assistant."""
    try:
        return dt_util.as_utc(cv.datetime(value))
    except OverflowError as error:
        # The first and the last hours of all time have no name elsewhere.
        raise vol.Invalid("this is no date") from error


def location(value: Any) -> str:
    """Take a URL that a charger can load from or to."""
    url = cv.string(value).strip()
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise vol.Invalid("this is no URL") from error
    known = parts.scheme.lower() in SCHEMES and bool(parts.hostname)
    if not known or len(url) > MAX_URL_LENGTH or not url.isprintable() or " " in url:
        raise vol.Invalid(f"this is no URL that begins with {', '.join(SCHEMES)}")
    return url


def charging_profile(value: Any) -> ChargingProfile:
    """Take a charging profile in the words of OCPP 1.6."""
    try:
        return parse_charging_profile(value)
    except ProfileError as error:
        raise vol.Invalid(str(error)) from error


_LIST_ENTRY = vol.Schema(
    {
        vol.Required(ATTR_ID_TAG): ID_TAG,
        vol.Optional(ATTR_STATUS): vol.Coerce(TagStatus),
        vol.Optional(ATTR_PARENT_ID_TAG): ID_TAG,
        vol.Optional(ATTR_EXPIRY_DATE): moment,
    }
)


def local_list(value: Any) -> tuple[LocalListEntry, ...]:
    """Take a list of tags, each of them once."""
    entries = tuple(
        LocalListEntry(
            id_tag=entry[ATTR_ID_TAG],
            status=entry.get(ATTR_STATUS),
            parent_id_tag=entry.get(ATTR_PARENT_ID_TAG),
            expires_at=entry.get(ATTR_EXPIRY_DATE),
        )
        for entry in map(_LIST_ENTRY, cv.ensure_list(value))
    )
    if len({entry.id_tag for entry in entries}) < len(entries):
        raise vol.Invalid("a tag is listed twice")
    return entries
