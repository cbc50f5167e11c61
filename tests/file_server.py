"""A web server with a few files, for chargers to load from and to."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class FileServer:
    """What it has, and what was brought to it, by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.received: dict[str, bytes] = {}
        self.port = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        body, status = b"", "404 Not Found"
        if method == "PUT":
            length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
            self.received[path] = await reader.readexactly(length)
            status = "201 Created"
        elif path in self.files:
            body, status = self.files[path], "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def file_server() -> AsyncGenerator[FileServer]:
    """Run a server on a free port."""
    files = FileServer()
    server = await asyncio.start_server(files.serve, "127.0.0.1", 0)
    files.port = server.sockets[0].getsockname()[1]
    async with server:
        yield files
