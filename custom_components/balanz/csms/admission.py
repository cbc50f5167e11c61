"""Who gets in, and as whom: passwords, certificates, addresses, and what is asked of whom."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from .credentials import PasswordHash, Verifier, parse_basic_auth
from .events import StationEvent
from .guesses import WINDOW_S, Guesses
from .peers import Peer, is_same_place
from .security_events import (
    AddressPinned,
    AdmissionRefused,
    CertificateShown,
    IdentityShared,
    PasswordTaken,
    ProfileRaised,
    RefusalCause,
)
from .security_profile import SecurityProfile

MOST_REPLACEMENTS = 5
FLAPPING_S = 600.0
"""More replacements of a live connection than that within this time are an alarm."""
MAX_TOLD = 256
"""Refusals to remember as told."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRule:
    """What is asked of one charger."""

    profile: SecurityProfile = SecurityProfile.OPEN
    passwords: tuple[PasswordHash, ...] = ()
    """The one in use first, then one that has not been used yet."""
    address: str | None = None
    """Where it has to come from without a password; None: that is yet to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What let somebody in."""

    profile: SecurityProfile
    peer: Peer
    password: PasswordHash | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The answer to somebody who is not let in."""

    status: HTTPStatus
    headers: Mapping[str, str] = field(default_factory=dict)


_UNAUTHORIZED = Refusal(
    status=HTTPStatus.UNAUTHORIZED,
    headers={"WWW-Authenticate": 'Basic realm="balanz", charset="UTF-8"'},
)
_FORBIDDEN = Refusal(status=HTTPStatus.FORBIDDEN)
_ANSWERS = {
    RefusalCause.FROM_THE_INTERNET: _FORBIDDEN,
    RefusalCause.NOT_ENCRYPTED: _FORBIDDEN,
    RefusalCause.NO_CERTIFICATE: _FORBIDDEN,
}
"""Of causes that strangers cannot bring about, or that are the same for everybody."""
_TOO_MANY = Refusal(
    status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": str(int(WINDOW_S))}
)


class Admission:
    """Decides who is let in. Unknown identities look just like known ones with a wrong password.

    A right password always gets in, however many wrong ones others have tried: the guesses that
    it is up against are hopeless, while locking out is easily done to somebody else.
    """

    def __init__(self, emit: Callable[[StationEvent], None]) -> None:
        """Know nobody yet; `emit` is told what happens."""
        self.allows_internet = False
        """Whether peers with public addresses may come, which they have to over TLS."""
        self._emit = emit
        self._rules: dict[str, AdmissionRule] = {}
        self._verifier = Verifier()
        self._guesses = Guesses()
        self._told: OrderedDict[tuple[str, str, RefusalCause], None] = OrderedDict()
        self._replacements: dict[str, deque[tuple[float, str]]] = {}

    @property
    def rules(self) -> Mapping[str, AdmissionRule]:
        """What is asked of the known chargers, by identity."""
        return self._rules

    def set_rules(self, rules: Mapping[str, AdmissionRule]) -> None:
        """Say what is asked of each known charger. Open sockets stay open."""
        for identity in self._rules.keys() - rules.keys():
            self._replacements.pop(identity, None)
        changed = {
            identity for identity, rule in self._rules.items() if rules.get(identity) != rule
        }
        self._tell_again(changed)
        self._rules = dict(rules)
        in_use = {known for rule in rules.values() for known in rule.passwords}
        self._verifier.forget_all_but(in_use)

    def set_rule(self, identity: str, rule: AdmissionRule) -> None:
        """Say what is asked of one charger from now on."""
        self.set_rules({**self._rules, identity: rule})

    async def check(
        self, identity: str, authorization: Sequence[str], peer: Peer, *, may_wait: bool = False
    ) -> Grant | Refusal:
        """Return on what grounds somebody is let in, or the refusal.

        `authorization` are the values of all Authorization headers; `may_wait` says that unknown
        chargers may introduce themselves now.
        """
        rule = self._rules.get(identity)
        if peer.from_the_internet and not (self.allows_internet and peer.encrypted):
            return self._refuse(identity, peer, RefusalCause.FROM_THE_INTERNET)
        if rule is None and may_wait and not peer.from_the_internet:
            return Grant(profile=SecurityProfile.OPEN, peer=peer)
        credentials = parse_basic_auth(authorization)
        user, password = credentials or (b"", b"")
        match = await self._verifier.match(password, rule.passwords if rule else ())
        # The rule may have changed while the password was looked at.
        rule = self._rules.get(identity)
        if rule is None or match not in rule.passwords or user != identity.encode():
            match = None
        profile = _profile(identity, peer, match)
        if rule is not None and _suffices(profile, rule, peer):
            if match is not None:
                self._guesses.forget(f"address {peer.address}")
            return Grant(profile=profile, peer=peer, password=match)
        if match is not None:
            is_readable = not peer.encrypted
            cause = RefusalCause.NOT_ENCRYPTED if is_readable else RefusalCause.NO_CERTIFICATE
            return self._refuse(identity, peer, cause)
        now = asyncio.get_running_loop().time()
        sources = (f"address {peer.address}", f"identity {identity}")
        if authorization and self._guesses.note(sources, now):
            return _TOO_MANY
        if rule is not None and rule.profile is SecurityProfile.OPEN:
            return self._refuse(identity, peer, RefusalCause.OTHER_ADDRESS)
        cause = RefusalCause.WRONG_PASSWORD if authorization else RefusalCause.NO_CREDENTIALS
        return self._refuse(identity, peer, cause)

    def admitted(self, identity: str, grant: Grant) -> bool:
        """Learn that somebody known is in, and what follows; False: the rules ask for more now."""
        rule = self._rules.get(identity)
        if rule is None or not _suffices(grant.profile, rule, grant.peer):
            return False
        self._tell_again({identity})
        if grant.password is not None and grant.password in rule.passwords[1:]:
            rule = replace(rule, passwords=(grant.password,))
            self._rules[identity] = rule
            self._emit(PasswordTaken(identity=identity))
        if grant.profile > rule.profile:
            rule = replace(rule, profile=grant.profile)
            self._rules[identity] = rule
            self._emit(ProfileRaised(identity=identity, profile=grant.profile))
        if grant.profile is SecurityProfile.TLS_CERTIFICATE and grant.peer.certificate_ends:
            ends = grant.peer.certificate_ends
            self._emit(CertificateShown(identity=identity, ends=ends))
        if rule.profile is SecurityProfile.OPEN and rule.address != grant.peer.address:
            self._rules[identity] = replace(rule, address=grant.peer.address)
            self._emit(AddressPinned(identity=identity, address=grant.peer.address))
        return True

    def replaced(self, identity: str, address: str, now: float) -> None:
        """Learn that a connection has taken the place of one that was still open."""
        times = self._replacements.setdefault(identity, deque(maxlen=MOST_REPLACEMENTS + 1))
        times.append((now, address))
        if len(times) > MOST_REPLACEMENTS and times[0][0] > now - FLAPPING_S:
            addresses = tuple(sorted({one for _, one in times}))
            times.clear()
            _LOGGER.warning(
                "Connections of charger %s keep replacing one another, from %s",
                identity,
                ", ".join(addresses),
            )
            self._emit(IdentityShared(identity=identity, addresses=addresses))

    def _tell_again(self, identities: Collection[str]) -> None:
        for told in [told for told in self._told if told[0] in identities]:
            del self._told[told]

    def _refuse(self, identity: str, peer: Peer, cause: RefusalCause) -> Refusal:
        """Return the refusal; each is told once, and never of whom nobody knows."""
        if identity in self._rules:
            told = (identity, peer.address, cause)
            if told not in self._told:
                _LOGGER.warning("Charger %s at %s is refused: %s", identity, peer.address, cause)
                self._emit(AdmissionRefused(identity=identity, address=peer.address, cause=cause))
            self._told[told] = None
            self._told.move_to_end(told)
            if len(self._told) > MAX_TOLD:
                self._told.popitem(last=False)
        return _ANSWERS.get(cause, _UNAUTHORIZED)


def _profile(identity: str, peer: Peer, match: PasswordHash | None) -> SecurityProfile:
    """Return the security profile that somebody came with."""
    if peer.encrypted and peer.names(identity):
        return SecurityProfile.TLS_CERTIFICATE
    if match is None:
        return SecurityProfile.OPEN
    return SecurityProfile.TLS_PASSWORD if peer.encrypted else SecurityProfile.PASSWORD


def _suffices(profile: SecurityProfile, rule: AdmissionRule, peer: Peer) -> bool:
    """Return whether who comes with a profile gets in."""
    if profile is SecurityProfile.OPEN and rule.address is not None:
        return rule.profile is profile and is_same_place(rule.address, peer.address)
    return profile >= rule.profile
