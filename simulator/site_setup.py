"""Setting balanz up as a user would: through the forms of its config flows."""

import asyncio
import time
from typing import Any

from .grid_meter import CURRENT_SENSORS
from .home_assistant_client import Flow, HomeAssistantClient

DOMAIN = "balanz"
DISCOVERY_LIMIT_S = 60.0

type Json = dict[str, Any]


class SetupFailed(Exception):
    """A form was refused; the text has what it said."""


class SiteSetup:
    """One balanz site in a running Home Assistant."""

    def __init__(self, client: HomeAssistantClient, entry_id: str) -> None:
        """Stand for an entry that exists."""
        self._client = client
        self.entry_id = entry_id

    @classmethod
    async def find(cls, client: HomeAssistantClient) -> SiteSetup | None:
        """Return the site that an earlier run has set up; None where there is none."""
        entries: list[Json] = await client.command("config_entries/get", domain=DOMAIN)
        return cls(client, entries[0]["entry_id"]) if entries else None

    @classmethod
    async def add(
        cls,
        client: HomeAssistantClient,
        *,
        name: str,
        port: int,
        main_fuse_a: float,
        security: Json | None = None,
    ) -> SiteSetup:
        """Add a three-phase site that is measured by the simulated grid meter."""
        flow = await client.config_flow(DOMAIN)
        await flow.submit(
            {
                "name": name,
                "host": "127.0.0.1",
                "port": port,
                "rating_a": main_fuse_a,
                "phases": "3",
                **({} if security is None else {"security": security}),
            }
        )
        await _submit_supply(flow)
        return cls(client, flow.step["result"]["entry_id"])

    async def add_group(self, *, name: str, rating_a: float) -> str:
        """Add a group that feeds chargers only; return its id."""
        flow = await self._client.subentry_flow(self.entry_id, "group")
        await flow.submit({"name": name, "parent": "root", "rating_a": rating_a})
        await flow.submit({"next_step_id": "supply_none"})
        await flow.submit({"other_loads_a": 0, "feeds_chargers_only": True})
        _expect(flow, "create_entry")
        return await self.group_id(name)

    async def group_id(self, name: str) -> str:
        """Return the id of the group with this name. Raises SetupFailed if there is none."""
        for subentry in await self._client.command(
            "config_entries/subentries/list", entry_id=self.entry_id
        ):
            if subentry["subentry_type"] == "group" and subentry["title"] == name:
                unique_id: str = subentry["unique_id"]
                return unique_id.removeprefix("group:")
        raise SetupFailed(f"no group {name!r}")

    async def add_charger(self, form: Json) -> Json:
        """Add a charger by hand that has a password; return what its form shows this once."""
        flow = await self._client.subentry_flow(self.entry_id, "charger")
        await flow.submit({**form, "security": "tls_password"})
        if flow.step.get("step_id") != "password":
            raise SetupFailed(str(flow.step))
        shown: Json = flow.step["description_placeholders"]
        await flow.submit({})
        _expect(flow, "create_entry")
        return shown

    async def confirm(self, identity: str, form: Json) -> None:
        """Confirm a charger that dialled in, once it has been discovered."""
        deadline = time.monotonic() + DISCOVERY_LIMIT_S
        while (flow_id := await self._discovery(identity)) is None:
            if time.monotonic() > deadline:
                raise SetupFailed(f"{identity} was not discovered")
            await asyncio.sleep(0.2)
        flow = await self._client.resume_flow(flow_id)
        await flow.submit(form)
        if flow.step.get("reason") != "charger_added":
            raise SetupFailed(str(flow.step))

    async def _discovery(self, identity: str) -> str | None:
        for flow in await self._client.discovered(DOMAIN):
            title = flow["context"].get("title_placeholders", {}).get("name", "")
            if title.split(" (")[0] == identity:
                flow_id: str = flow["flow_id"]
                return flow_id
        return None


def charger_form(
    *,
    name: str,
    group_id: str,
    rating_a: float,
    phases: int,
    phase_map: str,
    fallback_a: float = 6,
    upstream_url: str | None = None,
) -> Json:
    """Return what a user fills in for a charger, the rest as suggested."""
    upstream = {"url": upstream_url, "unknown_tags_offline": "refuse"}
    return {
        "name": name,
        "group": group_id,
        "rating_a": rating_a,
        "phases": str(phases),
        "phase_map": phase_map,
        "minimum_a": 6,
        "priority": 1,
        "connectors": 1,
        "advanced": {"fallback_a": fallback_a, "keeps_limit": False},
        **({} if upstream_url is None else {"upstream": upstream}),
    }


async def _submit_supply(flow: Flow) -> None:
    await flow.submit({"next_step_id": "supply_current"})
    sensors = dict(zip(("l1", "l2", "l3"), CURRENT_SENSORS, strict=True))
    await flow.submit(
        {
            **sensors,
            "direction": "import_positive",
            "advanced": {"margin_a": 1, "max_age_s": 60},
        }
    )
    _expect(flow, "create_entry")


def _expect(flow: Flow, kind: str) -> None:
    if flow.step["type"] != kind:
        raise SetupFailed(str(flow.step))
