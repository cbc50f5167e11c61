"""Long texts, packed so that they fit into a line of a file.

They are taken and given in pieces, so that a thread that packs holds nobody else up.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable

MOST_BYTES = 200_000_000
"""A text that is longer once it is unpacked was not written by balanz."""
_BATCH = 65_536


class PackedTextError(ValueError):
    """What was read is no packed text."""


class Packer:
    """Packs a text that comes in pieces."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._packer = zlib.compressobj()
        self._packed: list[bytes] = []
        self._waiting: list[str] = []
        self._waiting_characters = 0

    def add(self, pieces: Iterable[str]) -> None:
        """Take the next pieces."""
        for piece in pieces:
            self._waiting.append(piece)
            self._waiting_characters += len(piece)
            if self._waiting_characters >= _BATCH:
                self._pack()

    def finish(self) -> str:
        """Return all of it, packed."""
        self._pack()
        self._packed.append(self._packer.flush())
        return base64.b64encode(b"".join(self._packed)).decode()

    def _pack(self) -> None:
        self._packed.append(self._packer.compress("".join(self._waiting).encode()))
        self._waiting.clear()
        self._waiting_characters = 0


def unpack(text: str) -> str:
    """Return what was packed, or the begin of what is too long. Raises PackedTextError."""
    try:
        return (
            zlib.decompressobj()
            .decompress(base64.b64decode(text, validate=True), MOST_BYTES)
            .decode()
        )
    except (TypeError, UnicodeDecodeError, binascii.Error, zlib.error) as error:
        raise PackedTextError(str(error)) from error
