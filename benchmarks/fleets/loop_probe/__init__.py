"""Tells, from inside a Home Assistant, what it costs and how late its event loop is."""

import asyncio
import time
from array import array
from pathlib import Path

import voluptuous as vol
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers.typing import ConfigType

DOMAIN = "loop_probe"
TICK_S = 0.01
CONFIG_SCHEMA = vol.Schema({DOMAIN: vol.Any(None, {})}, extra=vol.ALLOW_EXTRA)


class Probe:
    """Wakes up at each tick, and notes how late. A tick that was slept through counts as well."""

    def __init__(self) -> None:
        self._worked_s = time.thread_time()
        self._loop = asyncio.get_running_loop()
        self._due_at = self._loop.time() + TICK_S
        self._delays_s = array("d")
        self._own_delays_s = array("d")
        self._loop.call_at(self._due_at, self._wake)

    def take(self) -> tuple[list[float], list[float]]:
        """Return all delays since the last time, s, and what of each was spent working."""
        taken = sorted(self._delays_s), sorted(self._own_delays_s)
        self._delays_s, self._own_delays_s = array("d"), array("d")
        return taken

    def _wake(self) -> None:
        now, worked_s = self._loop.time(), time.thread_time()
        while self._due_at <= now:
            delay_s = now - self._due_at
            self._delays_s.append(delay_s)
            self._own_delays_s.append(min(delay_s, worked_s - self._worked_s))
            self._due_at += TICK_S
        self._worked_s = worked_s
        self._loop.call_at(self._due_at, self._wake)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Begin to watch."""
    probe = Probe()

    @callback
    def read(_call: ServiceCall) -> ServiceResponse:
        memory_mib = _memory_mib()
        delays_s, own_delays_s = probe.take()
        return {
            "at_s": time.monotonic(),
            "cpu_s": time.process_time(),
            "memory_mib": memory_mib,
            "loop_delay_p99_ms": _p99_ms(delays_s),
            "own_delay_p99_ms": _p99_ms(own_delays_s),
        }

    hass.services.async_register(DOMAIN, "read", read, supports_response=SupportsResponse.ONLY)
    return True


def _p99_ms(delays_s: list[float]) -> float:
    return 1000 * delays_s[int(0.99 * len(delays_s))] if delays_s else 0.0


def _memory_mib() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no memory is told")
