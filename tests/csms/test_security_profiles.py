"""What is asked of a charger before it is let in, over real sockets."""

import asyncio
import base64
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from custom_components.balanz.csms import admission, server
from custom_components.balanz.csms.admission import AdmissionRule, Grant
from custom_components.balanz.csms.credentials import (
    PasswordHash,
    authorization_key,
)
from custom_components.balanz.csms.events import StationDisconnected
from custom_components.balanz.csms.peers import Peer
from custom_components.balanz.csms.security_events import (
    AddressPinned,
    AdmissionRefused,
    IdentityShared,
    PasswordTaken,
    ProfileRaised,
    RefusalCause,
)
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.csms.server import CentralSystem

from .client import status_of
from .conftest import Bench, Dial
from .test_admission import own_records, raw_exchange

PASSWORD = "aB3dE5fG7hJ9kL2mN4pQ"
HASH = PasswordHash.of(PASSWORD)
NEW_PASSWORD = "zY8xW6vU4tS2rQ9pN7mK"
NEW_HASH = PasswordHash.of(NEW_PASSWORD)


def basic(password: str | bytes, user: str = "CP1") -> dict[str, Any]:
    """Return the option of a client that sends credentials."""
    raw = password.encode() if isinstance(password, str) else password
    encoded = base64.b64encode(user.encode() + b":" + raw).decode()
    return {"additional_headers": {"Authorization": f"Basic {encoded}"}}


def ask(
    central: CentralSystem,
    profile: SecurityProfile = SecurityProfile.PASSWORD,
    *passwords: PasswordHash,
    address: str | None = None,
) -> None:
    """Ask this much of CP1."""
    rule = AdmissionRule(profile=profile, passwords=passwords or (HASH,), address=address)
    central.set_known(["CP1"], {"CP1": rule})


def come_from(monkeypatch: pytest.MonkeyPatch, address: str, **more: Any) -> None:
    """Have all connections come from somewhere else."""
    monkeypatch.setattr(server, "peer_of", lambda _connection: Peer(address=address, **more))


async def refusal_of(central: Bench, identity: str = "CP1", **options: Any) -> Any:
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"ws://127.0.0.1:{central.port}/{identity}", **options)
    return refusal.value.response


# Passwords


@pytest.mark.parametrize(
    "password",
    [
        pytest.param(PASSWORD, id="A25-text"),
        pytest.param(authorization_key(PASSWORD), id="A25-hex"),
        pytest.param(authorization_key(PASSWORD).upper(), id="upper-case-hex"),
    ],
)
async def test_tc_085_the_right_password_gets_in(central: Bench, dial: Dial, password: str) -> None:
    ask(central)

    charger = await dial(**basic(password))

    assert (await charger.boot())["status"] == "Accepted"


async def test_tc_085_without_credentials_it_is_asked_for_them(central: Bench) -> None:
    ask(central)

    response = await refusal_of(central)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert central.seen(AdmissionRefused) == [
        AdmissionRefused(identity="CP1", address="127.0.0.1", cause=RefusalCause.NO_CREDENTIALS)
    ]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(basic(""), id="empty"),
        pytest.param(basic("x" * 64), id="64-bytes"),
        pytest.param(basic("x" * 3_000), id="3000-bytes"),
        pytest.param(basic(b"\xff\xfe" * 10), id="no-utf-8"),
        pytest.param(basic(PASSWORD + ":"), id="a-colon-too-much"),
        pytest.param(basic(PASSWORD, user="CP2"), id="A23-another-user"),
        pytest.param(basic(PASSWORD, user=""), id="no-user"),
        pytest.param({"additional_headers": {"Authorization": "Bearer x"}}, id="A22-bearer"),
        pytest.param(
            {
                "additional_headers": [
                    *basic(PASSWORD)["additional_headers"].items(),
                    ("Authorization", "Basic eDp5"),
                ]
            },
            id="two-headers",
        ),
    ],
)
async def test_wrong_credentials_are_refused(central: Bench, options: dict[str, Any]) -> None:
    ask(central)

    assert await status_of(central.port, "/CP1", **options) == 401
    assert not central.stations["CP1"].connected


async def test_a_password_of_10_000_bytes_is_refused_and_others_are_served(
    central: Bench, dial: Dial
) -> None:
    ask(central)

    with suppress(OSError):
        assert await status_of(central.port, "/CP1", **basic("x" * 10_000)) in (400, 431)

    assert await (await dial(**basic(PASSWORD))).alive()


async def test_a_password_may_be_raw_bytes_with_colons(central: Bench, dial: Dial) -> None:
    raw = "a:b:\xe9\x07\x11c: "
    ask(central, SecurityProfile.PASSWORD, PasswordHash.of(raw))

    assert await (await dial(**basic(raw.encode()))).alive()


async def test_nobody_can_tell_a_known_charger_from_an_unknown_one(central: Bench) -> None:
    ask(central)

    for options in ({}, basic("wrong")):
        known = await refusal_of(central, "CP1", **options)
        unknown = await refusal_of(central, "NOBODY", **options)
        names = {name for name, _ in known.headers.raw_items()}

        assert known.status_code == unknown.status_code == 401
        assert {name for name, _ in unknown.headers.raw_items()} == names
        assert known.body == unknown.body


