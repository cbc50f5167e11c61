"""Names that users give to sites, groups and chargers."""

from collections.abc import Iterable

from homeassistant.const import CONF_NAME

LONGEST_NAME = 100


def is_name(text: str) -> bool:
    """Return whether a text can be shown on one line as the name of a device."""
    stripped = text.strip()
    return 0 < len(stripped) <= LONGEST_NAME and stripped.isprintable()


def name_errors(name: str, others: Iterable[str] = (), *, old: str | None = None) -> dict[str, str]:
    """Return the translation key of what is wrong with a name, by its field.

    `others` are the names that nothing else may have; whatever is called `old` may stay so.
    """
    if not is_name(name):
        return {CONF_NAME: "name_invalid"}
    taken = {other.strip().casefold() for other in others}
    if name != old and name.strip().casefold() in taken:
        return {CONF_NAME: "name_taken"}
    return {}
