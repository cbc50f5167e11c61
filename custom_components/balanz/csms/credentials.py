"""A charger's password: made here, kept as a hash, and compared in constant time.

OCPP 1.6 security whitepaper, edition 3, section 2: HTTP basic authentication (RFC 7617) with the
charger's identity as the user and an `AuthorizationKey` of 16 to 20 bytes as the password.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

PASSWORD_LENGTH = 20
"""Characters, which are as many bytes: what every charger takes."""
MAX_PASSWORD_BYTES = 256
"""Longer ones are wrong without a look."""
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
"""Letters and digits that nobody takes for one another: 116 bits in a password."""
_SALT_BYTES = 16
_FINGERPRINT_BYTES = 2
_COST = 2**13
_BLOCK_SIZE = 8
_SLOW_AT_ONCE = 2
"""Slow hashes at a time; a thousand chargers that return must not take all threads."""


def new_password() -> str:
    """Return a strong password that can be typed in at a charger."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))


def authorization_key(password: str) -> str:
    """Return a password as the value of the configuration key AuthorizationKey, which is hex."""
    return password.encode().hex()


def parse_basic_auth(values: Sequence[str]) -> tuple[bytes, bytes] | None:
    """Return user and password of the Authorization headers of a request (RFC 7617).

    None where there is not exactly one such header, or it cannot be read. The password may
    contain colons, and bytes that are no text.
    """
    if len(values) != 1:
        return None
    scheme, _, encoded = values[0].strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error, ValueError:
        return None
    return (user, password) if colon else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordHash:
    """A salted hash of a password; it tells nothing of it in any text.

    The slow hash is worked out only for what has the right fingerprint. A fingerprint is of 16
    bits, which leaves 100 for whoever steals the hash to guess, and turns away all but one of
    65,536 wrong passwords at once, so that nobody can keep the processor busy with them.
    """

    salt: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str) -> Self:
        """Return the hash of a password. It takes some 30 ms: not for the event loop."""
        salt, secret = secrets.token_bytes(_SALT_BYTES), password.encode()
        return cls(salt=salt, fingerprint=_fingerprint(salt, secret), digest=_slow(salt, secret))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `as_text` wrote. Raises ValueError."""
        kind, *parts = text.split("$")
        if kind != "scrypt" or len(parts) != 3:
            raise ValueError("not a password hash")
        salt, fingerprint, digest = (base64.b64decode(part, validate=True) for part in parts)
        return cls(salt=salt, fingerprint=fingerprint, digest=digest)

    def as_text(self) -> str:
        """Return it for the disk."""
        parts = (self.salt, self.fingerprint, self.digest)
        return "$".join(["scrypt", *(base64.b64encode(part).decode() for part in parts)])

    def may_be(self, secret: bytes) -> bool:
        """Return whether a secret has the right fingerprint."""
        return hmac.compare_digest(_fingerprint(self.salt, secret), self.fingerprint)

    def is_of(self, secret: bytes) -> bool:
        """Return whether it is the hash of this. It takes some 30 ms: not for the event loop."""
        return hmac.compare_digest(_slow(self.salt, secret), self.digest)


def _nobodys() -> PasswordHash:
    """Return a hash that unknown chargers are compared with, so that they cost the same."""
    return PasswordHash(
        salt=secrets.token_bytes(_SALT_BYTES),
        fingerprint=secrets.token_bytes(_FINGERPRINT_BYTES),
        digest=secrets.token_bytes(64),
    )


class Verifier:
    """Compares passwords with hashes: slowly for the first time, fast from then on.

    What is remembered of a right password is a keyed hash under a key that only this process has.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._seen: dict[PasswordHash, bytes] = {}
        self._nobodys = _nobodys()
        self._slow = asyncio.Semaphore(_SLOW_AT_ONCE)

    async def match(self, password: bytes, hashes: Sequence[PasswordHash]) -> PasswordHash | None:
        """Return the hash that a password fits, as text, as hex text or as raw bytes."""
        secrets_ = _readings(password)
        match = None
        for known in hashes or (self._nobodys,):
            for secret in secrets_:
                if await self._fits(secret, known):
                    match = known
        return match

    async def _fits(self, secret: bytes, known: PasswordHash) -> bool:
        tag = hmac.digest(self._key, secret, "sha256")
        seen = self._seen.get(known)
        if seen is not None:
            return hmac.compare_digest(seen, tag)
        if not known.may_be(secret):
            return False
        async with self._slow:
            loop = asyncio.get_running_loop()
            if not await loop.run_in_executor(None, known.is_of, secret):
                return False
        self._seen[known] = tag
        return True

    def forget_all_but(self, hashes: set[PasswordHash]) -> None:
        """Forget what was remembered of passwords that are no longer in use."""
        self._seen = {known: tag for known, tag in self._seen.items() if known in hashes}


def _readings(password: bytes) -> tuple[bytes, ...]:
    """Return all that a password may mean: some chargers send the hex text of their key."""
    if not password or len(password) > MAX_PASSWORD_BYTES:
        return (b"",)
    try:
        return (password, bytes.fromhex(password.decode("ascii")))
    except ValueError:
        return (password,)


def _fingerprint(salt: bytes, secret: bytes) -> bytes:
    return hashlib.sha256(salt + secret).digest()[:_FINGERPRINT_BYTES]


def _slow(salt: bytes, secret: bytes) -> bytes:
    return hashlib.scrypt(secret, salt=salt, n=_COST, r=_BLOCK_SIZE, p=1)
