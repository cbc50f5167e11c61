"""Config entries and subentries, read as the settings of a site."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.util import dt as dt_util

from .balancing.group import DEFAULT_POWER_FACTOR, Group
from .balancing.model import ROOT_GROUP_ID
from .balancing.phases import ALL_PHASES, Phase, PhaseMap
from .balancing.policies import Policy
from .balancing.schedule import Schedule
from .balancing.schedule_text import ScheduleTextError, parse_schedule
from .balancing.surplus import SurplusMode
from .balancing.tuning import Tuning
from .behaviour_form import quirk_choice
from .const import (
    CONF_ADVANCED,
    CONF_ALLOW_INTERNET,
    CONF_ANSWER_TAGS_WITHIN_S,
    CONF_CHARGER_ENTITIES,
    CONF_CONNECTORS,
    CONF_DETAILS,
    CONF_FALLBACK_A,
    CONF_FREE_CHARGING,
    CONF_GROUP,
    CONF_HOLIDAYS,
    CONF_IDENTITY,
    CONF_KEEPS_LIMIT,
    CONF_LAPSES,
    CONF_MAXIMUM_A,
    CONF_MINIMUM_A,
    CONF_OFFLINE_A,
    CONF_PARENT,
    CONF_PHASE_MAP,
    CONF_PHASES,
    CONF_POLICY,
    CONF_POWER_FACTOR,
    CONF_POWER_LIMIT_KW,
    CONF_POWER_SWITCH,
    CONF_PRIORITY,
    CONF_RAISE_SPACING_S,
    CONF_RATING_A,
    CONF_SCHEDULE,
    CONF_SECURITY,
    CONF_SHARE_A,
    CONF_SHORT_LEASE,
    CONF_SHORT_TURN_MIN,
    CONF_SOCKETS_PER_ADDRESS,
    CONF_SUPPLY,
    CONF_SURPLUS,
    CONF_TAGS,
    CONF_TURN_MIN,
    CONF_UNBALANCE_A,
    CONF_UNKNOWN_TAGS,
    CONF_WEIGHT,
    CONF_WRITES_PER_DAY,
    POLICY_INHERIT,
    POWER_FACTOR_BEFORE,
    SUBENTRY_CHARGER,
    SUBENTRY_GROUP,
)
from .csms.authorization import DEFAULT_ANSWER_WITHIN_S, UnknownTags
from .csms.security_profile import SecurityProfile
from .entity_choice import EntityChoice
from .schedule_input import dates_in, place_of
from .site.settings import ChargerSettings, SiteSettings
from .supply import Supply
from .tls_sources import TlsSource, tls_source
from .upstream_form import read_upstream


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
    unreadable: Mapping[str, Mapping[str, str]]
    """The wrong words of schedules that mean nothing, by group id; the groups go without."""
    power_switches: Mapping[str, str]
    """The entities that cut the power of chargers, by charger identity."""
    tls: Mapping[str, Any]
    """Where certificates come from, as it is kept; only a restart of the site takes it over."""
    entities: EntityChoice
    """Its kinds are those of chargers; groups have all."""


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


def charger_names(entry: ConfigEntry) -> list[str]:
    """Return the names of all chargers."""
    return [subentry.title for subentry in entry.get_subentries_of_type(SUBENTRY_CHARGER)]


def read_entry(entry: ConfigEntry) -> EntrySettings:
    """Read a config entry. What hangs in a group that is gone hangs in the root group."""
    phases = site_phases(entry)
    supplies = {ROOT_GROUP_ID: _supply(entry.data, phases)}
    subentry_ids: dict[str, str] = {}
    rehomed: dict[str, str] = {}
    names = group_names(entry)
    parent_ids = _parent_ids(entry)
    groups = [_group(ROOT_GROUP_ID, entry.title, None, entry.data, supplies[ROOT_GROUP_ID])]
    for subentry in entry.get_subentries_of_type(SUBENTRY_GROUP):
        group_id = group_id_of(subentry)
        subentry_ids[f"{SUBENTRY_GROUP}:{group_id}"] = subentry.subentry_id
        supplies[group_id] = _supply(subentry.data, phases)
        parent_id = parent_ids[group_id]
        if parent_id != subentry.data[CONF_PARENT]:
            rehomed[f"{SUBENTRY_GROUP}:{group_id}"] = subentry.title
        groups.append(
            _group(group_id, subentry.title, parent_id, subentry.data, supplies[group_id])
        )
    data_of_groups = dict(_groups(entry))
    chargers = []
    for subentry in entry.get_subentries_of_type(SUBENTRY_CHARGER):
        identity, group_id = subentry.data[CONF_IDENTITY], subentry.data[CONF_GROUP]
        subentry_ids[f"{SUBENTRY_CHARGER}:{identity}"] = subentry.subentry_id
        if group_id not in names:
            rehomed[f"{SUBENTRY_CHARGER}:{identity}"] = subentry.title
            group_id = ROOT_GROUP_ID
        above = _above(group_id, parent_ids, data_of_groups)
        chargers.append(_charger(subentry, group_id, above))
    schedules, unreadable = _schedules(entry)
    tags = entry.options.get(CONF_TAGS, {})
    advanced = entry.options.get(CONF_ADVANCED, {})
    return EntrySettings(
        site=SiteSettings(
            host=entry.data[CONF_HOST],
            port=entry.data[CONF_PORT],
            groups=tuple(groups),
            chargers=tuple(chargers),
            schedules=schedules,
            time_zone=dt_util.get_default_time_zone(),
            holidays=dates_in(entry.options.get(CONF_HOLIDAYS, ""))[0],
            unbalance_a=entry.options.get(CONF_UNBALANCE_A),
            tuning=_tuning(advanced),
            unknown_tags=UnknownTags(tags.get(CONF_UNKNOWN_TAGS, UnknownTags.AUTOMATIC)),
            answer_tags_within_s=tags.get(CONF_ANSWER_TAGS_WITHIN_S, DEFAULT_ANSWER_WITHIN_S),
            allows_internet=entry.data.get(CONF_SECURITY, {}).get(CONF_ALLOW_INTERNET, False),
            sockets_per_address=advanced.get(CONF_SOCKETS_PER_ADDRESS),
        ),
        supplies=supplies,
        subentry_ids=subentry_ids,
        rehomed=rehomed,
        unreadable=unreadable,
        power_switches={
            subentry.data[CONF_IDENTITY]: entity_id
            for subentry in entry.get_subentries_of_type(SUBENTRY_CHARGER)
            if (entity_id := subentry.data[CONF_ADVANCED].get(CONF_POWER_SWITCH))
        },
        tls=_tls(entry.data),
        entities=EntityChoice(
            details=entry.options.get(CONF_DETAILS, True),
            kinds=frozenset(entry.options.get(CONF_CHARGER_ENTITIES, ())) or None,
        ),
    )


def _tls(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return where certificates come from; the same, nothing, in all ways to say that none do."""
    if tls_source(data) is TlsSource.NONE:
        return {}
    return {
        name: value for name, value in data[CONF_SECURITY].items() if name != CONF_ALLOW_INTERNET
    }


