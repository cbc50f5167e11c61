"""The small certificate authority."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from custom_components.balanz.csms import certificate_authority
from custom_components.balanz.csms.admission import AdmissionRule
from custom_components.balanz.csms.certificate_authority import CertificateAuthority, CsrRefused
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.csms.tls import CertificateFiles, TlsSettings
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from .certificates import Key, ec_key, name, rsa_key
from .client import RawCharger
from .conftest import Bench

NAMES = ("homeassistant.local", "127.0.0.1")


@pytest.fixture(autouse=True)
def quick_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_authority, "_ROOT_KEY_BITS", 2048)


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path / "certificates")


def csr(common_name: str = "CP1", key: Key | ed25519.Ed25519PrivateKey | None = None) -> str:
    key = key or ec_key()
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(name(common_name))
    return request.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode()


def read(files: CertificateFiles) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.certificate.read_bytes())


def test_server_certificates_are_of_both_kinds_and_for_all_names(
    authority: CertificateAuthority,
) -> None:
    elliptic, classic = map(read, authority.prepare(NAMES))

    assert isinstance(elliptic.public_key(), ec.EllipticCurvePublicKey)
    assert isinstance(classic.public_key(), rsa.RSAPublicKey)
    for certificate in (elliptic, classic):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["homeassistant.local"]
        assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_nobody_else_may_read_the_keys(authority: CertificateAuthority) -> None:
    files = authority.prepare(NAMES)

    keys = [one.key for one in files] + [authority.root.with_suffix(".key")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert stat.S_IMODE(authority.root.parent.stat().st_mode) == 0o700


def test_what_is_good_stays_and_what_is_not_is_made_anew(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [read(files) for files in authority.prepare(NAMES)]
    root = authority.root.read_bytes()
    assert [read(files) for files in authority.prepare(NAMES)] == before

    other_name = [read(files) for files in authority.prepare(("ocpp.example.org",))]
    assert not set(other_name) & set(before)

    monkeypatch.setattr(certificate_authority, "RENEW_BEFORE", timedelta(days=398))
    renewed = [read(files) for files in authority.prepare(("ocpp.example.org",))]
    assert not set(renewed) & set(other_name)

    monkeypatch.undo()
    files = authority.prepare(("ocpp.example.org",))[0]
    files.certificate.write_text("half")
    assert read(authority.prepare(("ocpp.example.org",))[0]) not in renewed
    assert authority.root.read_bytes() == root


def test_a_key_that_is_no_roots_is_an_error(authority: CertificateAuthority) -> None:
    files = authority.prepare(NAMES)
    authority.root.with_suffix(".key").write_bytes(files[0].key.read_bytes())

    with pytest.raises(ValueError, match="not the key of a root"):
        authority.prepare(NAMES)


@pytest.mark.parametrize("common_name", ["CP1", "SERIAL-1"])
@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ec", "rsa"])
def test_tc_074_a_charger_gets_a_certificate_for_its_key_and_name(
    authority: CertificateAuthority, common_name: str, key: Key
) -> None:
    chain = authority.sign(csr(common_name, key), "CP1", serial="SERIAL-1")

    own, root = x509.load_pem_x509_certificates(chain.encode())
    assert own.public_key() == key.public_key()
    assert own.subject == name(common_name)
    own.verify_directly_issued_by(root)
    assert root == x509.load_pem_x509_certificate(authority.root.read_bytes())
    assert own.not_valid_after_utc - datetime.now(UTC) > timedelta(days=700)


@pytest.mark.parametrize(
    ("request_pem", "reason"),
    [
        (csr("CP2"), "common name"),
        (csr(""), "common name"),
        ("junk", "cannot be read"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "read"),
        ("x" * 200_000, "too long"),
        (csr(key=ec.generate_private_key(ec.SECP192R1())), "too short"),
        (csr(key=ed25519.Ed25519PrivateKey.generate()), "another kind"),
    ],
    ids=["another-name", "no-name", "D31-junk", "no-der", "D31-200-kB", "short-key", "ed25519"],
)
def test_d31_what_cannot_be_signed_is_refused(
    authority: CertificateAuthority, request_pem: str, reason: str
) -> None:
    with pytest.raises(CsrRefused, match=reason):
        authority.sign(request_pem, "CP1")


def test_a_request_that_was_tampered_with_is_refused(authority: CertificateAuthority) -> None:
    der = bytearray(x509.load_pem_x509_csr(csr().encode()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    lines = ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST")

    with pytest.raises(CsrRefused):
        authority.sign(lines, "CP1")


async def test_with_the_root_installed_a_charger_trusts_the_server_and_is_trusted(
    socket_enabled: None, journal: Journal, authority: CertificateAuthority, tmp_path: Path
) -> None:
    tls = TlsSettings(
        port=0, certificates=authority.prepare(NAMES), client_authority=authority.root
    )
    central = Bench(TransactionBook(journal), tls=tls)
    central.set_known(["CP1"], {"CP1": AdmissionRule(profile=SecurityProfile.TLS_CERTIFICATE)})
    await central.start()
    key = ec_key()
    own = CertificateFiles(certificate=tmp_path / "own.pem", key=tmp_path / "own.key")
    own.certificate.write_text(authority.sign(csr("SERIAL-1", key), "CP1", serial="SERIAL-1"))
    own.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(cafile=str(authority.root))
    context.load_cert_chain(own.certificate, own.key)

    assert central.tls_port is not None
    charger = await RawCharger.dial(central.tls_port, "CP1", ssl=context)

    assert await charger.alive()
    await charger.close()
    await central.stop()
