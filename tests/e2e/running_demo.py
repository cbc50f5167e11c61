"""The demo in a process of its own."""

import asyncio
import sys

from simulator.home_assistant import REPOSITORY, free_port


class RunningDemo:
    """A demo that has been started, and what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url
        self.output = ""

    @classmethod
    async def start(cls, *options: str) -> RunningDemo:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simulator.demo", "--headless", "--port", str(port)),
            *("--ocpp-port", str(free_port()), *options),
            cwd=REPOSITORY,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(process, f"http://127.0.0.1:{port}")

    async def read_until(self, text: str) -> None:
        """Wait until the demo has printed this."""
        assert self._process.stdout is not None
        while text not in self.output:
            line = await self._process.stdout.readline()
            assert line, f"the demo ended without {text!r}:\n{self.output}"
            self.output += line.decode()

    async def end(self) -> int:
        """Wait for the end; return the exit status."""
        assert self._process.stdout is not None
        self.output += (await self._process.stdout.read()).decode()
        return await self._process.wait()
