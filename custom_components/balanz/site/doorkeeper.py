"""Who gets in: what the user asks of each charger, and what was learnt of it since."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ..csms.admission import AdmissionRule
from ..csms.certificate_authority import (
    CHARGER_LASTS,
    RENEW_BEFORE,
    CertificateAuthority,
    CsrRefused,
    checked,
)
from ..csms.credentials import PasswordHash
from ..csms.key_lock import KeysLocked
from ..csms.security_events import (
    AddressPinned,
    AdmissionRefused,
    CertificateShown,
    IdentityShared,
    PasswordTaken,
    ProfileRaised,
    RefusalCause,
    SecurityEvent,
    SecurityReported,
)
from ..csms.security_profile import SecurityProfile
from ..csms.server import CentralSystem
from ..csms.station import StationError, StationUnreachable
from ..csms.v16_security import CertificateUse, ExtendedTrigger, SecurityCommands
from ..storage.ledger import Ledger
from .recorder import Recorder
from .settings import ChargerSettings, SiteSettings
from .snapshot import Problem, ProblemKind

SHARED_LASTS_S = 1800.0
"""How long an alarm about an identity that two devices share is shown."""
MOST_REPORTS = 10
REPORTS_S = 60.0
"""No charger has more of its reports told within this time."""
EXPIRES_SOON = timedelta(days=14)
_KINDS = {
    RefusalCause.NO_CREDENTIALS: ProblemKind.PASSWORD_REFUSED,
    RefusalCause.WRONG_PASSWORD: ProblemKind.PASSWORD_REFUSED,
    RefusalCause.NOT_ENCRYPTED: ProblemKind.SECURITY_TOO_LOW,
    RefusalCause.NO_CERTIFICATE: ProblemKind.SECURITY_TOO_LOW,
    RefusalCause.OTHER_ADDRESS: ProblemKind.ADDRESS_CHANGED,
    RefusalCause.FROM_THE_INTERNET: ProblemKind.INTERNET_REFUSED,
}

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was learnt of how a charger gets in."""

    passwords: tuple[PasswordHash, ...] = ()
    address: str | None = None
    raised_to: SecurityProfile | None = None
    """The profile that it came with though less was asked for."""
    raised_from: SecurityProfile | None = None
    """What was asked for then; once the user asks for something else, that holds."""
    certificate_ends: datetime | None = None
    """Until when its own certificate is good; None where it has shown none."""

    @classmethod
    def from_record(cls, told: Mapping[str, Any]) -> _Known:
        """Read what was recorded. Raises KeyError, TypeError or ValueError."""
        address, raised = told["address"], told["raised"]
        raised_from, raised_to = raised or (None, None)
        ends = told.get("certificate_ends")
        return cls(
            passwords=tuple(PasswordHash.from_text(text) for text in told["passwords"]),
            address=None if address is None else str(address),
            raised_to=None if raised_to is None else SecurityProfile(raised_to),
            raised_from=None if raised_from is None else SecurityProfile(raised_from),
            certificate_ends=None if ends is None else datetime.fromisoformat(ends),
        )

    def as_record(self) -> dict[str, Any]:
        """Return it for the disk."""
        raised = None
        if self.raised_from is not None and self.raised_to is not None:
            raised = [int(self.raised_from), int(self.raised_to)]
        return {
            "passwords": [known.as_text() for known in self.passwords],
            "address": self.address,
            "raised": raised,
            "certificate_ends": _text(self.certificate_ends),
        }

    def rule(self, asked: SecurityProfile) -> AdmissionRule:
        """Return what is asked of the charger in the end."""
        raised_to = self.raised_to if self.raised_from == asked else None
        return AdmissionRule(
            profile=asked if raised_to is None else max(asked, raised_to),
            passwords=self.passwords,
            address=self.address,
        )


