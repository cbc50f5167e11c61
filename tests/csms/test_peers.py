"""Where a connection comes from."""

from datetime import UTC, datetime

import pytest

from custom_components.balanz.csms.peers import (
    Peer,
    end_of,
    identity_uri,
    is_same_place,
    names_in,
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "10.1.2.3",
        "192.168.178.20",
        "169.254.3.4",
        "100.64.0.9",
        "fe80::1%eth0",
        "fd12:3456::1",
        "::ffff:192.168.1.2",
        "",
    ],
)
def test_addresses_of_a_home_are_not_the_internet(address: str) -> None:
    assert not Peer(address=address).from_the_internet


@pytest.mark.parametrize("address", ["8.8.8.8", "2600::1", "::ffff:8.8.8.8", "101.64.0.9"])
def test_other_addresses_are(address: str) -> None:
    assert Peer(address=address).from_the_internet


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.168.1.2", "192.168.1.2", True),
        ("192.168.1.2", "::ffff:192.168.1.2", True),
        ("192.168.1.2", "192.168.1.3", False),
        ("fd00::1", "fd00::2", True),
        ("fd00::1", "fd01::1", False),
        ("fd00::1", "192.168.1.2", False),
        ("", "", False),
    ],
)
def test_a_device_keeps_its_address_or_at_least_its_network(
    one: str, other: str, same: bool
) -> None:
    assert is_same_place(one, other) is same


def test_a_certificate_names_a_charger_by_its_subject_or_by_its_uri() -> None:
    certificate = {
        "subject": ((("commonName", "CP|1"),), (("organizationName", "X"),)),
        "subjectAltName": (("URI", identity_uri("CP@2")), ("DNS", "CP3")),
    }
    peer = Peer(address="", encrypted=True, certificate_names=names_in(certificate))

    assert peer.names("CP|1")
    assert peer.names("CP@2")
    assert not peer.names("CP3")
    assert not peer.names("X")
    assert names_in({}) == names_in(None) == frozenset()


def test_the_end_of_a_certificate_is_told_in_utc() -> None:
    told = {"notAfter": "Jan  5 09:34:43 2027 GMT"}

    assert end_of(told) == datetime(2027, 1, 5, 9, 34, 43, tzinfo=UTC)
    assert end_of({}) is None
    assert end_of(None) is None
