"""Finding and reading the entities of a balanz site, as a dashboard does."""

import asyncio
from typing import Any

from .charger import SimulatedCharger
from .home_assistant_client import HomeAssistantClient

SETTLED_S = 1.5
"""After so long without a new entity, all are there: a busy Home Assistant adds them bit by bit."""


class SiteEntities:
    """The entities of one config entry, found by what their unique ids end with."""

    def __init__(self, client: HomeAssistantClient, entry_id: str) -> None:
        """Know none yet; see load."""
        self._client = client
        self._entry_id = entry_id
        self._entity_ids: dict[tuple[str, str], str] = {}

    async def load(self) -> None:
        """Read the entity registry, until nothing is added any more."""
        before: dict[tuple[str, str], str] | None = None
        self._entity_ids = await self._read()
        while self._entity_ids != before:
            before = self._entity_ids
            await asyncio.sleep(SETTLED_S)
            self._entity_ids = await self._read()

    async def _read(self) -> dict[tuple[str, str], str]:
        entries: list[dict[str, Any]] = await self._client.command("config/entity_registry/list")
        return {
            (entry["entity_id"].partition(".")[0], entry["unique_id"]): entry["entity_id"]
            for entry in entries
            if entry["config_entry_id"] == self._entry_id
        }

    def entity_id(self, domain: str, ending: str, *, not_containing: str | None = None) -> str:
        """Return the entity of a domain whose unique id has this ending.

        Raises KeyError if there is none.
        """
        for (its_domain, unique_id), entity_id in self._entity_ids.items():
            if its_domain != domain or not unique_id.endswith(ending):
                continue
            if not_containing is None or not_containing not in unique_id:
                return entity_id
        raise KeyError(f"{domain} {ending}")

    def of_charger(self, domain: str, identity: str, key: str) -> str:
        """Return an entity of a charger's only connector."""
        return self.entity_id(domain, f"_charger_{identity}_1_{key}")

    def has_upstream(self, identity: str) -> bool:
        """Return whether a charger belongs to a back office as well."""
        return any(
            unique_id.endswith(f"_charger_{identity}_upstream_connected")
            for _, unique_id in self._entity_ids
        )

    async def state_of(self, domain: str, ending: str) -> str:
        """Return the state of an entity. Raises KeyError if there is none."""
        return await self._state(self.entity_id(domain, ending))

    async def charger_line(self, charger: SimulatedCharger) -> str:
        """Return what a charger may draw, what it draws, and why, as Home Assistant shows it."""
        identity = charger.identity
        limit_a = await self._state(self.of_charger("sensor", identity, "limit_commanded"))
        status = await self._state(self.of_charger("sensor", identity, "status"))
        reason_id = self.of_charger("sensor", identity, "reason")
        # Whoever tries the demo may remove a charger in the UI.
        removed: dict[str, Any] = {"state": "removed", "attributes": {}}
        reason = await self._client.state(reason_id) or removed
        detail = " ".join(
            str(part)
            for part in (reason["attributes"].get("group"), reason["attributes"].get("phase"))
            if part
        )
        why = reason["state"] + (f" ({detail})" if detail else "")
        draws = "/".join(f"{current_a:.1f}" for current_a in charger.currents_a)
        return f"{identity}: may draw {limit_a:>4} A, draws {draws:>14} A, {status}, {why}"

    async def _state(self, entity_id: str) -> str:
        state = await self._client.state(entity_id)
        return "-" if state is None else str(state["state"])
