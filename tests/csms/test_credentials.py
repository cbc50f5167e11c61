"""Passwords: made, hashed, read from a header, and compared."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.credentials import (
    PasswordHash,
    Verifier,
    authorization_key,
    new_password,
    parse_basic_auth,
)


def basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


def test_a_password_is_what_every_charger_takes_and_never_the_same() -> None:
    passwords = {new_password() for _ in range(100)}

    assert len(passwords) == 100
    assert all(len(one) == 20 and one.isascii() and one.isalnum() for one in passwords)
    assert not set("".join(passwords)) & set("0O1lI")


def test_the_configuration_key_is_the_password_in_hex() -> None:
    assert bytes.fromhex(authorization_key("Abc2")) == b"Abc2"


@given(user=st.binary(max_size=48), password=st.binary(max_size=300))
def test_a_header_gives_back_its_user_and_any_password(user: bytes, password: bytes) -> None:
    user = user.replace(b":", b"")

    assert parse_basic_auth([basic(user + b":" + password)]) == (user, password)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="none"),
        pytest.param(["Basic !!!"], id="A22-no-base64"),
        pytest.param([basic(b"CP1")], id="A22-no-colon"),
        pytest.param(["Bearer x"], id="A22-another-scheme"),
        pytest.param(["Basic"], id="nothing-but-the-scheme"),
        pytest.param(["Basic é"], id="no-ascii"),
        pytest.param([basic(b"CP1:a"), basic(b"CP1:b")], id="two"),
    ],
)
def test_a_header_that_cannot_be_read_gives_nothing(values: list[str]) -> None:
    assert parse_basic_auth(values) is None


def test_the_scheme_is_read_in_any_case() -> None:
    assert parse_basic_auth([basic(b"CP1:a:b").replace("Basic", "BASIC")]) == (b"CP1", b"a:b")


def test_a_hash_comes_back_from_the_disk_and_shows_nothing() -> None:
    known = PasswordHash.of("Abcdefghij2345678923")

    assert PasswordHash.from_text(known.as_text()) == known
    assert repr(known) == "PasswordHash()"
    assert "Abcdefghij" not in known.as_text()


@pytest.mark.parametrize("text", ["", "md5$YQ==$YQ==$YQ==", "scrypt$YQ==$YQ==", "scrypt$!$!$!"])
def test_a_text_that_is_no_hash_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        PasswordHash.from_text(text)


async def test_a_password_fits_as_text_as_hex_and_as_bytes_and_nothing_else_does() -> None:
    password = new_password()
    known = PasswordHash.of(password)
    verifier = Verifier()
    key = authorization_key(password)

    for right in (password, key, key.upper()):
        assert await verifier.match(right.encode(), [known]) == known
    for wrong in (b"", password[:-1].encode(), password.lower().encode(), b"\xff" * 20, b"x" * 999):
        assert await verifier.match(wrong, [known]) is None


async def test_a_hash_is_slow_once_and_then_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    password = new_password().encode()
    known = PasswordHash.of(password.decode())
    verifier = Verifier()
    await verifier.match(password, [known])
    slow: list[bytes] = []
    monkeypatch.setattr(PasswordHash, "is_of", lambda _self, secret: slow.append(secret))

    for _ in range(1000):
        assert await verifier.match(password, [known]) == known
        assert await verifier.match(b"wrong", [known]) is None

    assert slow == []


async def test_a_password_that_is_no_longer_in_use_is_looked_at_anew() -> None:
    password = new_password()
    known = PasswordHash.of(password)
    verifier = Verifier()
    await verifier.match(password.encode(), [known])

    verifier.forget_all_but(set())

    assert await verifier.match(password.encode(), []) is None
    assert await verifier.match(password.encode(), [known]) == known


async def test_the_right_fingerprint_is_not_enough() -> None:
    known = PasswordHash.of("the right one")
    twin = next(guess for number in range(10_000_000) if known.may_be(guess := b"%d" % number))

    assert await Verifier().match(twin, [known]) is None
