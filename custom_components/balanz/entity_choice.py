"""Which of the entities that a device could have it is to have."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity, EntityDescription

from .const import DOMAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityChoice:
    """What the user has chosen."""

    details: bool = True
    """Whether those that are disabled at first are there to be enabled."""
    kinds: frozenset[str] | None = None
    """Only these are there, whatever is said of details; None for all."""


def kind_of(platform: Platform, description: EntityDescription) -> str:
    """Return what an entity of a charger is called in a choice."""
    return f"{platform}.{description.key}"


@callback
def chosen_entities(
    hass: HomeAssistant, choice: EntityChoice, platform: Platform, entities: Iterable[Entity]
) -> Iterator[Entity]:
    """Yield the entities that are to be there; the registry forgets the others.

    Each entry of the registry takes memory and a line in Home Assistant's lists, whether its entity
    is enabled or not.
    """
    registry = er.async_get(hass)
    for entity in entities:
        if _is_chosen(choice, platform, entity):
            yield entity
            continue
        assert entity.unique_id is not None
        entity_id = registry.async_get_entity_id(platform, DOMAIN, entity.unique_id)
        if entity_id is None:
            continue
        if choice.kinds is None and not registry.entities[entity_id].disabled:
            # A detail that the user has enabled.
            yield entity
        else:
            registry.async_remove(entity_id)


def _is_chosen(choice: EntityChoice, platform: Platform, entity: Entity) -> bool:
    if choice.kinds is not None:
        return kind_of(platform, entity.entity_description) in choice.kinds
    return choice.details or entity.entity_registry_enabled_default
