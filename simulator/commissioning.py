"""How the chargers of a demo get to know their site: found, or set up with passwords by hand."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .charger import SimulatedCharger
from .home_assistant_client import HomeAssistantClient
from .security import WITH_CERTIFICATE
from .site_setup import DOMAIN, SetupFailed, SiteSetup

MEMORY = "demo_chargers.json"
CERTIFICATE_LIMIT_S = 30.0
DEVICE_LIMIT_S = 30.0

type Json = dict[str, Any]


def site_security(tls_port: int) -> Json:
    """Return what the form of a site says of encryption with certificates of balanz's own."""
    return {"tls": "own", "tls_port": tls_port, "allow_internet": False}


class Discovered:
    """Chargers that dial in unknown, and are confirmed."""

    def __init__(self, chargers: Sequence[SimulatedCharger]) -> None:
        self._chargers = chargers

    async def set_up(self, site: SiteSetup, forms: Mapping[str, Json]) -> None:
        """Switch all on, and confirm each with its form."""
        await self.resume()
        for identity, form in forms.items():
            await site.confirm(identity, form)

    async def resume(self) -> None:
        """Switch all on, which the site knows from an earlier run."""
        await asyncio.gather(*(charger.start() for charger in self._chargers))


class Secured:
    """Chargers that come encrypted and with passwords, the last one with a certificate."""

    def __init__(
        self, client: HomeAssistantClient, config: Path, chargers: Sequence[SimulatedCharger]
    ) -> None:
        self._client = client
        self._memory = config / MEMORY
        self._chargers = chargers

    async def set_up(self, site: SiteSetup, forms: Mapping[str, Json]) -> None:
        """Add each by hand, and enter what its form shows; raise the last one's security."""
        for charger in self._chargers:
            form = {**forms[charger.identity], "identity": charger.identity}
            shown = await site.add_charger(form)
            root_pem = await asyncio.to_thread(Path(shown["root"]).read_text, encoding="utf-8")
            charger.station.security.commission(password=shown["password"], root_pem=root_pem)
        await asyncio.gather(*(charger.start() for charger in self._chargers))
        await self._certify(self._chargers[-1])
        self._save()

    async def resume(self) -> None:
        """Switch all on, with what they remember. Raises SetupFailed if that is nothing."""
        self._load()
        await asyncio.gather(*(charger.start() for charger in self._chargers))

    async def _certify(self, charger: SimulatedCharger) -> None:
        security = charger.station.security
        device = {"device_id": await self._device_id(charger.identity)}
        await self._until(lambda: charger.accepted, f"{charger.identity} is connected")
        await self._client.call_service(DOMAIN, "request_certificate", device)
        await self._until(lambda: security.has_certificate, f"{charger.identity} is certified")
        await self._client.call_service(
            DOMAIN, "raise_security_profile", {**device, "profile": "tls_certificate"}
        )
        await self._until(
            lambda: charger.accepted and security.profile == WITH_CERTIFICATE,
            f"{charger.identity} comes with its certificate",
        )

    def _save(self) -> None:
        """Write down what the chargers remember; nobody else may read it."""
        remembered = {it.identity: it.station.security.memory() for it in self._chargers}
        self._memory.touch(mode=0o600)
        self._memory.write_text(json.dumps(remembered), encoding="utf-8")

    def _load(self) -> None:
        """Have the chargers remember. Raises SetupFailed where some have never been set up."""
        try:
            remembered = json.loads(self._memory.read_text(encoding="utf-8"))
            for charger in self._chargers:
                charger.station.security.restore(remembered[charger.identity])
        except (OSError, KeyError, ValueError) as error:
            raise SetupFailed(
                f"{os.fspath(self._memory.parent)} was kept without these chargers' passwords"
            ) from error

    async def _device_id(self, identity: str) -> str:
        """Return the id of a charger's device, which is made a moment after it is set up."""
        deadline = time.monotonic() + DEVICE_LIMIT_S
        while True:
            for device in await self._client.command("config/device_registry/list"):
                names = (str(parts[-1]) for parts in device["identifiers"])
                if any(name.endswith(f"_charger_{identity}") for name in names):
                    device_id: str = device["id"]
                    return device_id
            if time.monotonic() > deadline:
                raise SetupFailed(f"no device of {identity}")
            await asyncio.sleep(0.1)

    async def _until(self, come_true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + CERTIFICATE_LIMIT_S
        while not come_true():
            if time.monotonic() > deadline:
                raise SetupFailed(f"not within {CERTIFICATE_LIMIT_S:g} s: {what}")
            await asyncio.sleep(0.1)
