"""Keys are under lock in copies of their folder, and nowhere else."""

import shutil
from pathlib import Path

import pytest

from custom_components.balanz.csms import certificate_authority
from custom_components.balanz.csms.certificate_authority import CertificateAuthority
from custom_components.balanz.csms.key_lock import KeysLocked, WrongCode

from .certificates import ec_key
from .test_certificate_authority import csr

NAMES = ("127.0.0.1",)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CertificateAuthority:
    monkeypatch.setattr(certificate_authority, "_ROOT_KEY_BITS", 2048)
    authority = CertificateAuthority(tmp_path / "certificates")
    authority.prepare(NAMES)
    return authority


def keys_in(folder: Path) -> dict[str, bytes]:
    """The private keys that anybody can read."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if b"-----BEGIN PRIVATE KEY-----" in path.read_bytes()
    }


def copied(authority: CertificateAuthority, to: Path) -> CertificateAuthority:
    """Copy the folder, as a backup does, and return who finds it after a restore."""
    authority.lock.withhold()
    shutil.copytree(authority.root.parent, to)
    authority.lock.give_back()
    return CertificateAuthority(to)


def test_without_a_code_a_copy_has_all_keys(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    copy = copied(authority, tmp_path / "copy")

    assert keys_in(copy.root.parent) == keys_in(authority.root.parent)
    assert len(keys_in(copy.root.parent)) == 3


def test_with_a_code_a_copy_has_no_key_and_the_folder_is_as_before(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    authority.lock.put()
    folder = authority.root.parent
    before = keys_in(folder), {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    copy = copied(authority, tmp_path / "copy")

    assert keys_in(copy.root.parent) == {}
    after = keys_in(folder), {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert after == before
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.key")} == {0o600}


def test_after_a_restore_the_code_opens_the_keys_and_the_root_is_the_same(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    code = authority.lock.put()
    copy = copied(authority, tmp_path / "copy")
    with pytest.raises(KeysLocked):
        copy.prepare(NAMES)
    with pytest.raises(WrongCode):
        copy.lock.open(code[:-1])

    copy.lock.open(f" {code[:10]} {code[10:]}\n")

    copy.prepare(NAMES)
    assert copy.root.read_bytes() == authority.root.read_bytes()
    assert keys_in(copy.root.parent).keys() == keys_in(authority.root.parent).keys()
    root_key = "balanz-root.key"
    assert keys_in(copy.root.parent)[root_key] == keys_in(authority.root.parent)[root_key]


def test_a_newer_code_takes_the_place_of_the_one_before(authority: CertificateAuthority) -> None:
    old, new = authority.lock.put(), authority.lock.put()
    assert old != new
    with pytest.raises(WrongCode):
        authority.lock.open(old)

    authority.lock.open(new)


def test_certificates_are_signed_while_the_keys_are_away(authority: CertificateAuthority) -> None:
    authority.lock.put()
    authority.lock.withhold()
    # Two backups at once are no trouble.
    authority.lock.withhold()

    assert "BEGIN CERTIFICATE" in authority.sign(csr("CP1", ec_key()), "CP1")
    assert authority.lock.put()
    authority.lock.give_back()
    assert len(keys_in(authority.root.parent)) == 3


def test_a_new_root_forgets_the_lock_of_the_old_one(authority: CertificateAuthority) -> None:
    authority.lock.put()
    authority.root.unlink()

    authority.prepare(NAMES)

    authority.lock.withhold()
    assert len(keys_in(authority.root.parent)) == 3


def test_there_is_nothing_to_lock_before_there_is_a_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no key yet"):
        CertificateAuthority(tmp_path).lock.put()
