"""Section B: what comes over a socket after a good handshake."""

import json
import os
import struct
import zlib
from typing import Any

from .rows import BytesRow, Closed, HungUp, Ignored, Outcome, Piece, Served

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
HEARTBEAT = b'[2,"1","Heartbeat",{}]'
LONG_HEARTBEAT = json.dumps([2, "i" * 255, "Heartbeat", {}]).encode()


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    length: int | None = None,
) -> bytes:
    """Return a frame as a client sends it; its length may be a lie."""
    length = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([bit | length])
    elif length < 2**16:
        head += bytes([bit | 126]) + struct.pack("!H", length)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = mask * (len(payload) // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, key, strict=False))


def row(row_id: str, case: str, then: Outcome, *sent: Piece, **options: Any) -> BytesRow:
    """Return a row of this section."""
    return BytesRow(id=row_id, case=case, sent=sent, then=then, upgraded=True, **options)


def closed(*codes: int) -> Closed:
    """Return the outcome of what ends a connection."""
    return Closed(codes=codes)


HALF = bytes(200 * 1024).replace(b"\0", b"x")
BOMB = zlib.compress(bytes(2**20))
PINGS_ONCE_ANSWERED = {"ping_after_s": 0.1, "silence_limit_s": 60.0}

WEBSOCKET_FRAMES = (
    row("B01", "300 KiB of text", closed(1009), frame(TEXT, b"x" * 300 * 1024)),
    row("B02", "a length of 2^62", closed(1009), frame(TEXT, b"x", length=2**62)),
    row("B02", "a length of 2^63", closed(1002, 1009), frame(TEXT, b"x", length=2**63)),
    row("B03", "two halves that are too much together", closed(1009),
        frame(TEXT, HALF, fin=False), frame(CONTINUATION, HALF)),
    row("B04", "ten thousand empty fragments", closed(1008, 1009),
        frame(TEXT, b"[", fin=False), frame(CONTINUATION, fin=False) * 10_000),
    row("B05", "a message that does not end", closed(1008), frame(TEXT, b"[", fin=False)),
    row("B06", "a bomb in a compression that was not agreed on", closed(1002),
        frame(TEXT, BOMB, rsv=4)),
    row("B07", "what is no compressed data", closed(1002), frame(TEXT, b"hello", rsv=4)),
    row("B08", "the second reserved bit", closed(1002), frame(TEXT, HEARTBEAT, rsv=2)),
    row("B08", "the third reserved bit", closed(1002), frame(TEXT, HEARTBEAT, rsv=1)),
    row("B09", "no mask", closed(1002), frame(TEXT, HEARTBEAT, masked=False)),
    row("B10", "no UTF-8", closed(1007), frame(TEXT, b"\xff\xfe")),
    row("B11", "a good call as binary", Ignored(), frame(BINARY, HEARTBEAT)),
    row("B11", "three of them", closed(1003), frame(BINARY, HEARTBEAT) * 3),
    row("B12", "a reserved opcode", closed(1002), frame(0x3, HEARTBEAT)),
    row("B13", "a ping of 126 bytes", closed(1002), frame(PING, bytes(126))),
    row("B13", "a ping in fragments", closed(1002), frame(PING, b"x", fin=False)),
    row("B14", "the end of what never began", closed(1002), frame(CONTINUATION, HEARTBEAT)),
    row("B14", "a message within a message", closed(1002),
        frame(TEXT, b"[", fin=False), frame(TEXT, HEARTBEAT)),
    row("B15", "a close of one byte", closed(1002), frame(CLOSE, b"\x03")),
    row("B15", "a close with a code that cannot be", closed(1002), frame(CLOSE, b"\x03\xe7")),
    row("B16", "a thousand pings", closed(1008), *[frame(PING) * 100] * 10),
    row("B17", "a pong that nobody asked for", Ignored(), frame(PONG, b"x")),
    row("B18", "calls, but never a pong", Served(has={"currentTime": ...}), 0.5,
        frame(TEXT, HEARTBEAT), settings=PINGS_ONCE_ANSWERED),
    row("B19", "silence", HungUp(), settings={"silence_limit_s": 0.5, "ping_after_s": 0.2}),
    row("B20", "calls whose answers are not read", HungUp(),
        *[frame(TEXT, LONG_HEARTBEAT.replace(b"iii", b"%03d" % n, 1)) for n in range(900)],
        reads=False),
    row("B21", "the socket is reset in the middle of a frame", HungUp(),
        frame(TEXT, HEARTBEAT)[:9], resets=True),
    row("B22", "a close that is not answered", HungUp(), frame(BINARY, b"x") * 3, reads=False),
)  # fmt: skip
