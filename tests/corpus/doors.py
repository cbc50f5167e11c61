"""Section A: who comes with a wrong password, a bad certificate, or from somewhere else."""

from typing import Any

from custom_components.balanz.csms.credentials import authorization_key
from custom_components.balanz.csms.security_events import RefusalCause
from custom_components.balanz.csms.security_profile import SecurityProfile

from .rows import Coming, DoorRow, HttpStatus, HungUp, Outcome, Upgraded

PASSWORD = "aB3:dE5fG7hJ9kL2mN4p"
"""What lets CP1 in; it has a colon."""
OPEN, WITH_PASSWORD, ENCRYPTED, CERTIFIED = SecurityProfile
TOO_LONG = "x" * 10_000
NO_CREDENTIALS, WRONG_PASSWORD = RefusalCause.NO_CREDENTIALS, RefusalCause.WRONG_PASSWORD
NOT_ENCRYPTED, NO_CERTIFICATE = RefusalCause.NOT_ENCRYPTED, RefusalCause.NO_CERTIFICATE


def row(
    row_id: str,
    case: str,
    asks: SecurityProfile,
    then: Outcome,
    *comes: Coming,
    told: RefusalCause | None = None,
) -> DoorRow:
    """Return a row of this section; `comes` one after the other, the last of which counts."""
    return DoorRow(id=row_id, case=case, asks=asks, comes=comes, then=then, told=told)


def status(code: int) -> HttpStatus:
    """Return the outcome of who is not let in."""
    return HttpStatus(code=code)


def plain(password: str | bytes | None = None, **options: Any) -> Coming:
    """Come over the plain port."""
    return Coming(password=password, **options)


def encrypted(password: str | None = None, **options: Any) -> Coming:
    """Come encrypted."""
    return Coming(password=password, encrypted=True, **options)


DOORS = (
    row("A21", "no password", WITH_PASSWORD, status(401), plain(), told=NO_CREDENTIALS),
    row("A22", "what is no Base64", WITH_PASSWORD, status(401), plain(header="Basic !!!"),
        told=WRONG_PASSWORD),
    row("A22", "no colon", WITH_PASSWORD, status(401), plain(header="Basic Q1Ax"),
        told=WRONG_PASSWORD),
    row("A22", "another scheme", WITH_PASSWORD, status(401), plain(header="Bearer x"),
        told=WRONG_PASSWORD),
    row("A22", "an empty header", WITH_PASSWORD, status(401), plain(header=""),
        told=WRONG_PASSWORD),
    row("A22", "a password of 0 bytes", WITH_PASSWORD, status(401), plain(""),
        told=WRONG_PASSWORD),
    row("A22", "a password of 64 bytes", WITH_PASSWORD, status(401), plain("x" * 64),
        told=WRONG_PASSWORD),
    row("A22", "a password of 10,000 bytes", WITH_PASSWORD, status(431), plain(TOO_LONG)),
    row("A23", "the name of another charger", WITH_PASSWORD, status(401),
        plain(PASSWORD, user="CP2"), told=WRONG_PASSWORD),
    row("A24", "a wrong password", WITH_PASSWORD, status(401), plain("wrong"),
        told=WRONG_PASSWORD),
    row("A24", "six wrong passwords", WITH_PASSWORD, status(429),
        *(plain(f"wrong {number}") for number in range(6)), told=WRONG_PASSWORD),
    row("A24", "the right one after six wrong ones", WITH_PASSWORD, Upgraded(),
        *(plain(f"wrong {number}") for number in range(6)), plain(PASSWORD),
        told=WRONG_PASSWORD),
    row("A25", "raw bytes", WITH_PASSWORD, Upgraded(), plain(PASSWORD.encode())),
    row("A25", "hexadecimal digits", WITH_PASSWORD, Upgraded(),
        plain(authorization_key(PASSWORD))),
    row("A25", "bytes that are no text", WITH_PASSWORD, status(401), plain(b"\xff\xfe" * 10),
        told=WRONG_PASSWORD),
    row("A26", "a password with a colon", WITH_PASSWORD, Upgraded(), plain(PASSWORD)),
    row("A26", "a password cut off at its colon", WITH_PASSWORD, status(401), plain("aB3"),
        told=WRONG_PASSWORD),
    row("A28", "the right password, for all to read", ENCRYPTED, status(403), plain(PASSWORD),
        told=NOT_ENCRYPTED),
    row("A28", "a wrong password, for all to read", ENCRYPTED, status(401), plain("wrong"),
        told=WRONG_PASSWORD),
    row("A29", "TLS 1.0", ENCRYPTED, HungUp(), encrypted(PASSWORD, version="TLSv1")),
    row("A29", "TLS 1.1", ENCRYPTED, HungUp(), encrypted(PASSWORD, version="TLSv1_1")),
    row("A30", "no certificate", CERTIFIED, status(401), encrypted(), told=NO_CREDENTIALS),
    row("A30", "a password instead", CERTIFIED, status(403), encrypted(PASSWORD),
        told=NO_CERTIFICATE),
    row("A30", "the certificate of another charger", CERTIFIED, status(401),
        encrypted(certificate="of another"), told=NO_CREDENTIALS),
    row("A30", "one that has expired", CERTIFIED, HungUp(), encrypted(certificate="expired")),
    row("A30", "one that is not valid yet", CERTIFIED, HungUp(),
        encrypted(certificate="not yet")),
    row("A30", "one that strangers have signed", CERTIFIED, HungUp(),
        encrypted(certificate="strangers'")),
    row("A30", "one that it has signed itself", CERTIFIED, HungUp(),
        encrypted(certificate="self-signed")),
    row("A30", "its own", CERTIFIED, Upgraded(), encrypted(certificate="its own")),
    # 403 would tell whoever asks that this identity is one, and that it takes no more than the
    # right address to be it. So the answer is that to a wrong password; the owner is told at once.
    row("A35", "another address while the charger is there", OPEN, status(401),
        plain(), plain(address="192.168.1.66"), told=RefusalCause.OTHER_ADDRESS),
    row("A38", "a public address", OPEN, status(403), plain(address="8.8.8.8"),
        told=RefusalCause.FROM_THE_INTERNET),
    row("A38", "a public address, with the password", ENCRYPTED, status(403),
        encrypted(PASSWORD, address="2001:4860:4860::8888"),
        told=RefusalCause.FROM_THE_INTERNET),
)  # fmt: skip
