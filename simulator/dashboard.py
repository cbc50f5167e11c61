"""An overview of a balanz site, made of Home Assistant's own cards."""

from collections.abc import Sequence
from typing import Any

from .entities import SiteEntities
from .home_assistant_client import HomeAssistantClient

type Card = dict[str, Any]


async def save_overview(
    client: HomeAssistantClient,
    entities: SiteEntities,
    group_id: str,
    identities: Sequence[str],
) -> None:
    """Make it the default dashboard."""
    sections = [
        _section("My home", _group_cards(entities, "root")),
        _section("Garage", _group_cards(entities, group_id)),
        *(
            _section(f"Charger {identity}", _charger_cards(entities, identity))
            for identity in identities
        ),
    ]
    view = {"title": "Charging", "type": "sections", "max_columns": 3, "sections": sections}
    await client.command("lovelace/config/save", config={"title": "Home", "views": [view]})


def _section(title: str, cards: list[Card]) -> Card:
    return {"type": "grid", "cards": [{"type": "heading", "heading": title}, *cards]}


def _group_cards(entities: SiteEntities, group_id: str) -> list[Card]:
    sensors = [
        entities.entity_id("sensor", f"_{group_id}_{key}")
        for key in ("available", "allocated", "booked")
    ]
    return [
        {
            "type": "tile",
            "entity": entities.entity_id("number", f"_{group_id}_capacity"),
            "features": [{"type": "numeric-input", "style": "buttons"}],
            "grid_options": {"columns": 12},
        },
        *(_tile(sensor) for sensor in sensors),
        {
            "type": "history-graph",
            "hours_to_show": 0.1,
            "entities": [{"entity": sensor} for sensor in sensors],
            "grid_options": {"columns": 12},
        },
    ]


def _charger_cards(entities: SiteEntities, identity: str) -> list[Card]:
    return [
        _tile(entities.of_charger("switch", identity, "charging_allowed")),
        *(
            _tile(entities.of_charger("sensor", identity, key))
            for key in ("status", "limit_commanded", "reason", "power", "session_energy")
        ),
    ]


def _tile(entity_id: str) -> Card:
    return {"type": "tile", "entity": entity_id, "grid_options": {"columns": 6}}
