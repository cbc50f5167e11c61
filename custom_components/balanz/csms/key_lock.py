"""Private keys that copies of their folder have under lock; only the user has the code."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from .credentials import new_password
from .tls import TlsError

_SUFFIX = ".locked.pem"


class KeysLocked(TlsError):
    """The key of the root is not there, but under lock."""

    def __init__(self, path: Path) -> None:
        """Say which key."""
        super().__init__(path, "under lock since a restore; its code opens it")


class WrongCode(Exception):
    """What is under lock is not opened by this."""


class KeyLock:
    """The keys in a folder of certificates, the root's among them. All methods touch the disk.

    Under lock is an encrypted copy of the root's key, whose code is kept nowhere. While the folder
    is copied, the keys themselves are in memory alone: with the root's the others are made anew.
    """

    def __init__(self, root_key: Path) -> None:
        """Withhold nothing yet."""
        self._root_key = root_key
        self._locked = root_key.with_suffix(_SUFFIX)
        self._withheld: dict[Path, tuple[bytes, int]] = {}
        """What the files have in them, and when they were written (ns)."""

    def root_key(self) -> bytes | None:
        """Return the key of the root as PEM; None if there never was one. Raises KeysLocked."""
        try:
            return self._root_key.read_bytes()
        except FileNotFoundError:
            if (withheld := self._withheld.get(self._root_key)) is not None:
                return withheld[0]
            if self._locked.exists():
                raise KeysLocked(self._root_key) from None
            return None

    def put(self) -> str:
        """Put the root's key under lock, and return the code that opens it.

        A code from before opens nothing any more. Raises KeysLocked, OSError, or ValueError if
        there is no key that can be read.
        """
        key_pem = self.root_key()
        if key_pem is None:
            raise ValueError("there is no key yet")
        code, key = new_password(), serialization.load_pem_private_key(key_pem, None)
        locked = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(code.encode()),
        )
        write_private(self._locked, locked)
        return code

    def open(self, code: str) -> None:
        """Have the key of the root again. Raises WrongCode or OSError."""
        try:
            key = serialization.load_pem_private_key(
                self._locked.read_bytes(), "".join(code.split()).encode()
            )
        except (ValueError, TypeError) as error:
            raise WrongCode from error
        write_private(
            self._root_key,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )

    def forget(self) -> None:
        """Forget what is under lock: it is of a root that there is no more."""
        self._locked.unlink(missing_ok=True)

    def withhold(self) -> None:
        """Keep the keys in memory alone, if the root's is under lock. Raises OSError."""
        if not self._locked.exists():
            return
        folder = self._root_key.parent
        for path in folder.glob("*.key"):
            self._withheld[path] = path.read_bytes(), path.stat().st_mtime_ns
        for path in (*self._withheld, *folder.glob("*.key.new")):
            path.unlink(missing_ok=True)

    def give_back(self) -> None:
        """Put the keys where they were, as if they had never been away. Raises OSError."""
        for path, (content, written_ns) in list(self._withheld.items()):
            write_private(path, content)
            os.utime(path, ns=(written_ns, written_ns))
            del self._withheld[path]


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once; nobody else may read it."""
    new = path.with_suffix(f"{path.suffix}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600, exist_ok=False)
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
