"""Chargers that connect, say what chance puts into their mouths, and leave."""

import asyncio
import json
from random import Random

from .bare_socket import TEXT, BareSocket, frame
from .central_thread import CentralThread
from .mutator import Mutator

FRAMES_PER_VISIT = 60
ODD_FRAMES = 0.03
"""How many frames are wrong as frames already."""
ANSWER_S = 0.05
"""How long to wait for the answer to a handshake that may never get one."""


class Visitors:
    """What they have sent, and what came of it."""

    def __init__(self, central: CentralThread, identities: list[str], random: Random) -> None:
        self.frames = 0
        self.handshakes = 0
        self.state_changes_from_refused = 0
        self.unserved = 0
        """How often a good call was not answered in time."""
        self._central = central
        self._identities = identities
        self._random = random
        self._mutator = Mutator(random)

    async def shake_hands(self) -> None:
        """Try one bad handshake."""
        socket = await BareSocket.open(self._central.port, self._anywhere())
        self.handshakes += 1
        await socket.send(self._mutator.request(self._random.choice(self._identities)))
        await socket.head(ANSWER_S)
        await socket.close()

    async def talk(self, identity: str) -> None:
        """Send bad frames until the central system has enough of them."""
        socket = await BareSocket.open(self._central.port, self._home_of(identity))
        self.handshakes += 1
        if await socket.upgrade(identity):
            for _ in range(FRAMES_PER_VISIT):
                if not await self._say(socket, identity):
                    break
        await socket.close()

    async def behave(self, identity: str) -> None:
        """Be a good charger among bad ones, until cancelled."""
        socket = await BareSocket.open(self._central.port, "127.0.0.1")
        try:
            await socket.upgrade(identity)
            while True:
                await socket.send(frame(TEXT, b'[2,"good","Heartbeat",{}]'))
                if await self._served(socket, "good") is None:
                    self.unserved += 1
                    return
                await asyncio.sleep(0.2)
        finally:
            await socket.close()

    async def _say(self, socket: BareSocket, identity: str) -> bool:
        """Send something bad, and then something good; return whether the line still stands."""
        before = self._central.state(identity)
        self.frames += 1
        sentinel = f"sentinel-{self.frames}"
        await socket.send(self._odd_frame(f"bad-{self.frames}"))
        await socket.send(frame(TEXT, f'[2,"{sentinel}","Heartbeat",{{}}]'.encode()))
        served = await self._served(socket, sentinel)
        if not served and self._central.state(identity) != before:
            self.state_changes_from_refused += 1
        return served is not None

    def _odd_frame(self, message_id: str) -> bytes:
        text = self._mutator.call(message_id).encode("utf-8", "replace")
        if self._random.random() > ODD_FRAMES:
            return frame(TEXT, text)
        return frame(
            self._random.randrange(16),
            text[: self._random.choice((0, 5, 100, 200_000))],
            fin=self._random.random() < 0.5,
            rsv=self._random.choice((0, 0, 1, 2, 4)),
        )

    async def _served(self, socket: BareSocket, sentinel: str) -> bool | None:
        """Answer calls badly until the good call is answered.

        Return whether another call was served meanwhile; None if the connection has ended.
        """
        served = False
        while True:
            try:
                message = await socket.message()
            except TimeoutError:
                self.unserved += 1
                return None
            if message is None:
                return None
            kind, message_id, *_ = json.loads(message)
            if kind == 2:
                self.frames += 1
                answer = self._mutator.answer(message_id).encode("utf-8", "replace")
                await socket.send(frame(TEXT, answer))
            elif message_id == sentinel:
                return served
            elif kind == 3:
                served = True

    def _home_of(self, identity: str) -> str:
        """Return the address of a charger: it is known by the one that it came from first."""
        number = self._identities.index(identity)
        return f"127.1.{number // 250}.{number % 250 + 1}"

    def _anywhere(self) -> str:
        """Return one of many addresses, so that a penalty keeps nobody else away."""
        return f"127.0.{self._random.randrange(1, 200)}.{self._random.randrange(1, 200)}"