class Doorkeeper:
    """Keeps the rules of admission, on disk as well, and tells who was turned away."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        ledger: Ledger,
        recorder: Recorder,
        spawn: Callable[[Coroutine[object, object, None]], object],
        on_change: Callable[[], None],
        authority: CertificateAuthority | None = None,
    ) -> None:
        """Know nobody yet; `on_change` is called after each change of what is shown."""
        self.on_raised: Callable[[str, SecurityProfile], None] | None = None
        """What to call once a charger came with more security than was asked for."""
        self.on_event: Callable[[SecurityEvent], None] | None = None
        """What to call with everything that happens at the door."""
        self._central = central
        self._ledger = ledger
        self._recorder = recorder
        self._spawn = spawn
        self._on_change = on_change
        self._to_give: dict[str, str] = {}
        self._reports: dict[str, deque[float]] = {}
        self._authority = authority
        self._certifying: set[str] = set()
        central.on_certificate_wanted = self.certificate_wanted
        self._chargers: dict[str, ChargerSettings] = {}
        self._refused: dict[str, AdmissionRefused] = {}
        self._shared: dict[str, tuple[IdentityShared, float]] = {}

    @property
    def port(self) -> int | None:
        """The port for encrypted connections, if there is one."""
        return self._central.tls_port

    def forget_strangers(self, settings: SiteSettings) -> None:
        """Forget passwords of chargers that were never set up in the end."""
        identities = {charger.identity for charger in settings.chargers}
        for identity in self._ledger.admissions.keys() - identities:
            del self._ledger.admissions[identity]

    def open(self, settings: SiteSettings) -> None:
        """Let in the chargers of the settings, as these ask for."""
        asked = {charger.identity: charger.security for charger in settings.chargers}
        for identity in self._chargers.keys() - asked.keys():
            self._refused.pop(identity, None)
            self._shared.pop(identity, None)
            self._reports.pop(identity, None)
        for identity, charger in self._chargers.items():
            if asked.get(identity) != charger.security:
                self._refused.pop(identity, None)
        self._chargers = {charger.identity: charger for charger in settings.chargers}
        self._central.admission.allows_internet = settings.allows_internet
        self._central.limit_sockets(settings.sockets_per_address)
        self._central.set_known(
            asked, {identity: self._known(identity).rule(one) for identity, one in asked.items()}
        )

    def has_password(self, identity: str) -> bool:
        """Return whether a password was made for a charger."""
        return bool(self._known(identity).passwords)

    def is_connected(self, identity: str) -> bool:
        """Return whether a charger is connected and takes commands."""
        station = self._central.stations.get(identity)
        return station is not None and station.ready

    async def set_password(self, identity: str, password: str) -> None:
        """Have a password let a charger in; the one in use does so until then, too.

        The charger need not be set up yet. Raises StorageError, and changes nothing.
        """
        loop = asyncio.get_running_loop()
        hashed = await loop.run_in_executor(None, PasswordHash.of, password)
        known = self._known(identity)
        known = replace(known, passwords=(*known.passwords[:1], hashed))
        await self._recorder.write(self._ledger.note_admission(identity, known.as_record()))
        self._take_over(identity, known)

    async def send_password(self, identity: str, password: str) -> None:
        """Give a charger its new password over the connection it has. Raises StationError."""
        await self.commands(identity).change_password(password)

    def commands(self, identity: str) -> SecurityCommands:
        """Return what a charger can be asked about its security. Raises StationUnreachable."""
        station = self._central.stations.get(identity)
        if station is None:
            raise StationUnreachable("not connected")
        return SecurityCommands(station.request)

    async def trust_root(self, identity: str) -> None:
        """Have a charger trust the root of the site's own certificates.

        Raises StationError, LookupError where there is none, or OSError.
        """
        if self._authority is None:
            raise LookupError("the site has no root of its own")
        loop = asyncio.get_running_loop()
        root_pem = await loop.run_in_executor(None, self._authority.root.read_text)
        await self.install_root(identity, CertificateUse.CENTRAL_SYSTEM, root_pem)

    async def install_root(self, identity: str, use: CertificateUse, root_pem: str) -> None:
        """Have a charger trust any root. Raises StationError."""
        await self.commands(identity).install_certificate(use, root_pem)

    def certificate_wanted(self, identity: str, csr_pem: str) -> bool:
        """Learn that a charger wants a certificate; return whether it will get one."""
        if self._authority is None or identity in self._certifying:
            return False
        try:
            checked(csr_pem, identity, serial=self._serial(identity))
        except CsrRefused as error:
            _LOGGER.warning("Charger %s gets no certificate: %s", identity, error)
            return False
        self._certifying.add(identity)
        self._spawn(self._certify(self._authority, identity, csr_pem))
        return True

    async def _certify(self, authority: CertificateAuthority, identity: str, csr: str) -> None:
        sign = partial(authority.sign, csr, identity, serial=self._serial(identity))
        try:
            chain = await asyncio.get_running_loop().run_in_executor(None, sign)
            await self.commands(identity).certificate_signed(chain)
            _LOGGER.info("Charger %s has a new certificate", identity)
            if self._known(identity).certificate_ends is not None:
                # Until it shows another one, it is taken to use this one.
                self._change(identity, certificate_ends=datetime.now(UTC) + CHARGER_LASTS)
        except (StationError, KeysLocked, OSError, ValueError) as error:
            _LOGGER.warning("Charger %s got no certificate: %s", identity, error)
        finally:
            self._certifying.discard(identity)

    def renew_certificates(self) -> None:
        """Have the chargers ask for new certificates whose own end soon; for once a day."""
        for identity in self._chargers:
            self._renew_certificate(identity)

    def _renew_certificate(self, identity: str) -> None:
        ends = self._certificate_ends(identity)
        if ends is None or ends - datetime.now(UTC) > RENEW_BEFORE or self._authority is None:
            return
        if self.is_connected(identity):
            self._spawn(self._ask_for_request(identity))

    async def _ask_for_request(self, identity: str) -> None:
        try:
            await self.commands(identity).trigger(ExtendedTrigger.SIGN_CERTIFICATE)
        except StationError as error:
            _LOGGER.warning("Charger %s does not renew its certificate: %s", identity, error)

    def _certificate_ends(self, identity: str) -> datetime | None:
        """Return until when a charger has a certificate that it needs; None if it needs none."""
        rule = self._central.admission.rules.get(identity)
        if rule is None or rule.profile is not SecurityProfile.TLS_CERTIFICATE:
            return None
        return self._known(identity).certificate_ends

    def _serial(self, identity: str) -> str:
        station = self._central.stations.get(identity)
        return "" if station is None or station.boot is None else station.boot.serial

    def give_password(self, identity: str, password: str) -> None:
        """Give a charger its new password as soon as it takes commands."""
        self._to_give[identity] = password

    def ready(self, identity: str) -> None:
        """Learn that a charger takes commands."""
        self._renew_certificate(identity)
        password = self._to_give.pop(identity, None)
        if password is not None:
            self._spawn(self._give(identity, password))

    async def _give(self, identity: str, password: str) -> None:
        try:
            await self.send_password(identity, password)
        except StationError:
            _LOGGER.warning("Charger %s did not take its password; enter it there", identity)

    def accept_address(self, identity: str) -> None:
        """Take the address that a charger was refused for as its own from now on."""
        refused = self._refused.get(identity)
        if refused is not None and refused.cause is RefusalCause.OTHER_ADDRESS:
            del self._refused[identity]
            self._change(identity, address=refused.address)
            self._on_change()

    def take(self, event: SecurityEvent | CertificateShown) -> None:
        """Learn what has happened at the door."""
        if isinstance(event, CertificateShown):
            if self._known(event.identity).certificate_ends != event.ends:
                self._change(event.identity, certificate_ends=event.ends)
            return
        rule = self._central.admission.rules.get(event.identity)
        match event:
            case AdmissionRefused():
                self._refused[event.identity] = event
            case AddressPinned(address=address):
                self._refused.pop(event.identity, None)
                _LOGGER.info("Charger %s is known by its address %s", event.identity, address)
                self._change(event.identity, address=address)
            case PasswordTaken() if rule is not None:
                _LOGGER.info("Charger %s uses its new password from now on", event.identity)
                self._change(event.identity, passwords=rule.passwords)
            case ProfileRaised(profile=profile):
                _LOGGER.info(
                    "Charger %s came with security profile %d; less does not let it in any more",
                    event.identity,
                    profile,
                )
                self._raise(event.identity, profile)
            case IdentityShared():
                now = asyncio.get_running_loop().time()
                self._shared[event.identity] = (event, now + SHARED_LASTS_S)
        if self.on_event is not None and self._is_news(event):
            self.on_event(event)

    def _is_news(self, event: SecurityEvent) -> bool:
        """Return whether to tell an event; a charger that reports without end is told seldom."""
        if not isinstance(event, SecurityReported):
            return True
        now = asyncio.get_running_loop().time()
        times = self._reports.setdefault(event.identity, deque(maxlen=MOST_REPORTS))
        if len(times) == MOST_REPORTS and times[0] > now - REPORTS_S:
            return False
        times.append(now)
        _LOGGER.info("Charger %s reports %s", event.identity, event.type)
        return True

    def problems(self, utc: datetime) -> Iterator[Problem]:
        """Yield what the user should know of."""
        for identity, refused in self._refused.items():
            station = self._central.stations.get(identity)
            if station is None or station.connected:
                # It found its way in; what is refused now is somebody else.
                continue
            yield Problem(
                kind=_KINDS[refused.cause],
                subject=identity,
                placeholders={
                    "charger": self._chargers[identity].name,
                    "address": refused.address,
                    "known_address": self._known(identity).address or "-",
                },
            )
        now = asyncio.get_running_loop().time()
        for identity, (shared, until) in self._shared.items():
            if now < until:
                yield Problem(
                    kind=ProblemKind.IDENTITY_SHARED,
                    subject=identity,
                    placeholders={
                        "charger": self._chargers[identity].name,
                        "addresses": ", ".join(shared.addresses),
                    },
                )
        for identity, charger in self._chargers.items():
            ends = self._certificate_ends(identity)
            if ends is not None and ends - utc < EXPIRES_SOON:
                yield Problem(
                    kind=ProblemKind.CHARGER_CERTIFICATE_EXPIRES,
                    subject=identity,
                    placeholders={"charger": charger.name, "date": _date(ends)},
                )
        yield from self._of_certificates(utc)

    def next_change(self, now: float) -> float | None:
        """Return when an alarm ends by itself (monotonic seconds); None without one."""
        return min((until for _, until in self._shared.values() if until > now), default=None)

    def _of_certificates(self, utc: datetime) -> Iterator[Problem]:
        tls = self._central.tls
        if tls is None:
            return
        if tls.trouble is not None:
            yield Problem(
                kind=ProblemKind.CERTIFICATE_UNUSABLE,
                subject="",
                placeholders={"file": str(tls.trouble.path), "error": tls.trouble.reason},
            )
        if tls.expires_at is not None and tls.expires_at - utc < EXPIRES_SOON:
            yield Problem(
                kind=ProblemKind.CERTIFICATE_EXPIRES,
                subject="",
                placeholders={"date": _date(tls.expires_at)},
            )

    def _raise(self, identity: str, profile: SecurityProfile) -> None:
        charger = self._chargers.get(identity)
        if charger is None:
            return
        self._change(identity, raised_from=charger.security, raised_to=profile)
        if self.on_raised is not None:
            self.on_raised(identity, profile)

    def _known(self, identity: str) -> _Known:
        with suppress(KeyError, TypeError, ValueError):
            return _Known.from_record(self._ledger.admissions[identity])
        return _Known()

    def _change(self, identity: str, **changes: Any) -> None:
        """Keep what was learnt, on disk and at the door."""
        known = replace(self._known(identity), **changes)
        self._recorder.note(self._ledger.note_admission(identity, known.as_record()))
        self._take_over(identity, known)

    def _take_over(self, identity: str, known: _Known) -> None:
        charger = self._chargers.get(identity)
        if charger is not None:
            self._central.admission.set_rule(identity, known.rule(charger.security))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