async def test_a_wrong_password_is_told_once_and_never_shown(
    central: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ask(central)
    for _ in range(4):
        await status_of(central.port, "/CP1", **basic("hunter2-hunter2"))

    assert [event.cause for event in central.seen(AdmissionRefused)] == [
        RefusalCause.WRONG_PASSWORD
    ]
    assert [record.levelno for record in own_records(caplog)] == []
    told = [record for record in caplog.records if record.name == admission.__name__]
    assert [record.levelno for record in told] == [logging.WARNING]
    ours = [record for record in caplog.records if "balanz" in record.name]
    assert not any("hunter2" in record.getMessage() for record in ours)
    assert not any(
        basic("hunter2-hunter2")["additional_headers"]["Authorization"] in record.getMessage()
        for record in ours
    )


async def test_a_refusal_is_told_again_after_the_charger_was_in(central: Bench, dial: Dial) -> None:
    ask(central)
    await status_of(central.port, "/CP1")
    await dial(**basic(PASSWORD))

    await status_of(central.port, "/CP1")

    assert len(central.seen(AdmissionRefused)) == 2


async def test_a24_guesses_are_throttled_and_never_lock_out_the_right_password(
    central: Bench, dial: Dial
) -> None:
    ask(central)
    connected = await dial(**basic(PASSWORD))

    statuses = [await status_of(central.port, "/CP1", **basic(f"{n}")) for n in range(8)]

    assert statuses == [401] * 5 + [429] * 3
    assert await connected.alive()
    assert await (await dial(**basic(PASSWORD))).alive()


async def test_a_right_password_that_was_never_used_gets_through_guesses_as_well(
    central: Bench, dial: Dial
) -> None:
    ask(central)
    for number in range(8):
        await status_of(central.port, "/CP1", **basic(f"{number}"))

    assert await (await dial(**basic(PASSWORD))).alive()


async def test_guesses_at_unknown_identities_are_throttled_alike(central: Bench) -> None:
    statuses = [await status_of(central.port, "/NO", **basic("x", user="NO")) for _ in range(7)]

    assert statuses == [401] * 5 + [429] * 2


async def test_guesses_at_a_charger_without_a_password_are_throttled_alike(
    central: Bench,
) -> None:
    ask(central, SecurityProfile.OPEN, address="192.168.1.5")

    statuses = [await status_of(central.port, "/CP1", **basic("x")) for _ in range(7)]

    assert statuses == [401] * 5 + [429] * 2


# A new password


async def test_tc_073_the_old_password_is_good_until_the_new_one_was_used(
    central: Bench, dial: Dial
) -> None:
    ask(central, SecurityProfile.PASSWORD, HASH, NEW_HASH)

    await dial(**basic(PASSWORD))
    await dial(**basic(PASSWORD))
    await dial(**basic(authorization_key(NEW_PASSWORD)))

    assert central.seen(PasswordTaken) == [PasswordTaken(identity="CP1")]
    assert await status_of(central.port, "/CP1", **basic(PASSWORD)) == 401
    assert await (await dial(**basic(NEW_PASSWORD))).alive()
    assert central.admission.rules["CP1"].passwords == (NEW_HASH,)


# Security profiles


async def test_a_charger_without_a_password_is_pinned_to_its_address(
    central: Bench, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    charger = await dial()
    come_from(monkeypatch, "192.168.1.66")

    assert await status_of(central.port, "/CP1") == 401

    assert central.seen(AddressPinned) == [AddressPinned(identity="CP1", address="127.0.0.1")]
    assert central.seen(AdmissionRefused) == [
        AdmissionRefused(identity="CP1", address="192.168.1.66", cause=RefusalCause.OTHER_ADDRESS)
    ]
    assert await charger.alive()


async def test_what_a_proxy_says_of_an_address_does_not_count(central: Bench, dial: Dial) -> None:
    ask(central, SecurityProfile.OPEN, address="192.168.1.5")
    forged = {"X-Forwarded-For": "192.168.1.5", "Forwarded": "for=192.168.1.5"}

    assert await status_of(central.port, "/CP1", additional_headers=forged) == 401


async def test_a27_a_password_that_nobody_asked_for_does_no_harm(
    central: Bench, dial: Dial
) -> None:
    assert await (await dial(**basic("that of somebody else"))).alive()
    assert central.seen(ProfileRaised) == []


async def test_tc_083_a_raised_profile_is_never_lowered_by_the_charger(
    central: Bench, dial: Dial
) -> None:
    ask(central, SecurityProfile.OPEN)
    await dial()

    await dial(**basic(PASSWORD))

    assert central.seen(ProfileRaised) == [
        ProfileRaised(identity="CP1", profile=SecurityProfile.PASSWORD)
    ]
    assert await status_of(central.port, "/CP1") == 401


@pytest.mark.parametrize(
    ("profile", "cause", "encrypted"),
    [
        (SecurityProfile.TLS_PASSWORD, RefusalCause.NOT_ENCRYPTED, False),
        (SecurityProfile.TLS_CERTIFICATE, RefusalCause.NOT_ENCRYPTED, False),
        (SecurityProfile.TLS_CERTIFICATE, RefusalCause.NO_CERTIFICATE, True),
    ],
)
async def test_a28_a_right_password_is_not_enough_where_more_is_asked_for(
    central: Bench,
    monkeypatch: pytest.MonkeyPatch,
    profile: SecurityProfile,
    cause: RefusalCause,
    encrypted: bool,
) -> None:
    ask(central, profile)
    come_from(monkeypatch, "127.0.0.1", encrypted=encrypted)

    assert await status_of(central.port, "/CP1", **basic(PASSWORD)) == 403
    assert [event.cause for event in central.seen(AdmissionRefused)] == [cause]


async def test_rules_that_ask_for_more_let_open_sockets_be(central: Bench, dial: Dial) -> None:
    charger = await dial()

    ask(central)

    assert await charger.alive()
    assert await status_of(central.port, "/CP1") == 401


async def test_a_grant_from_before_the_rules_changed_does_not_count(central: Bench) -> None:
    grant = Grant(profile=SecurityProfile.OPEN, peer=Peer(address="127.0.0.1"))
    assert central.admission.admitted("CP1", grant)

    ask(central)
    assert not central.admission.admitted("CP1", grant)
    ask(central, SecurityProfile.OPEN, address="10.0.0.1")
    assert not central.admission.admitted("CP1", grant)
    central.set_known([])
    assert not central.admission.admitted("CP1", grant)


async def test_a_charger_whose_rules_changed_during_its_handshake_is_turned_away(
    central: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(central.admission, "admitted", lambda _identity, _grant: False)

    async with connect(f"ws://127.0.0.1:{central.port}/CP1") as connection:
        await connection.wait_closed()

    assert not central.stations["CP1"].connected


# From where


async def test_a38_peers_from_the_internet_are_refused(
    central: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(central)
    central.pairing_open = True
    come_from(monkeypatch, "8.8.8.8")

    for identity in ("CP1", "NOBODY"):
        assert await status_of(central.port, f"/{identity}", **basic(PASSWORD)) == 403


async def test_where_the_internet_is_allowed_it_has_to_be_encrypted(
    central: Bench, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(central)
    central.admission.allows_internet = True
    central.pairing_open = True
    come_from(monkeypatch, "8.8.8.8")
    assert await status_of(central.port, "/CP1", **basic(PASSWORD)) == 403

    come_from(monkeypatch, "8.8.8.8", encrypted=True)

    assert await (await dial(**basic(PASSWORD))).alive()
    assert await status_of(central.port, "/NOBODY") == 401


# One identity for two


async def test_two_devices_under_one_identity_are_an_alarm_told_once(
    central: Bench, dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(8):
        await dial()

    assert central.seen(IdentityShared) == [
        IdentityShared(identity="CP1", addresses=("127.0.0.1",))
    ]


async def test_replacements_far_apart_are_no_alarm(central: Bench) -> None:
    for number in range(20):
        central.admission.replaced("CP1", "10.0.0.1", number * 150.0)

    assert central.seen(IdentityShared) == []
    central.set_known([])


# Floods


def request(headers: Sequence[bytes]) -> bytes:
    return b"\r\n".join((b"GET /CP1 HTTP/1.1", b"Host: x", *headers, b"", b""))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([b"X-Long: " + b"x" * 9_000], id="A04-9-KiB"),
        pytest.param([b"X-%d: y" % number for number in range(200)], id="A04-200-headers"),
    ],
)
async def test_a_flood_of_headers_is_refused(
    central: Bench, dial: Dial, headers: list[bytes]
) -> None:
    answer = await raw_exchange(central.port, request(headers))

    assert answer[:13] in (b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")
    assert await (await dial()).alive()


async def test_memory_of_refusals_is_bounded(
    central: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(central)
    for number in range(admission.MAX_TOLD + 50):
        peer = Peer(address=f"10.0.{number // 256}.{number % 256}")
        await central.admission.check("CP1", [], peer)

    assert len(central.admission._told) == admission.MAX_TOLD


async def test_a_hundred_wrong_passwords_at_once_leave_the_connected_alone(
    central: Bench, dial: Dial
) -> None:
    ask(central)
    charger = await dial(**basic(PASSWORD))

    async def guess(number: int) -> None:
        # Refused, or turned away at the gate.
        with pytest.raises((InvalidStatus, InvalidMessage, OSError)):
            await connect(f"ws://127.0.0.1:{central.port}/CP1", **basic(f"{number}"))

    guessing = asyncio.gather(*(guess(number) for number in range(100)))
    assert await charger.alive()
    await guessing

    assert await charger.alive()
    assert central.seen(StationDisconnected) == []


async def test_a_password_is_not_kept_once_the_charger_is_served(
    central: Bench, dial: Dial
) -> None:
    ask(central)
    charger = await dial(**basic(PASSWORD))
    assert await charger.alive()

    (connection,) = central._gate.sockets

    assert connection.request is not None
    assert "Authorization" not in connection.request.headers
