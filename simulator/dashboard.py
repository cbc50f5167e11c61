"""An overview of a balanz site, made of Home Assistant's own cards."""

from collections.abc import Sequence
from typing import Any

from .entities import SiteEntities
from .home_assistant_client import HomeAssistantClient

type Card = dict[str, Any]

URL_PATH = "balanz-charging"
"""Where in the frontend it is."""


async def save_overview(
    client: HomeAssistantClient,
    entities: SiteEntities,
    group_id: str,
    identities: Sequence[str],
) -> None:
    """Make it a dashboard of its own in the sidebar."""
    known = await client.command("lovelace/dashboards/list")
    if not any(dashboard["url_path"] == URL_PATH for dashboard in known):
        await client.command(
            "lovelace/dashboards/create",
            url_path=URL_PATH,
            title="Charging",
            icon="mdi:ev-station",
            show_in_sidebar=True,
        )
    sections = [
        _section("My home", _group_cards(entities, "root")),
        _section("Garage", _group_cards(entities, group_id)),
        *(
            _section(f"Charger {number}", _charger_cards(entities, identity))
            for number, identity in enumerate(identities, start=1)
        ),
    ]
    view = {"title": "Charging", "type": "sections", "max_columns": 3, "sections": sections}
    await client.command(
        "lovelace/config/save", url_path=URL_PATH, config={"title": "Charging", "views": [view]}
    )


def _section(title: str, cards: list[Card]) -> Card:
    return {"type": "grid", "cards": [{"type": "heading", "heading": title}, *cards]}


def _group_cards(entities: SiteEntities, group_id: str) -> list[Card]:
    capacity = entities.entity_id("number", f"_{group_id}_capacity")
    available = entities.entity_id("sensor", f"_{group_id}_available")
    allocated = entities.entity_id("sensor", f"_{group_id}_allocated")
    return [
        {
            **_tile(capacity, "Capacity", columns=12),
            "features": [{"type": "numeric-input", "style": "buttons"}],
        },
        _tile(available, "Available"),
        _tile(allocated, "Allocated"),
        {
            "type": "history-graph",
            "hours_to_show": 0.1,
            "entities": [
                {"entity": available, "name": "Available"},
                {"entity": allocated, "name": "Allocated"},
            ],
            "grid_options": {"columns": 12},
        },
    ]


def _charger_cards(entities: SiteEntities, identity: str) -> list[Card]:
    return [
        _tile(entities.of_charger("sensor", identity, "limit_commanded"), "Limit"),
        _tile(entities.of_charger("sensor", identity, "power"), "Power"),
        _tile(entities.of_charger("sensor", identity, "reason"), "Reason", columns=12),
        _tile(entities.of_charger("sensor", identity, "status"), "Status"),
        _tile(entities.of_charger("sensor", identity, "session_energy"), "Session"),
        _tile(entities.of_charger("switch", identity, "charging_allowed"), "Charging", columns=12),
        *(_upstream_cards(entities, identity) if entities.has_upstream(identity) else ()),
    ]


def _upstream_cards(entities: SiteEntities, identity: str) -> list[Card]:
    ending = f"_charger_{identity}_upstream"
    return [
        _tile(entities.entity_id("binary_sensor", f"{ending}_connected"), "Back office"),
        _tile(entities.entity_id("sensor", f"{ending}_queue"), "To be told"),
        _tile(entities.of_charger("sensor", identity, "upstream_limit"), "It allows", columns=12),
    ]


def _tile(entity_id: str, name: str, *, columns: int = 6) -> Card:
    return {
        "type": "tile",
        "entity": entity_id,
        "name": name,
        "grid_options": {"columns": columns},
    }
