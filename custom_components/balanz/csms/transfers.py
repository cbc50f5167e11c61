"""Files that chargers load up and down at the port where they are served, by one-time URLs.

Whoever knows a URL may use it; it cannot be guessed, is meant for one file, and expires.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from secrets import token_urlsafe

from .multipart import boundary_of, unwrap

MARK = "transfers"
"""The part of a path before the token of a transfer."""
MAX_HEAD_BYTES = 8 * 1024
MAX_UPLOAD_BYTES = 100 * 1024 * 1024
MAX_TRANSFERS = 8
"""So many run at once; who comes later is told to come again."""
HEAD_TIMEOUT_S = 10.0
IDLE_TIMEOUT_S = 60.0
"""A peer that sends or takes nothing for so long has gone."""
TRANSFER_TIMEOUT_S = 3600.0
LIFETIME_S = 6 * 3600.0
"""A URL that was not used by then is void."""
CHUNK_BYTES = 64 * 1024
_PATH = re.compile(rf"/(?:[^/?#\s]+/)*{MARK}/([A-Za-z0-9_-]{{32}})(?:/([^/?#\s]*))?(?:\?\S*)?")
_REQUEST_LINE = re.compile(rb"[A-Z]{1,20} (/\S*) HTTP/1\.[01]\r?\n")
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[^\r\n]*)?\r\n")

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadGrant:
    """Leave for one charger to load one file up."""

    token: str
    identity: str
    part: Path
    """Where it is while it is not complete."""
    name: Callable[[Path, str], Path]
    """Called in a thread when it is, with the charger's name for it; moves it where it belongs."""
    on_stored: Callable[[Path, int], None]
    """Called in the event loop after that, with its path and size in bytes."""
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadGrant:
    """Leave for one charger to load one file down, again if need be."""

    token: str
    identity: str
    path: Path
    expires_at: float


class _Refused(Exception):
    """What a request is answered with instead of being served."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    token: str
    name: str
    headers: Mapping[str, str]


class Transfers:
    """Serves what it has given leave for; everything else does not exist."""

    def __init__(self) -> None:
        """Start without any leave."""
        self._uploads: dict[str, UploadGrant] = {}
        self._downloads: dict[str, DownloadGrant] = {}
        self._used: set[str] = set()
        """The tokens of uploads that are under way."""
        self._running: dict[asyncio.Task[None], asyncio.Transport] = {}

    def grant_upload(
        self,
        identity: str,
        *,
        folder: Path,
        name: Callable[[Path, str], Path],
        on_stored: Callable[[Path, int], None],
    ) -> str:
        """Give leave for one upload and return the path of its URL, which any prefix may precede.

        `name` is called in a thread with the complete file in the folder and the charger's name
        for it, and moves it where it belongs. `on_stored` is called after that, with where that
        is and its size in bytes.
        """
        token = token_urlsafe(24)
        self._uploads[token] = UploadGrant(
            token=token,
            identity=identity,
            part=folder / f".{token}.part",
            name=name,
            on_stored=on_stored,
            expires_at=self._expiry(),
        )
        return f"/{MARK}/{token}/"

    def grant_download(self, identity: str, path: Path) -> str:
        """Give leave to load a file down and return the path of its URL."""
        token = token_urlsafe(24)
        self._downloads[token] = DownloadGrant(
            token=token, identity=identity, path=path, expires_at=self._expiry()
        )
        return f"/{MARK}/{token}/{path.name}"

    def revoke(self, url: str) -> None:
        """Take leave back; what runs already may end."""
        token = url.partition(f"/{MARK}/")[2].partition("/")[0]
        self._uploads.pop(token, None)
        self._downloads.pop(token, None)

    def takes(self, head: bytes) -> bool:
        """Return whether a connection that begins so is about a transfer, and not a WebSocket."""
        line = _REQUEST_LINE.match(head)
        return line is not None and _PATH.fullmatch(line[1].decode("latin-1")) is not None

    def begin(self, transport: asyncio.Transport, head: bytes, on_end: Callable[[], None]) -> None:
        """Take over a connection that began with `head`; `on_end` is called when it is closed."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=CHUNK_BYTES, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        reader.feed_data(head)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        task = loop.create_task(self._serve(reader, writer))
        self._running[task] = transport

        def ended(_task: asyncio.Task[None]) -> None:
            del self._running[task]
            on_end()

        task.add_done_callback(ended)

    async def stop(self) -> None:
        """Break off all transfers, and forget all leave."""
        self._uploads.clear()
        self._downloads.clear()
        for task, transport in list(self._running.items()):
            task.cancel()
            transport.abort()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request, and close."""
        try:
            async with asyncio.timeout(TRANSFER_TIMEOUT_S):
                try:
                    await self._answer(reader, writer)
                except _Refused as refused:
                    await _respond(writer, refused.status)
        except TimeoutError, OSError, EOFError, ValueError, asyncio.LimitOverrunError:
            # It has gone, is too slow, or does not speak HTTP.
            _LOGGER.debug("A transfer has ended early", exc_info=True)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            request = _parsed(await reader.readuntil(b"\r\n\r\n"))
        if len(self._running) > MAX_TRANSFERS:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        self._forget_expired()
        if (upload := self._uploads.get(request.token)) is not None:
            await self._receive(upload, request, reader, writer)
        elif (download := self._downloads.get(request.token)) is not None:
            await _send(download, request, writer)
        else:
            raise _Refused(HTTPStatus.NOT_FOUND)

    async def _receive(
        self,
        grant: UploadGrant,
        request: _Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if request.method not in ("PUT", "POST"):
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED)
        if grant.token in self._used:
            raise _Refused(HTTPStatus.CONFLICT)
        self._used.add(grant.token)
        try:
            body = _body(request.headers, reader)
            if request.headers.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            try:
                size = await _store(body, grant.part)
                path = await asyncio.to_thread(_unwrapped, grant, request)
            except TimeoutError, ConnectionError:
                raise
            except OSError as error:
                _LOGGER.warning("A file of %s cannot be kept: %s", grant.identity, error)
                raise _Refused(HTTPStatus.INSUFFICIENT_STORAGE) from error
            self._uploads.pop(grant.token, None)
            # It is here, whether its sender waits for the answer or not.
            grant.on_stored(path, size)
            await _respond(writer, HTTPStatus.CREATED)
        finally:
            self._used.discard(grant.token)
            with suppress(OSError):
                await asyncio.to_thread(grant.part.unlink, missing_ok=True)

    def _forget_expired(self) -> None:
        now = asyncio.get_running_loop().time()
        for grants in (self._uploads, self._downloads):
            for token in [token for token, one in grants.items() if one.expires_at <= now]:
                del grants[token]

    @staticmethod
    def _expiry() -> float:
        return asyncio.get_running_loop().time() + LIFETIME_S


def _parsed(head: bytes) -> _Request:
    """Return what a request asks for. Raises _Refused or ValueError."""
    lines = head.decode("latin-1").split("\r\n")
    method, path, _version = lines[0].split(" ")
    found = _PATH.fullmatch(path)
    if found is None or len(head) > MAX_HEAD_BYTES:
        raise _Refused(HTTPStatus.BAD_REQUEST)
    headers = {
        name.strip().lower(): value.strip()
        for name, colon, value in (line.partition(":") for line in lines[1:])
        if colon
    }
    return _Request(method=method, token=found[1], name=found[2] or "", headers=headers)


def _body(headers: Mapping[str, str], reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Return the body of an upload in pieces. Raises _Refused for one that is not wanted."""
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
            raise _Refused(HTTPStatus.BAD_REQUEST)
        return _chunks(reader)
    length = headers.get("content-length")
    if length is None:
        raise _Refused(HTTPStatus.LENGTH_REQUIRED)
    if not length.isascii() or not length.isdigit() or len(length) > 15:
        raise _Refused(HTTPStatus.BAD_REQUEST)
    if int(length) > MAX_UPLOAD_BYTES:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return _counted(reader, int(length))


