"""As much of HTTP as a charger speaks to load a firmware down or a log up."""

import asyncio
import ssl
from urllib.parse import urlsplit

_TIMEOUT_S = 30.0
_DEFAULT_PORTS = {"http": 80, "https": 443}


async def request(method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request and return the status and the body of its answer.

    Raises OSError or TimeoutError where there is none, ValueError for what is no answer or URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or parts.hostname is None:
        raise ValueError(f"not an HTTP URL: {url}")
    async with asyncio.timeout(_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(
            parts.hostname,
            parts.port or _DEFAULT_PORTS[parts.scheme],
            ssl=_context() if parts.scheme == "https" else None,
        )
        try:
            writer.write(_head(method, parts.netloc, parts.path or "/", body) + (body or b""))
            await writer.drain()
            return _answer(await reader.read())
        finally:
            writer.close()


def _head(method: str, host: str, path: str, body: bytes | None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode()


def _answer(received: bytes) -> tuple[int, bytes]:
    head, _, body = received.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("no HTTP answer")
    return int(words[1]), body


def _context() -> ssl.SSLContext:
    """Trust anybody, as chargers do that nobody gave a root to."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
