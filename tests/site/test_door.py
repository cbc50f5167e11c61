"""Who gets into a running site, over its restarts and the changes of its settings."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from websockets.exceptions import InvalidMessage

from custom_components.balanz.csms import certificate_authority
from custom_components.balanz.csms.certificate_authority import CertificateAuthority
from custom_components.balanz.csms.credentials import authorization_key
from custom_components.balanz.csms.peers import Peer
from custom_components.balanz.csms.security_events import IdentityShared, SecurityEvent
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.csms.station import CommandRejected, StationUnreachable
from custom_components.balanz.csms.tls import CertificateFiles, TlsError, TlsSettings
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import SiteSettings
from custom_components.balanz.site.snapshot import Problem, ProblemKind
from tests.csms.certificates import Made, ec_key
from tests.csms.client import RawCharger, status_of
from tests.csms.test_certificate_authority import csr
from tests.csms.test_security_profiles import basic, come_from

from .build import changed, charger, pass_s, settings, until
from .conftest import Bench

PASSWORD, NEW_PASSWORD = "aB3dE5fG7hJ9kL2mN4pQ", "zY8xW6vU4tS2rQ9pN7mK"
"""Written down, since tests are told apart by them."""


def asking(profile: SecurityProfile = SecurityProfile.PASSWORD, **more: Any) -> SiteSettings:
    """A site that asks charger A for this much."""
    return settings(charger("A", security=profile), **more)


async def dial(site: BalanzSite, password: str | None = None) -> RawCharger:
    options = {} if password is None else basic(password, user="A")
    return await RawCharger.dial(site.port, "A", **options)


async def refusal(site: BalanzSite, password: str | None = None) -> int:
    options = {} if password is None else basic(password, user="A")
    return await status_of(site.port, "/A", **options)


def problems(site: BalanzSite) -> list[Problem]:
    return [problem for problem in site.snapshot.problems if problem.subject in ("A", "")]


def kinds(site: BalanzSite) -> list[ProblemKind]:
    return [problem.kind for problem in problems(site)]


async def test_a_password_outlives_a_restart_and_is_not_on_the_disk(bench: Bench) -> None:
    site = await bench.start(asking())
    await site.door.set_password("A", PASSWORD)
    await site.stop()

    again = await bench.start(asking())

    assert again.door.has_password("A")
    charger = await dial(again, PASSWORD)
    assert (await charger.boot())["status"] == "Accepted"
    await charger.close()
    for file in bench.folder.iterdir():
        text = file.read_bytes()
        assert PASSWORD.encode() not in text
        assert authorization_key(PASSWORD).encode() not in text


async def test_a_password_can_be_made_before_its_charger_is_set_up(bench: Bench) -> None:
    site = await bench.start(settings())
    await site.door.set_password("A", PASSWORD)

    await site.apply(asking())

    await (await dial(site, PASSWORD)).close()


async def test_a_password_of_a_charger_that_never_came_is_forgotten_by_a_restart(
    bench: Bench,
) -> None:
    site = await bench.start(settings())
    await site.door.set_password("A", PASSWORD)
    await site.stop()

    again = await bench.start(settings())

    assert not again.door.has_password("A")


async def test_the_password_of_a_removed_charger_is_forgotten(bench: Bench) -> None:
    site = await bench.start(asking())
    await site.door.set_password("A", PASSWORD)
    await site.apply(settings())

    await site.apply(asking())

    assert not site.door.has_password("A")
    assert await refusal(site, PASSWORD) == 401


async def test_tc_073_a_charger_takes_its_new_password_and_comes_back_with_it(
    bench: Bench,
) -> None:
    site = await bench.start(asking())
    await site.door.set_password("A", PASSWORD)
    charger = await dial(site, PASSWORD)
    await charger.boot()
    await until(lambda: site.door.is_connected("A"))
    await site.door.set_password("A", NEW_PASSWORD)

    await site.door.send_password("A", NEW_PASSWORD)

    assert {
        "key": "AuthorizationKey",
        "value": authorization_key(NEW_PASSWORD),
    } in charger.received("ChangeConfiguration")
    await charger.close()
    # The power was cut before it had stored the new one.
    await (await dial(site, PASSWORD)).close()
    await (await dial(site, NEW_PASSWORD)).close()
    assert await refusal(site, PASSWORD) == 401


@pytest.mark.parametrize(
    "answer",
    [{"status": "Rejected"}, '[4,"%s","GenericError","cannot take ' + NEW_PASSWORD + '",{}]'],
)
async def test_a_charger_that_does_not_take_a_password_keeps_the_old_one(
    bench: Bench, answer: Any
) -> None:
    site = await bench.start(asking())
    await site.door.set_password("A", PASSWORD)
    charger = await dial(site, PASSWORD)
    charger.answers["ChangeConfiguration"] = answer
    await charger.boot()
    await site.door.set_password("A", NEW_PASSWORD)

    with pytest.raises(CommandRejected) as error:
        await site.door.send_password("A", NEW_PASSWORD)

    assert NEW_PASSWORD not in str(error.value)
    await charger.close()
    await (await dial(site, PASSWORD)).close()


async def test_who_is_not_there_cannot_be_given_a_password(bench: Bench) -> None:
    site = await bench.start(asking())

    for identity in ("A", "B"):
        with pytest.raises(StationUnreachable):
            await site.door.send_password(identity, PASSWORD)


async def test_an_address_is_pinned_over_a_restart_and_can_be_changed_by_the_user(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await bench.start(asking(SecurityProfile.OPEN))
    await (await dial(site)).close()
    await site.stop()
    again = await bench.start(asking(SecurityProfile.OPEN))
    come_from(monkeypatch, "192.168.1.9")
    assert await refusal(again) == 401
    await until(lambda: kinds(again) == [ProblemKind.ADDRESS_CHANGED])
    assert problems(again)[0].placeholders == {
        "charger": "Charger A",
        "address": "192.168.1.9",
        "known_address": "127.0.0.1",
    }

    again.door.accept_address("A")

    await until(lambda: not kinds(again))
    await (await dial(again)).close()


async def test_there_is_nothing_to_accept_where_nothing_was_refused(bench: Bench) -> None:
    site = await bench.start(asking(SecurityProfile.OPEN))
    await (await dial(site)).close()

    site.door.accept_address("A")

    await (await dial(site)).close()


async def test_a_raised_profile_outlives_a_restart_and_only_the_user_lowers_it(
    bench: Bench,
) -> None:
    raised: list[tuple[str, SecurityProfile]] = []
    site = await bench.start(asking(SecurityProfile.OPEN))
    site.door.on_raised = lambda identity, profile: raised.append((identity, profile))
    await site.door.set_password("A", PASSWORD)
    await (await dial(site, PASSWORD)).close()
    assert raised == [("A", SecurityProfile.PASSWORD)]
    await site.stop()

    again = await bench.start(asking(SecurityProfile.OPEN))
    assert await refusal(again) == 401
    # As the settings show it from now on, and then as the user changes them.
    await again.apply(asking(SecurityProfile.PASSWORD))
    assert await refusal(again) == 401
    await again.apply(asking(SecurityProfile.OPEN))


async def test_who_lowers_the_profile_in_the_settings_lets_it_in_with_less(bench: Bench) -> None:
    site = await bench.start(asking(SecurityProfile.PASSWORD))
    assert await refusal(site) == 401

    await site.apply(asking(SecurityProfile.OPEN))

    await (await dial(site)).close()


@pytest.mark.parametrize(
    ("profile", "password", "address", "kind"),
    [
        (SecurityProfile.PASSWORD, None, "127.0.0.1", ProblemKind.PASSWORD_REFUSED),
        (SecurityProfile.PASSWORD, "wrong", "127.0.0.1", ProblemKind.PASSWORD_REFUSED),
        (SecurityProfile.TLS_PASSWORD, PASSWORD, "127.0.0.1", ProblemKind.SECURITY_TOO_LOW),
        (SecurityProfile.PASSWORD, PASSWORD, "8.8.8.8", ProblemKind.INTERNET_REFUSED),
    ],
)
async def test_a_charger_that_stays_outside_is_a_problem_until_the_user_has_changed_something(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    profile: SecurityProfile,
    password: str | None,
    address: str,
    kind: ProblemKind,
) -> None:
    site = await bench.start(asking(profile))
    await site.door.set_password("A", PASSWORD)
    come_from(monkeypatch, address)
    await refusal(site, password)
    await until(lambda: kinds(site) == [kind])

    await site.apply(asking(SecurityProfile.TLS_CERTIFICATE))

    await until(lambda: not kinds(site))


async def test_a_stranger_at_the_door_of_a_connected_charger_is_no_problem(
    bench: Bench,
) -> None:
    site = await bench.start(asking())
    await site.door.set_password("A", PASSWORD)
    charger = await dial(site, PASSWORD)
    await charger.boot()

    await refusal(site, "wrong")
    await until(lambda: site.snapshot.chargers["A"].connected)

    assert kinds(site) == []
    await charger.close()


async def test_the_problem_ends_with_its_charger(bench: Bench) -> None:
    site = await bench.start(asking())
    await refusal(site)
    await until(lambda: kinds(site))

    await site.apply(settings())

    await until(lambda: not kinds(site))


async def test_peers_from_the_internet_come_in_where_that_is_allowed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = asking()
    site = await bench.start(base)
    await site.door.set_password("A", PASSWORD)
    monkeypatch.setattr(
        "custom_components.balanz.csms.server.peer_of",
        lambda _connection: Peer(address="8.8.8.8", encrypted=True),
    )
    assert await refusal(site, PASSWORD) == 403

    await site.apply(replace(base, allows_internet=True))

    await (await dial(site, PASSWORD)).close()


async def test_an_address_has_as_many_connections_as_the_settings_say(bench: Bench) -> None:
    base = asking(SecurityProfile.OPEN)
    site = await bench.start(base)
    await site.apply(replace(base, sockets_per_address=1))
    first = await dial(site)
    with pytest.raises(InvalidMessage):
        await dial(site)

    await site.apply(base)

    await (await dial(site)).close()
    await first.close()


async def test_a_shared_identity_is_told_for_half_an_hour(bench: Bench) -> None:
    told: list[SecurityEvent] = []
    site = await bench.start(asking(SecurityProfile.OPEN))
    site.door.on_event = told.append
    chargers = [await dial(site) for _ in range(7)]
    await until(lambda: kinds(site) == [ProblemKind.IDENTITY_SHARED])
    assert IdentityShared(identity="A", addresses=("127.0.0.1",)) in told

    await pass_s(1500.0)
    assert kinds(site) == [ProblemKind.IDENTITY_SHARED]
    await until(lambda: not kinds(site))
    for one in chargers:
        await one.close()
    await site.apply(changed(asking(), charger("B")))
    assert site.door.next_change(0.0) is None


# Certificates


async def start_encrypted(
    folder: Path, tls: TlsSettings, authority: CertificateAuthority | None = None
) -> BalanzSite:
    site = BalanzSite(settings=asking(), storage_path=folder, tls=tls, authority=authority)
    try:
        await site.start()
    except BaseException:
        await site.stop()
        raise
    return site


async def test_a_certificate_that_ends_soon_and_one_that_is_spoilt_are_problems(
    socket_enabled: None, tmp_path: Path
) -> None:
    files = Made.of("balanz", None, days=(-1, 5)).files(tmp_path, "server")
    tls = TlsSettings(port=0, certificates=(files,))
    site = await start_encrypted(tmp_path / "site", tls)
    assert site.door.port not in (None, 0, site.port)
    await until(lambda: kinds(site) == [ProblemKind.CERTIFICATE_EXPIRES])
    ends = (datetime.now(UTC) + timedelta(days=5)).date()
    assert problems(site)[0].placeholders == {"date": ends.isoformat()}

    files.key.write_text("x")
    renewing = site._rooms.central.tls
    assert renewing is not None
    await renewing.reload_if_changed()
    site._rooms.timer.step()

    assert ProblemKind.CERTIFICATE_UNUSABLE in kinds(site)
    await site.stop()


async def test_a_site_without_a_usable_certificate_does_not_start(
    socket_enabled: None, tmp_path: Path
) -> None:
    files = Made.of("balanz", None).files(tmp_path, "server")
    files.certificate.unlink()

    with pytest.raises(TlsError):
        await start_encrypted(tmp_path / "site", TlsSettings(port=0, certificates=(files,)))


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CertificateAuthority:
    monkeypatch.setattr(certificate_authority, "_ROOT_KEY_BITS", 2048)
    return CertificateAuthority(tmp_path / "certificates")


async def start_with_own(folder: Path, authority: CertificateAuthority) -> BalanzSite:
    """A site that signs certificates itself, with a charger that has its password."""
    tls = TlsSettings(
        port=0,
        certificates=authority.prepare(("127.0.0.1",)),
        client_authority=authority.root,
    )
    site = await start_encrypted(folder / "site", tls, authority)
    await site.door.set_password("A", PASSWORD)
    return site


async def test_tc_074_a_charger_asks_for_a_certificate_and_comes_with_it(
    socket_enabled: None, tmp_path: Path, authority: CertificateAuthority
) -> None:
    site = await start_with_own(tmp_path, authority)
    charger = await dial(site, PASSWORD)
    charger.answers["CertificateSigned"] = {"status": "Accepted"}
    charger.answers["InstallCertificate"] = {"status": "Accepted"}
    await charger.boot(chargePointSerialNumber="S-1")
    await site.door.trust_root("A")
    key = ec_key()

    assert await charger.call("SignCertificate", {"csr": csr("S-1", key)}) == {"status": "Accepted"}

    await until(lambda: charger.received("CertificateSigned"))
    [installed] = charger.received("InstallCertificate")
    [signed] = charger.received("CertificateSigned")
    await charger.close()
    own = CertificateFiles(certificate=tmp_path / "own.pem", key=tmp_path / "own.key")
    own.certificate.write_text(signed["certificateChain"])
    Made(x509.load_pem_x509_certificate(own.certificate.read_bytes()), key).files(tmp_path, "own")
    own.certificate.write_text(signed["certificateChain"])
    context = ssl.create_default_context(cadata=installed["certificate"])
    context.load_cert_chain(own.certificate, own.key)
    assert site.door.port is not None
    again = await RawCharger.dial(site.door.port, "A", ssl=context)
    assert await again.alive()
    await again.close()
    # It has a certificate now, so a password alone is not enough any more.
    assert await refusal(site, PASSWORD) == 403
    await site.stop()


async def certified(site: BalanzSite, folder: Path, charger: RawCharger) -> RawCharger:
    """Have a charger ask for a certificate, and come back with it."""
    known = len(charger.received("CertificateSigned"))
    charger.answers["CertificateSigned"] = {"status": "Accepted"}
    key = ec_key()
    await charger.call("SignCertificate", {"csr": csr("A", key)})
    await until(lambda: len(charger.received("CertificateSigned")) > known)
    chain = charger.received("CertificateSigned")[-1]["certificateChain"]
    await charger.close()
    own = Made(x509.load_pem_x509_certificate(chain.encode()), key).files(folder, "own")
    root = folder / "certificates" / "balanz-root.pem"
    context = ssl.create_default_context(cafile=root)
    context.load_cert_chain(own.certificate, own.key)
    assert site.door.port is not None
    again = await RawCharger.dial(site.door.port, "A", ssl=context)
    again.answers["ExtendedTriggerMessage"] = {"status": "Accepted"}
    await again.boot()
    return again


async def test_a_charger_whose_certificate_ends_soon_is_asked_for_a_new_one(
    socket_enabled: None,
    tmp_path: Path,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = await start_with_own(tmp_path, authority)
    charger = await dial(site, PASSWORD)
    await charger.boot()
    lasts = certificate_authority.CHARGER_LASTS
    monkeypatch.setattr(certificate_authority, "CHARGER_LASTS", timedelta(days=10))

    charger = await certified(site, tmp_path, charger)

    await until(lambda: charger.received("ExtendedTriggerMessage"))
    asked = {"requestedMessage": "SignChargePointCertificate"}
    assert charger.received("ExtendedTriggerMessage") == [asked]
    await until(lambda: kinds(site) == [ProblemKind.CHARGER_CERTIFICATE_EXPIRES])
    ends = (datetime.now(UTC) + timedelta(days=10)).date()
    assert problems(site)[0].placeholders == {"charger": "Charger A", "date": ends.isoformat()}
    # It has not listened, so that it is asked again the next day.
    site.door.renew_certificates()
    await until(lambda: len(charger.received("ExtendedTriggerMessage")) == 2)

    monkeypatch.setattr(certificate_authority, "CHARGER_LASTS", lasts)
    charger = await certified(site, tmp_path, charger)
    site.door.renew_certificates()
    await charger.alive()
    assert charger.received("ExtendedTriggerMessage") == []
    assert kinds(site) == []
    await charger.close()
    await site.stop()


async def test_a_charger_that_does_not_renew_its_certificate_is_told_of_after_a_restart_too(
    socket_enabled: None,
    tmp_path: Path,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(certificate_authority, "CHARGER_LASTS", timedelta(days=10))
    site = await start_with_own(tmp_path, authority)
    charger = await dial(site, PASSWORD)
    await charger.boot()
    charger = await certified(site, tmp_path, charger)
    charger.answers["ExtendedTriggerMessage"] = {"status": "Rejected"}
    site.door.renew_certificates()
    await until(lambda: "Charger A does not renew its certificate: Rejected" in caplog.text)
    await charger.close()
    await site.stop()

    site = await start_with_own(tmp_path, authority)

    await until(lambda: kinds(site) == [ProblemKind.CHARGER_CERTIFICATE_EXPIRES])
    # Who asks for less needs no certificate.
    await site.apply(asking(SecurityProfile.TLS_PASSWORD))
    await until(lambda: kinds(site) == [])
    await site.stop()


async def test_d31_a_request_that_is_not_the_chargers_is_refused(
    socket_enabled: None,
    tmp_path: Path,
    authority: CertificateAuthority,
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = await start_with_own(tmp_path, authority)
    charger = await dial(site, PASSWORD)
    await charger.boot()

    for request in (csr("B"), "junk"):
        assert await charger.call("SignCertificate", {"csr": request}) == {"status": "Rejected"}

    assert "gets no certificate" in caplog.text
    assert charger.received("CertificateSigned") == []
    await charger.close()
    await site.stop()


async def test_tc_077_a_charger_may_refuse_what_it_asked_for(
    socket_enabled: None,
    tmp_path: Path,
    authority: CertificateAuthority,
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = await start_with_own(tmp_path, authority)
    charger = await dial(site, PASSWORD)
    charger.answers["CertificateSigned"] = {"status": "Rejected"}
    await charger.boot()

    await charger.call("SignCertificate", {"csr": csr("A")})

    await until(lambda: "got no certificate" in caplog.text)
    assert await charger.alive()
    await charger.close()
    await site.stop()


async def test_a_site_without_a_root_has_none_to_install(bench: Bench) -> None:
    site = await bench.start(asking())

    with pytest.raises(LookupError):
        await site.door.trust_root("A")


async def test_a_damaged_record_lets_nobody_in_and_keeps_nobody_from_starting(
    bench: Bench,
) -> None:
    site = await bench.start(asking())
    site._rooms.ledger.admissions["A"] = {"passwords": ["?"], "address": None, "raised": None}

    await site.apply(asking())

    assert await refusal(site, PASSWORD) == 401
    assert not site.door.has_password("A")
