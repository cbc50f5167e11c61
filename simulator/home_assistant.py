"""A real Home Assistant in a process of its own, for the demo, the tests and the benchmarks."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from .home_assistant_client import HomeAssistantClient

REPOSITORY = Path(__file__).resolve().parents[1]
HASS = REPOSITORY / ".venv-ha/bin/hass"
INTEGRATION = REPOSITORY / "custom_components/balanz"

# Home Assistant's `default_config` wants the internet, and listens on every address.
_CONFIGURATION = """\
homeassistant:
  name: {name}
  latitude: 52.37
  longitude: 4.89
  elevation: 0
  unit_system: metric
  currency: EUR
  country: NL
  time_zone: Europe/Amsterdam
frontend:
config:
energy:
history:
logbook:
recorder:
automation: !include automations.yaml
script: !include scripts.yaml
scene: !include scenes.yaml
input_boolean:
input_number:
logger:
  default: warning
  logs:
    custom_components.balanz: info
"""

# Home Assistant takes `http:` of configuration.yaml as a trial, which it reverts by a restart
# unless an administrator confirms it. What is stored needs no trial.
_HTTP_DEFAULTS = {
    "cors_allowed_origins": [],
    "login_attempts_threshold": -1,
    "ip_ban_enabled": True,
    "ssl_profile": "intermediate_v6",
    "use_x_frame_options": True,
    "created_at": "2026-01-01T00:00:00+00:00",
    "error": None,
    "error_message": None,
}
# The steps besides the owner's account start integrations that want the internet.
_SKIPPED_ONBOARDING_STEPS = ["core_config", "analytics", "integration"]

# The first start of an environment installs and compiles requirements.
_START_LIMIT_S = 600
_STOP_LIMIT_S = 30


class HomeAssistantFailed(Exception):
    """Home Assistant did not start, or ended by itself; the text has the end of its log."""


class HassProcess:
    """Home Assistant on 127.0.0.1 with balanz at hand; an asynchronous context manager.

    The folder `config` may be empty or left by an earlier run. It can be stopped and started again.
    """

    def __init__(
        self,
        config: Path,
        port: int,
        *,
        name: str = "Home",
        user: str = "demo",
        password: str = "demo",
        extra_configuration: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; `environment` is what its process has besides the one of this process."""
        self.config = config
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.user = user
        self.password = password
        self._configuration = _CONFIGURATION.format(name=name) + extra_configuration
        self._environment = environment or {}
        self._process: asyncio.subprocess.Process | None = None
        self._client: HomeAssistantClient | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def running(self) -> bool:
        """Whether there is somebody to talk to."""
        return self._client is not None

    @property
    def client(self) -> HomeAssistantClient:
        """The owner's client, while Home Assistant runs."""
        assert self._client is not None, "Home Assistant is not running"
        return self._client

    async def start(self) -> None:
        """Start, log in, and wait until all is set up; HomeAssistantFailed if that fails."""
        if not HASS.exists():
            raise HomeAssistantFailed(f"no {HASS}; run script/bootstrap home-assistant")
        if not _is_free(self.port):
            raise HomeAssistantFailed(f"port {self.port} of 127.0.0.1 is in use")
        self._prepare_config()
        with self._log_path.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(HASS, "--config", self.config, "--log-no-color"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
                # Ctrl-C in a terminal is for the program that started it, which then stops it.
                start_new_session=True,
            )
        self._client = HomeAssistantClient(self.url)
        try:
            await self._wait_until_running()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop in an orderly way; by force if it takes too long."""
        await self._hang_up()
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(_STOP_LIMIT_S):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()
        self._process = None

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        await self._hang_up()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        self._process = None

    def log(self) -> str:
        """Return all that Home Assistant has printed since its last start."""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def _log_path(self) -> Path:
        return self.config / "console.log"

    async def _hang_up(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _wait_until_running(self) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        while not await self.client.answers():
            await self._pause(deadline)
        await self.client.log_in(self.user, self.password)
        while (await self.client.request("GET", "/api/config"))["state"] != "RUNNING":
            await self._pause(deadline)

    async def _pause(self, deadline: float) -> None:
        assert self._process is not None
        trouble = None
        if self._process.returncode is not None:
            trouble = f"Home Assistant ended with status {self._process.returncode}"
        elif time.monotonic() > deadline:
            trouble = f"Home Assistant was not up after {_START_LIMIT_S} s"
        if trouble:
            raise HomeAssistantFailed(f"{trouble}:\n{self.log()[-4000:]}")
        await asyncio.sleep(0.1)

    def _prepare_config(self) -> None:
        components = self.config / "custom_components"
        components.mkdir(parents=True, exist_ok=True)
        link = components / INTEGRATION.name
        if link.is_symlink():
            link.unlink()  # It may lead to a checkout that is gone.
        if not link.exists():
            link.symlink_to(INTEGRATION)
        (self.config / "configuration.yaml").write_text(self._configuration, encoding="utf-8")
        for editable, empty in (("automations", "[]"), ("scripts", "{}"), ("scenes", "[]")):
            path = self.config / f"{editable}.yaml"
            if not path.exists():
                path.write_text(f"{empty}\n", encoding="utf-8")
        listen = {"server_host": ["127.0.0.1"], "server_port": self.port}
        self._store(
            "http",
            3,
            {"stable": listen | _HTTP_DEFAULTS, "pending": None, "yaml_migration_done": True},
        )
        if not (self.config / ".storage/onboarding").exists():
            self._store("onboarding", 4, {"done": _SKIPPED_ONBOARDING_STEPS})

    def _store(self, key: str, version: int, data: dict[str, Any]) -> None:
        storage = self.config / ".storage"
        storage.mkdir(exist_ok=True)
        content = {"version": version, "minor_version": 1, "key": key, "data": data}
        (storage / key).write_text(json.dumps(content, indent=2), encoding="utf-8")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As Home Assistant does, so that connections that are still closing do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
