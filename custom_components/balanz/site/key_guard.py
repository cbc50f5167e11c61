"""The private keys of a running site, and who copies its folder."""

import asyncio
import logging
from collections.abc import Callable

from ..csms.certificate_authority import CertificateAuthority
from ..csms.server import CentralSystem

_LOGGER = logging.getLogger(__name__)


class KeyGuard:
    """Keeps keys that are under lock out of copies; open connections and new ones go on."""

    def __init__(self, *, central: CentralSystem, authority: CertificateAuthority | None) -> None:
        """Withhold nothing yet; without an authority there is nothing to withhold."""
        self._central = central
        self._authority = authority
        self._turn = asyncio.Lock()

    async def protect(self) -> str:
        """Put the root's key under lock, and return the code that opens it after a restore.

        Raises LookupError where the site has no root of its own, KeysLocked, OSError, or
        ValueError if its key cannot be read.
        """
        if self._authority is None:
            raise LookupError("the site has no root of its own")
        async with self._turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, self._authority.lock.put)

    async def withhold(self) -> None:
        """Have no key on disk that is under lock, until they are given back. Raises OSError."""
        if self._authority is not None:
            await self._change(self._authority.lock.withhold, away=True)

    async def give_back(self) -> None:
        """Have the keys on disk again. Raises OSError."""
        if self._authority is not None:
            await self._change(self._authority.lock.give_back, away=False)

    async def stop(self) -> None:
        """Have the keys on disk for the next start, if the disk takes them."""
        try:
            await self.give_back()
        except OSError:
            _LOGGER.exception("The private keys cannot be put back; the recovery code opens them")

    async def _change(self, change: Callable[[], None], *, away: bool) -> None:
        async with self._turn:
            tls = self._central.tls
            if tls is not None and away:
                tls.paused = True
            await asyncio.get_running_loop().run_in_executor(None, change)
            if tls is not None and not away:
                tls.paused = False