def possible_parents(entry: ConfigEntry, group_id: str) -> dict[str, str]:
    """Return the names of all groups by id that do not lie in this one."""
    parents = {group.id: group.parent_id for group in read_entry(entry).site.groups}
    inside = {group_id}
    # Each round finds the groups one level further down.
    while (
        deeper := {group_id for group_id, parent_id in parents.items() if parent_id in inside}
        - inside
    ):
        inside |= deeper
    return {
        group_id: name for group_id, name in group_names(entry).items() if group_id not in inside
    }


def groups_above(entry: ConfigEntry, group_id: str) -> list[Mapping[str, Any]]:
    """Return the data of a group and of those above it, the nearest first.

    For a group that is gone, those of the site.
    """
    data_of_groups = dict(_groups(entry))
    known_id = group_id if group_id in data_of_groups else ROOT_GROUP_ID
    return list(_above(known_id, _parent_ids(entry), data_of_groups))


def _charger(
    subentry: ConfigSubentry, group_id: str, groups: Iterable[Mapping[str, Any]]
) -> ChargerSettings:
    """Read a charger subentry in a group, given the data of the groups from there upwards."""
    data = subentry.data
    advanced = data[CONF_ADVANCED]
    return ChargerSettings(
        identity=data[CONF_IDENTITY],
        name=subentry.title,
        group_id=group_id,
        rating_a=data[CONF_RATING_A],
        phases=int(data[CONF_PHASES]),
        phase_map=PhaseMap(data[CONF_PHASE_MAP]),
        maximum_a=data[CONF_MAXIMUM_A],
        minimum_a=data[CONF_MINIMUM_A],
        fallback_a=advanced[CONF_FALLBACK_A],
        priority=int(data[CONF_PRIORITY]),
        weight=advanced.get(CONF_WEIGHT, 1.0),
        keeps_limit=advanced[CONF_KEEPS_LIMIT],
        lapses=advanced.get(CONF_LAPSES, False),
        short_lease=advanced.get(CONF_SHORT_LEASE, False),
        offline_a=advanced.get(CONF_OFFLINE_A),
        connectors=int(data[CONF_CONNECTORS]),
        has_power_switch=bool(advanced.get(CONF_POWER_SWITCH)),
        quirks=quirk_choice(advanced),
        free_charging=advanced.get(CONF_FREE_CHARGING, False),
        security=security_of(data),
        upstream=read_upstream(data, groups),
    )


