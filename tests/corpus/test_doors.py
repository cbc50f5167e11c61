"""Who is let in, on real sockets: the others are refused, told of once, and change nothing."""

import base64
import logging
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus

from custom_components.balanz.csms import server, websocket
from custom_components.balanz.csms.admission import AdmissionRule
from custom_components.balanz.csms.credentials import PasswordHash
from custom_components.balanz.csms.peers import Peer
from custom_components.balanz.csms.security_events import AdmissionRefused
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.csms.tls import TlsSettings
from tests.csms.certificates import Made
from tests.csms.client import RawCharger

from .conftest import SetScene
from .doors import DOORS, PASSWORD
from .rows import Coming, DoorRow, HttpStatus, HungUp, Outcome, Upgraded
from .scene import Scene

HASH = PasswordHash.of(PASSWORD)
ROOT = Made.root("the root that chargers trust")
CHARGERS = Made.root("the root that signs chargers")
CERTIFICATES = {
    "its own": Made.of("CP1", CHARGERS),
    "of another": Made.of("CP2", CHARGERS),
    "expired": Made.of("CP1", CHARGERS, days=(-9, -2)),
    "not yet": Made.of("CP1", CHARGERS, days=(9, 20)),
    "strangers'": Made.of("CP1", Made.root("strangers")),
    "self-signed": Made.of("CP1", None),
}
RIGHT = {
    SecurityProfile.OPEN: Coming(),
    SecurityProfile.PASSWORD: Coming(password=PASSWORD),
    SecurityProfile.TLS_PASSWORD: Coming(password=PASSWORD, encrypted=True),
    SecurityProfile.TLS_CERTIFICATE: Coming(encrypted=True, certificate="its own"),
}
"""How the charger itself comes, for each security profile that may be asked of it."""

type Come = Callable[[Scene, Coming], Any]


def name(row: DoorRow) -> str:
    """Return what pytest calls a row."""
    return f"{row.id} {row.case}"


@pytest.fixture
def tls(tmp_path: Path) -> TlsSettings:
    authority = tmp_path / "chargers.pem"
    authority.write_bytes(CHARGERS.pem)
    files = Made.of("balanz", ROOT).files(tmp_path, "server")
    return TlsSettings(port=0, certificates=(files,), client_authority=authority)


@pytest.fixture
async def come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Come]:
    """Dial in as told; return the charger. What is not let in raises."""
    async with AsyncExitStack() as chargers:

        async def dial(scene: Scene, coming: Coming) -> RawCharger:
            def peer_of(connection: Any) -> Peer:
                peer = websocket.peer_of(connection)
                address = coming.address or peer.address
                return Peer(
                    address=address,
                    encrypted=peer.encrypted,
                    certificate_names=peer.certificate_names,
                )

            monkeypatch.setattr(server, "peer_of", peer_of)
            options: dict[str, Any] = {"additional_headers": headers(coming)}
            port = scene.central.port
            if coming.encrypted:
                assert scene.central.tls_port is not None
                port, options["ssl"] = scene.central.tls_port, context(coming, tmp_path)
            charger = await RawCharger.dial(port, "CP1", **options)
            chargers.push_async_callback(charger.close)
            return charger

        yield dial


def headers(coming: Coming) -> dict[str, str]:
    """Return the headers that somebody sends."""
    if coming.header is not None:
        return {"Authorization": coming.header}
    if coming.password is None:
        return {}
    raw = coming.password if isinstance(coming.password, bytes) else coming.password.encode()
    credentials = base64.b64encode(f"{coming.user}:".encode() + raw)
    return {"Authorization": f"Basic {credentials.decode()}"}


def context(coming: Coming, folder: Path) -> ssl.SSLContext:
    """Return what somebody shakes hands with."""
    made = ssl.create_default_context(cadata=ROOT.pem.decode())
    if coming.certificate is not None:
        shown = CERTIFICATES[coming.certificate].files(folder, "shown")
        made.load_cert_chain(shown.certificate, shown.key)
    if coming.version is not None:
        made.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="deprecated"):
            made.minimum_version = made.maximum_version = ssl.TLSVersion[coming.version]
    return made


async def came(come: Come, scene: Scene, coming: Coming) -> Outcome:
    """Return what became of somebody who came."""
    try:
        charger = await come(scene, coming)
    except InvalidStatus as refusal:
        return HttpStatus(code=refusal.response.status_code)
    except OSError, InvalidHandshake:
        return HungUp()
    assert await charger.alive()
    return Upgraded()


@pytest.mark.parametrize("row", DOORS, ids=name)
@pytest.mark.usefixtures("no_interview")
async def test_doors(
    set_scene: SetScene,
    come: Come,
    tls: TlsSettings,
    caplog: pytest.LogCaptureFixture,
    row: DoorRow,
) -> None:
    caplog.set_level(logging.DEBUG, logger="custom_components.balanz")
    scene = await set_scene({"tls": tls})
    passwords = () if row.asks is SecurityProfile.OPEN else (HASH,)
    rule = AdmissionRule(profile=row.asks, passwords=passwords)
    scene.central.set_known(["CP1", "CP2"], {"CP1": rule, "CP2": AdmissionRule()})

    outcomes = [await came(come, scene, coming) for coming in row.comes]

    assert outcomes[-1] == row.then
    assert (row.then == HungUp()) == ("could not connect encrypted" in caplog.text)
    refused = [event.cause for event in scene.central.seen(AdmissionRefused)]
    assert refused == ([] if row.told is None else [row.told])
    assert scene.is_unchanged
    assert await scene.good.alive()
    assert await came(come, scene, RIGHT[row.asks]) == Upgraded()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert PASSWORD not in caplog.text
    assert base64.b64encode(PASSWORD.encode()).decode() not in caplog.text
