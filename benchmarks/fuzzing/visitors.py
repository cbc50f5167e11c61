"""Chargers that connect, say what chance puts into their mouths, and leave."""

import asyncio
import json
from contextlib import suppress
from itertools import cycle
from random import Random

from .bare_socket import TEXT, BareSocket, frame
from .central_thread import CentralThread
from .mutator import Mutator
from .visit import Visit

FRAMES_PER_VISIT = 60
ODD_FRAMES = 0.03
"""How many frames are wrong as frames already."""
ANSWER_S = 0.05
"""How long to wait for the answer to a handshake that may never get one."""


class Visitors:
    """What they have sent, and what came of it."""

    def __init__(self, central: CentralThread, identities: list[str], seed: int) -> None:
        self.frames = 0
        self.handshakes = 0
        self.state_changes_from_refused = 0
        self.unserved = 0
        """How often a good call was not answered in time."""
        self._central = central
        self._identities = identities
        self._turns = cycle(identities)
        self._seed = seed

    async def come(self, visit: Visit) -> None:
        """Visit, as the charger whose turn it is. The visit alone decides what is sent."""
        random = Random(f"{self._seed} {visit.number} {visit.talks}")
        # A socket that is refused before it is read, is.
        with self._central.presence.of(visit), suppress(OSError):
            if visit.talks:
                await self._talk(next(self._turns), visit.number, random)
            else:
                await self._shake_hands(random)

    async def behave(self, identity: str) -> None:
        """Be a good charger among bad ones, until cancelled."""
        socket = await BareSocket.open(self._central.port, "127.0.0.1")
        talk = _Talk(socket, Random(self._seed))
        try:
            await socket.upgrade(identity)
            while True:
                await talk.say_well("good")
                if await talk.served("good") is None:
                    self.unserved += 1
                    return
                await asyncio.sleep(0.2)
        finally:
            await socket.close()

    async def _shake_hands(self, random: Random) -> None:
        """Try one bad handshake, from one of many addresses: a penalty keeps nobody else away."""
        address = f"127.0.{random.randrange(1, 200)}.{random.randrange(1, 200)}"
        socket = await BareSocket.open(self._central.port, address)
        self.handshakes += 1
        await socket.send(Mutator(random).request(random.choice(self._identities)))
        await socket.head(ANSWER_S)
        await socket.close()

    async def _talk(self, identity: str, number: int, random: Random) -> None:
        """Send bad frames until the central system has enough of them."""
        socket = await BareSocket.open(self._central.port, self._home_of(identity))
        self.handshakes += 1
        talk = _Talk(socket, random)
        if await socket.upgrade(identity):
            for turn in range(FRAMES_PER_VISIT):
                before = self._central.state(identity)
                await talk.say_badly(f"bad-{number}-{turn}")
                await talk.say_well(f"sentinel-{number}-{turn}")
                served = await talk.served(f"sentinel-{number}-{turn}")
                if not served and self._central.state(identity) != before:
                    self.state_changes_from_refused += 1
                if served is None:
                    break
        self.frames += talk.frames
        self.unserved += talk.unserved
        await socket.close()

    def _home_of(self, identity: str) -> str:
        """Return the address of a charger: it is known by the one that it came from first."""
        number = self._identities.index(identity)
        return f"127.1.{number // 250}.{number % 250 + 1}"


class _Talk:
    """What is said on one connection."""

    def __init__(self, socket: BareSocket, random: Random) -> None:
        self.frames = 0
        """How many bad ones were sent."""
        self.unserved = 0
        self._socket = socket
        self._random = random
        self._mutator = Mutator(random)

    async def say_badly(self, message_id: str) -> None:
        """Send a frame that is most likely wrong."""
        self.frames += 1
        await self._socket.send(self._odd_frame(message_id))

    async def say_well(self, message_id: str) -> None:
        """Send a good call."""
        await self._socket.send(frame(TEXT, f'[2,"{message_id}","Heartbeat",{{}}]'.encode()))

    async def served(self, good: str) -> bool | None:
        """Answer calls badly until the good call is answered.

        Return whether another call was served meanwhile; None if the connection has ended.
        """
        served = False
        while True:
            try:
                message = await self._socket.message()
            except TimeoutError:
                self.unserved += 1
                return None
            if message is None:
                return None
            kind, message_id, *_ = json.loads(message)
            if kind == 2:
                self.frames += 1
                answer = self._mutator.answer(message_id).encode("utf-8", "replace")
                await self._socket.send(frame(TEXT, answer))
            elif message_id == good:
                return served
            elif kind == 3:
                served = True

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