async def _counted(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    while length > 0:
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            data = await reader.read(min(length, CHUNK_BYTES))
        if not data:
            raise EOFError("the upload has broken off")
        length -= len(data)
        yield data


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            line = await reader.readuntil(b"\r\n")
        found = _CHUNK_SIZE.fullmatch(line)
        if found is None:
            raise _Refused(HTTPStatus.BAD_REQUEST)
        length = int(found[1], 16)
        if length == 0:
            return
        async for data in _counted(reader, length):
            yield data
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            await reader.readexactly(2)


async def _store(body: AsyncIterator[bytes], part: Path) -> int:
    """Write a body to a file, off the event loop, and return its size in bytes.

    Raises _Refused where it is too large, OSError, EOFError or TimeoutError.
    """
    size, waiting = 0, bytearray()
    file = await asyncio.to_thread(_opened, part)
    try:
        async for data in body:
            size += len(data)
            if size > MAX_UPLOAD_BYTES:
                raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            waiting += data
            if len(waiting) >= CHUNK_BYTES:
                await asyncio.to_thread(_write, file, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(_write, file, bytes(waiting), last=True)
    finally:
        await asyncio.to_thread(os.close, file)
    return size


def _unwrapped(grant: UploadGrant, request: _Request) -> Path:
    """Give a complete file its name, out of a form if it came in one; return where it is."""
    name = request.name
    boundary = boundary_of(request.headers.get("content-type", ""))
    if boundary is not None:
        name = unwrap(grant.part, boundary) or name
    return grant.name(grant.part, name)


def _opened(part: Path) -> int:
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(
        part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
    )


def _write(file: int, data: bytes, *, last: bool = False) -> None:
    remaining = memoryview(data)
    while remaining:
        remaining = remaining[os.write(file, remaining) :]
    if last:
        os.fsync(file)


async def _send(grant: DownloadGrant, request: _Request, writer: asyncio.StreamWriter) -> None:
    """Send a file, or the part of it that is asked for."""
    if request.method not in ("GET", "HEAD"):
        raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED)
    try:
        file = await asyncio.to_thread(grant.path.open, "rb")
    except OSError as error:
        raise _Refused(HTTPStatus.NOT_FOUND) from error
    try:
        size = (await asyncio.to_thread(os.fstat, file.fileno())).st_size
        first, last = 0, size - 1
        asked = _RANGE.fullmatch(request.headers.get("range", ""))
        headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        status = HTTPStatus.OK
        if asked is not None:
            first, last = int(asked[1]), min(int(asked[2] or last), last)
            if first > last:
                raise _Refused(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
            status = HTTPStatus.PARTIAL_CONTENT
        await _respond(writer, status, headers, length=last - first + 1)
        if request.method == "HEAD":
            return
        await asyncio.to_thread(file.seek, first)
        left = last - first + 1
        while left > 0 and (data := await asyncio.to_thread(file.read, min(left, CHUNK_BYTES))):
            left -= len(data)
            writer.write(data)
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                await writer.drain()
    finally:
        await asyncio.to_thread(file.close)


async def _respond(
    writer: asyncio.StreamWriter,
    status: HTTPStatus,
    headers: Mapping[str, str] | None = None,
    *,
    length: int = 0,
) -> None:
    told = {**(headers or {}), "Content-Length": str(length), "Connection": "close"}
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{k}: {v}" for k, v in told.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    async with asyncio.timeout(IDLE_TIMEOUT_S):
        await writer.drain()
