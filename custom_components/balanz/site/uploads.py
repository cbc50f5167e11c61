"""Logs that chargers are to load up: where they may, and where the files go."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

from ..csms.events import DiagnosticsStatusChanged
from ..csms.server import CentralSystem

KEPT_PER_CHARGER = 20
"""Older files of a charger are deleted when a new one comes."""
DEFAULT_SUFFIX = ".log"
_SUFFIXES = re.compile(
    r"(\.tar)?\.(7z|bin|bz2|csv|gz|json|log|tar|tgz|txt|xml|xz|zip)", re.IGNORECASE
)
_FAILED = frozenset(
    {"uploadfailed", "uploadfailure", "badmessage", "notsupportedoperation", "permissiondenied"}
)
"""What a charger tells of an upload that did not work, of GetDiagnostics or of GetLog."""

type UploadListener = Callable[[UploadOutcome], None]


class AddressUnknown(LookupError):
    """Nobody knows by what URL a charger reaches balanz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOutcome:
    """A file of a charger that is here, or is not."""

    identity: str
    kind: str
    """What was asked for."""
    path: Path | None = None
    """Where the file is; None where the charger could not load it up."""
    size: int = 0
    """In bytes."""
    detail: str = ""
    """What the charger said, in its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedUpload:
    """Leave for a charger to load a file up."""

    url: str
    """Where to; a folder, as far as the charger can tell."""
    kind: str
    ended: asyncio.Future[UploadOutcome]
    """When it is here, or the charger says that it will not come."""


class Uploads:
    """Makes one-time URLs for chargers, and names what comes."""

    def __init__(self, *, folder: Path, central: CentralSystem) -> None:
        """Expect nothing yet; files go into the folder."""
        self._folder = folder
        self._central = central
        self._expected: dict[str, ExpectedUpload] = {}
        """The last one of each charger, by identity."""
        self._listeners: dict[str, set[UploadListener]] = {}

    def expect(self, identity: str, kind: str) -> ExpectedUpload:
        """Give a charger leave to load a file up, instead of what it had leave for before.

        Raises AddressUnknown if it has not said how it reaches balanz.
        """
        station = self._central.stations.get(identity)
        if station is None or station.dialled is None:
            raise AddressUnknown(identity)
        self.withdraw(identity)

        ended: asyncio.Future[UploadOutcome] = asyncio.get_running_loop().create_future()

        def stored(path: Path, size: int) -> None:
            outcome = UploadOutcome(identity=identity, kind=kind, path=path, size=size)
            self._end(outcome, ended)

        path = self._central.transfers.grant_upload(
            identity,
            folder=self._folder,
            name=partial(_keep, identity, kind),
            on_stored=stored,
        )
        expected = ExpectedUpload(url=station.dialled + path, kind=kind, ended=ended)
        self._expected[identity] = expected
        return expected

    def withdraw(self, identity: str) -> None:
        """Take back what a charger has leave for."""
        expected = self._expected.pop(identity, None)
        if expected is not None:
            self._central.transfers.revoke(expected.url)
            expected.ended.cancel()

    def told(self, event: DiagnosticsStatusChanged) -> None:
        """Take in how an upload goes; one that failed may be tried again by the charger."""
        expected = self._expected.get(event.identity)
        failed = event.status.replace("_", "").lower() in _FAILED
        if expected is not None and failed and not expected.ended.done():
            outcome = UploadOutcome(
                identity=event.identity, kind=expected.kind, detail=event.status
            )
            self._end(outcome, expected.ended)

    def subscribe(self, identity: str, listener: UploadListener) -> Callable[[], None]:
        """Call the listener when a file of a charger is here, or will not come."""
        listeners = self._listeners.setdefault(identity, set())
        listeners.add(listener)
        return lambda: listeners.discard(listener)

    def _end(self, outcome: UploadOutcome, ended: asyncio.Future[UploadOutcome]) -> None:
        if not ended.done():
            ended.set_result(outcome)
        for listener in tuple(self._listeners.get(outcome.identity, ())):
            listener(outcome)


def _keep(identity: str, kind: str, part: Path, name: str) -> Path:
    """Give a file its name and return that; the charger's own only tells what kind of file it is.

    Raises OSError.
    """
    folder = part.parent
    charger = re.sub(r"[^A-Za-z0-9-]", "-", identity)
    suffix = "".join(Path(name.lower()).suffixes[-2:])
    if _SUFFIXES.fullmatch(suffix) is None:
        suffix = Path(name.lower()).suffix
    if _SUFFIXES.fullmatch(suffix) is None:
        suffix = DEFAULT_SUFFIX
    at = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    names = (f"{charger}_{at}-{number:02}_{kind}{suffix}" for number in count(1))
    path = next(path for path in (folder / name for name in names) if not path.exists())
    part.replace(path)
    for older in sorted(folder.glob(f"{charger}_*"))[:-KEPT_PER_CHARGER]:
        older.unlink(missing_ok=True)
    return path