def security_of(data: Mapping[str, Any]) -> SecurityProfile:
    """Return what a charger's data asks of it; those from before it could be set are open."""
    name = data.get(CONF_SECURITY, SecurityProfile.OPEN.name)
    return SecurityProfile[name.upper()]


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


def _above(
    group_id: str, parent_ids: Mapping[str, str], data_of_groups: Mapping[str, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    yield data_of_groups[group_id]
    while group_id != ROOT_GROUP_ID:
        group_id = parent_ids[group_id]
        yield data_of_groups[group_id]


def _supply(data: Mapping[str, Any], phases: tuple[Phase, ...]) -> Supply:
    return Supply.from_data(
        data[CONF_SUPPLY],
        phases,
        power_factor=data.get(CONF_ADVANCED, {}).get(CONF_POWER_FACTOR, POWER_FACTOR_BEFORE),
    )


def _schedules(
    entry: ConfigEntry,
) -> tuple[dict[str, Schedule], dict[str, dict[str, str]]]:
    """Return the schedules of groups, and what is wrong with those that cannot be read."""
    schedules: dict[str, Schedule] = {}
    unreadable: dict[str, dict[str, str]] = {}
    for group_id, data in _groups(entry):
        text = data.get(CONF_ADVANCED, {}).get(CONF_SCHEDULE)
        if text is None:
            continue
        try:
            schedules[group_id] = parse_schedule(text)
        except ScheduleTextError as error:
            unreadable[group_id] = place_of(error)
    return schedules, unreadable


def _groups(entry: ConfigEntry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield ROOT_GROUP_ID, entry.data
    for subentry in entry.get_subentries_of_type(SUBENTRY_GROUP):
        yield group_id_of(subentry), subentry.data


def _tuning(advanced: Mapping[str, Any]) -> Tuning:
    default = Tuning()
    return Tuning(
        turn_s=advanced.get(CONF_TURN_MIN, default.turn_s / 60) * 60,
        short_turn_s=advanced.get(CONF_SHORT_TURN_MIN, default.short_turn_s / 60) * 60,
        raise_spacing_s=advanced.get(CONF_RAISE_SPACING_S, default.raise_spacing_s),
        writes_per_day=int(advanced.get(CONF_WRITES_PER_DAY, default.writes_per_day)),
    )


def _policy(name: str) -> Policy | None:
    return None if name == POLICY_INHERIT else Policy(name)


def _group(
    group_id: str, name: str, parent_id: str | None, data: Mapping[str, Any], supply: Supply
) -> Group:
    advanced = data.get(CONF_ADVANCED, {})
    limit_kw = advanced.get(CONF_POWER_LIMIT_KW)
    return Group(
        id=group_id,
        name=name,
        parent_id=parent_id,
        rating_a=data[CONF_RATING_A],
        phases=supply.phases,
        metered=supply.metered,
        other_loads_a=_other_loads_a(data, supply),
        meter_lost_after_s=supply.lost_after_s,
        margin_a=supply.margin_a,
        power_limit_w=None if limit_kw is None else limit_kw * 1000,
        power_factor=advanced.get(CONF_POWER_FACTOR, DEFAULT_POWER_FACTOR),
        policy=_policy(advanced.get(CONF_POLICY, POLICY_INHERIT)),
        share_a=advanced.get(CONF_SHARE_A),
        surplus=SurplusMode(advanced.get(CONF_SURPLUS, SurplusMode.IGNORE)),
    )


def _other_loads_a(data: Mapping[str, Any], supply: Supply) -> float:
    if not supply.metered:
        return supply.other_loads_a
    # Unless the user knows better, a group whose sensors are lost is taken to be full.
    rating_a: float = data[CONF_RATING_A]
    return rating_a if supply.lost_load_a is None else supply.lost_load_a
