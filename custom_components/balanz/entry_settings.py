"""Config entries and subentries, read as the settings of a site."""

from collections.abc import Mapping
from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PORT

from .balancing.model import ROOT_GROUP_ID, Group
from .balancing.phases import ALL_PHASES, Phase, PhaseMap
from .const import (
    CONF_ADVANCED,
    CONF_CONNECTORS,
    CONF_FALLBACK_A,
    CONF_GROUP,
    CONF_IDENTITY,
    CONF_KEEPS_LIMIT,
    CONF_MAXIMUM_A,
    CONF_MINIMUM_A,
    CONF_PARENT,
    CONF_PHASE_MAP,
    CONF_PHASES,
    CONF_PRIORITY,
    CONF_RATING_A,
    CONF_SUPPLY,
    SUBENTRY_CHARGER,
    SUBENTRY_GROUP,
)
from .site.settings import ChargerSettings, SiteSettings
from .supply import Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySettings:
    """Everything that a config entry says at one moment.

    Home Assistant changes subentries in place, so only a copy can tell what has changed.
    """

    site: SiteSettings
    supplies: Mapping[str, Supply]
    """By group id."""
    subentry_ids: Mapping[str, str]
    """By group id, prefixed with `group:`, or charger identity, prefixed with `charger:`."""
    rehomed: Mapping[str, str]
    """Names of groups and chargers whose own group is gone, by the same prefixed ids."""


def site_phases(entry: ConfigEntry) -> tuple[Phase, ...]:
    """Return the phases of the site's grid connection."""
    return ALL_PHASES[: int(entry.data[CONF_PHASES])]


def group_id_of(subentry: ConfigSubentry) -> str:
    """Return the id of the group behind a group subentry; it outlives renaming."""
    return str(subentry.unique_id).removeprefix(f"{SUBENTRY_GROUP}:")


def group_names(entry: ConfigEntry) -> dict[str, str]:
    """Return the names of all groups by id, the root first."""
    names = {ROOT_GROUP_ID: entry.title}
    for subentry in entry.get_subentries_of_type(SUBENTRY_GROUP):
        names[group_id_of(subentry)] = subentry.title
    return names


def read_entry(entry: ConfigEntry) -> EntrySettings:
    """Read a config entry. What hangs in a group that is gone hangs in the root group."""
    phases = site_phases(entry)
    supplies = {ROOT_GROUP_ID: Supply.from_data(entry.data[CONF_SUPPLY], phases)}
    subentry_ids: dict[str, str] = {}
    rehomed: dict[str, str] = {}
    names = group_names(entry)
    parent_ids = _parent_ids(entry)
    groups = [_group(ROOT_GROUP_ID, entry.title, None, entry.data, supplies[ROOT_GROUP_ID])]
    for subentry in entry.get_subentries_of_type(SUBENTRY_GROUP):
        group_id = group_id_of(subentry)
        subentry_ids[f"{SUBENTRY_GROUP}:{group_id}"] = subentry.subentry_id
        supplies[group_id] = Supply.from_data(subentry.data[CONF_SUPPLY], phases)
        parent_id = parent_ids[group_id]
        if parent_id != subentry.data[CONF_PARENT]:
            rehomed[f"{SUBENTRY_GROUP}:{group_id}"] = subentry.title
        groups.append(
            _group(group_id, subentry.title, parent_id, subentry.data, supplies[group_id])
        )
    chargers = []
    for subentry in entry.get_subentries_of_type(SUBENTRY_CHARGER):
        charger = charger_settings(subentry)
        subentry_ids[f"{SUBENTRY_CHARGER}:{charger.identity}"] = subentry.subentry_id
        if charger.group_id not in names:
            rehomed[f"{SUBENTRY_CHARGER}:{charger.identity}"] = charger.name
            charger = charger_settings(subentry, group_id=ROOT_GROUP_ID)
        chargers.append(charger)
    return EntrySettings(
        site=SiteSettings(
            host=entry.data[CONF_HOST],
            port=entry.data[CONF_PORT],
            groups=tuple(groups),
            chargers=tuple(chargers),
        ),
        supplies=supplies,
        subentry_ids=subentry_ids,
        rehomed=rehomed,
    )


def charger_settings(subentry: ConfigSubentry, *, group_id: str | None = None) -> ChargerSettings:
    """Read a charger subentry, optionally as if it hung in another group."""
    data = subentry.data
    advanced = data[CONF_ADVANCED]
    return ChargerSettings(
        identity=data[CONF_IDENTITY],
        name=subentry.title,
        group_id=data[CONF_GROUP] if group_id is None else group_id,
        rating_a=data[CONF_RATING_A],
        phases=int(data[CONF_PHASES]),
        phase_map=PhaseMap(data[CONF_PHASE_MAP]),
        maximum_a=data[CONF_MAXIMUM_A],
        minimum_a=data[CONF_MINIMUM_A],
        fallback_a=advanced[CONF_FALLBACK_A],
        priority=int(data[CONF_PRIORITY]),
        keeps_limit=advanced[CONF_KEEPS_LIMIT],
        connectors=int(data[CONF_CONNECTORS]),
    )


def _parent_ids(entry: ConfigEntry) -> dict[str, str]:
    """Return every group's parent; the root where it is gone or would close a circle."""
    parent_ids: dict[str, str] = {
        group_id_of(subentry): subentry.data[CONF_PARENT]
        for subentry in entry.get_subentries_of_type(SUBENTRY_GROUP)
    }
    for group_id in parent_ids:
        seen = {group_id}
        current = group_id
        while (parent_id := parent_ids[current]) != ROOT_GROUP_ID:
            if parent_id not in parent_ids or parent_id in seen:
                parent_ids[current] = ROOT_GROUP_ID
                break
            seen.add(parent_id)
            current = parent_id
    return parent_ids


def _group(
    group_id: str, name: str, parent_id: str | None, data: Mapping[str, float], supply: Supply
) -> Group:
    return Group(
        id=group_id,
        name=name,
        parent_id=parent_id,
        rating_a=data[CONF_RATING_A],
        phases=supply.phases,
        metered=supply.metered,
        # While its sensors tell nothing, a metered group is taken to be full.
        other_loads_a=data[CONF_RATING_A] if supply.metered else supply.other_loads_a,
        margin_a=supply.margin_a,
    )
