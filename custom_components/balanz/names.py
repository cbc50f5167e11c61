"""Names that users give to sites, groups and chargers: told apart, and fit to be shown."""

from collections.abc import Iterable

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_NAME

from .const import SUBENTRY_CHARGER
from .entry_settings import group_names
from .forms import Errors

LONGEST_NAME = 100


def name_errors(name: str, taken: Iterable[str] = ()) -> Errors:
    """Return what is wrong with a name, at its field; case and blanks around it do not count."""
    plain = name.strip()
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        return {CONF_NAME: "name_invalid"}
    if plain.casefold() in {other.strip().casefold() for other in taken}:
        return {CONF_NAME: "name_taken"}
    return {}


def other_chargers(entry: ConfigEntry, name: str = "") -> list[str]:
    """Return the names of a site's chargers but the one that has this name now."""
    names = [one.title for one in entry.get_subentries_of_type(SUBENTRY_CHARGER)]
    return [other for other in names if other != name]


def other_groups(entry: ConfigEntry, name: str = "") -> list[str]:
    """Return the names of a site and its groups but the one that has this name now."""
    return [other for other in group_names(entry).values() if other != name]
