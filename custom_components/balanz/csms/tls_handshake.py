"""A TLS handshake on a connection that was looked at before."""

import asyncio
import logging
import ssl

MAX_TOLD = 32
"""Failed handshakes that are told of; more are those of somebody who wants to fill the log."""
TOLD_AGAIN_S = 3600.0

_LOGGER = logging.getLogger(__name__)


class Failures:
    """Tells the log of handshakes that failed: what failed from where, each once an hour.

    Nobody has said yet who it is, so that this is all there is to tell of a charger that does not
    trust the certificate, or whose own is not trusted.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}

    def note(self, address: str, error: OSError, now: float) -> None:
        """Learn that there is no connection. Who merely hangs up or is slow is no news."""
        if not isinstance(error, ssl.SSLError):
            return
        self._told = {it: at for it, at in self._told.items() if at > now - TOLD_AGAIN_S}
        told = getattr(error, "verify_message", None) or getattr(error, "reason", None)
        reason = (told or "no reason given").lower().replace("_", " ")
        if (address, reason) not in self._told and len(self._told) < MAX_TOLD:
            self._told[(address, reason)] = now
            _LOGGER.warning("%s could not connect encrypted: %s", address, reason)


class Early(asyncio.Protocol):
    """Keeps what comes right behind a handshake, until somebody takes the connection over."""

    def __init__(self) -> None:
        self.is_lost = False
        self._data = bytearray()
        self._has_ended = False

    def data_received(self, data: bytes) -> None:
        """Keep what was read."""
        self._data += data

    def eof_received(self) -> None:
        """Remember that nothing more will come."""
        self._has_ended = True

    def connection_lost(self, _exc: Exception | None) -> None:
        """Remember that the peer has gone."""
        self.is_lost = True

    def replay(self, protocol: asyncio.Protocol) -> None:
        """Give what has come to who has taken the connection over."""
        if self._data:
            protocol.data_received(bytes(self._data))
        if self._has_ended:
            protocol.eof_received()


async def shake_hands(
    transport: asyncio.Transport, context: ssl.SSLContext, *, timeout_s: float
) -> tuple[asyncio.Transport, Early]:
    """Return the encrypted connection, and what was read of it already.

    Raises OSError, which errors of TLS are as well, where there will be none.
    """
    early = Early()
    encrypted = await asyncio.get_running_loop().start_tls(
        transport, early, context, server_side=True, ssl_handshake_timeout=timeout_s
    )
    if encrypted is None or early.is_lost:
        raise ConnectionResetError("the peer has gone")
    return encrypted, early
