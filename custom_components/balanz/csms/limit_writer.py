"""Tell one charger its limits, in the form that it takes."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Protocol

from .capabilities import Capabilities, RateUnit
from .clock_skew import ClockSkew
from .leases import Fallback, LeaseMechanism, Leases, possible_leases
from .profile_forms import FormSearch, ProfileForm, Purpose, cap_forms, profile_forms
from .profiles import (
    Limit,
    charging_profile,
    ending,
    fallback_profile,
    for_transaction,
    lapses_after_s,
    others_profiles,
    own_profile_ids,
    rate_unit,
    starts_at,
)
from .quirks import Questions, Quirks
from .rpc import RpcConnection
from .rpc_errors import CallFailed, CallRejected, CallTimeout, MalformedAnswer
from .rpc_frames import Payload
from .transactions import TransactionBook

_LOGGER = logging.getLogger(__name__)


class LimitAnswer(StrEnum):
    """What became of a limit that was to be set."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    """It may be in force or not: no answer, one that cannot be read, or the line was lost."""
    NOT_SENT = "not_sent"
    """It was certainly not sent."""


class _Reply(StrEnum):
    """What a charger said of one profile."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    """It said something, which means nothing."""
    SILENCE = "silence"
    """It was heard, but said nothing of it."""
    LOST = "lost"
    """The line was lost after it had been sent."""
    NOT_SENT = "not_sent"


class _Watts(Enum):
    """Whether limits are told in watts to a charger that does not say what it takes."""

    UNTRIED = auto()
    TRIED = auto()
    IN_VAIN = auto()


_ANSWERS = {
    _Reply.TAKEN: LimitAnswer.ACCEPTED,
    _Reply.REFUSED: LimitAnswer.REJECTED,
    _Reply.UNREADABLE: LimitAnswer.TIMED_OUT,
    _Reply.SILENCE: LimitAnswer.TIMED_OUT,
    _Reply.LOST: LimitAnswer.TIMED_OUT,
    _Reply.NOT_SENT: LimitAnswer.NOT_SENT,
}


class Limited(Protocol):
    """A charger that is told limits."""

    identity: str
    capabilities: Capabilities
    """What it says of itself."""
    quirks: Quirks
    clock: ClockSkew

    @property
    def connector_count(self) -> int | None:
        """How many connectors it has, if that is known."""
        ...


class LimitWriter:
    """Writes limits as charging profiles, and remembers what the charger made of them."""

    def __init__(
        self,
        charger: Limited,
        *,
        transactions: TransactionBook,
        on_learnt: Callable[[], None],
    ) -> None:
        """Write nothing yet; `on_learnt` is called when another form turned out to be taken."""
        self.capped = False
        """Whether limits are told as nothing but a cap on whatever others let the charger do."""
        self.is_cap_in_force = False
        """Whether the limit that was accepted last is such a cap."""
        self.usual_forms = FormSearch()
        self._cap_forms = FormSearch()
        self.starts_at: dict[int, datetime] = {}
        """When the limits that were sent begin, by connector and by the charger's clock."""
        self.leases = Leases()
        self._charger = charger
        self._transactions = transactions
        self._on_learnt = on_learnt
        self._with_own_profile: dict[int, int] = {}
        """The transactions that were given a profile of their own, by connector."""
        self._without_own_profile: dict[int, int] = {}
        """The transactions that do not take one."""
        self._paused: set[int] = set()
        """The connectors whose last accepted limit is 0."""
        self._has_cleared_others = False
        self._watts = _Watts.UNTRIED

    @property
    def capabilities(self) -> Capabilities:
        """What the charger can really do."""
        capabilities = self._charger.quirks.corrected(self._charger.capabilities)
        if self._watts is _Watts.TRIED and capabilities.rate_unit is None:
            return replace(capabilities, rate_unit=RateUnit.WATT)
        return capabilities

    @property
    def forms(self) -> FormSearch:
        """The search for the form that it takes now."""
        return self._cap_forms if self.capped else self.usual_forms

    @property
    def found_to_take_watts(self) -> bool:
        """Whether it takes watts though it has told no unit."""
        return self._watts is _Watts.TRIED and self.usual_forms.known is not None

    def recall(self, form: ProfileForm | None, *, takes_watts: bool) -> None:
        """Begin with what the charger's firmware took before."""
        self.usual_forms.known = form
        self._watts = _Watts.TRIED if takes_watts else _Watts.UNTRIED

    def forget_forms(self) -> None:
        """Forget what was taken and refused: what is known of the charger has changed."""
        self.usual_forms.known = None
        self._watts = _Watts.UNTRIED
        self.leases.forget()
        for search in (self.usual_forms, self._cap_forms):
            search.restart()

    def booted(self) -> None:
        """Learn that the charger has begun anew."""
        for search in (self.usual_forms, self._cap_forms):
            search.restart()
        self.is_cap_in_force = False
        self._with_own_profile.clear()
        self._without_own_profile.clear()
        self._paused.clear()
        self.leases.forget()
        self._has_cleared_others = False

    @property
    def possible_leases(self) -> tuple[LeaseMechanism, ...]:
        """The ways in which its limits may be told to end by themselves."""
        return possible_leases(self._form, self.capabilities)

    def lapses_after_s(self, connector: int, limit: Limit) -> float | None:
        """Return how long after its sending a limit has surely fallen back; None if it does not."""
        if self.capped and limit.limit_a > limit.fallback_a:
            # It was seen to fall back with profiles of another purpose.
            return None
        return lapses_after_s(
            limit,
            form=self._form,
            capabilities=self.capabilities,
            clock_skew_s=self._charger.clock.skew_s,
            lease=self._lease(connector, limit),
        )

    @property
    def may_limit_transactions(self) -> bool:
        """Whether a transaction may have a profile of its own that is ours, next to the default."""
        leased = self.leases.mechanism is LeaseMechanism.TRANSACTION
        return leased or self._form.purpose is Purpose.TX or bool(self._with_own_profile)

    @property
    def has_another_form(self) -> bool:
        """Whether a limit that was accepted and is not kept can be told in another form."""
        return self.capped or self.forms.another(self._possible_forms) is not None

    def had_no_effect(self) -> bool:
        """Learn that a limit was accepted and not kept; return whether to tell it differently."""
        if self.capped:
            self.capped = False
            _LOGGER.info("%s does not keep the cap on what others let it do", self._name)
            return True
        has_other = self.has_another_form
        self.forms.had_no_effect()
        if has_other:
            _LOGGER.info("%s ignores what it accepts; %s is tried", self._name, self._form)
        return has_other

    async def write(
        self, rpc: RpcConnection, connector: int, limit: Limit, *, urgent: bool
    ) -> LimitAnswer:
        """Set what a connector may draw; urgent limits overtake everything else that waits."""
        form = self._form
        now = datetime.now(UTC)
        lease = self._lease(connector, limit)
        profile = charging_profile(
            limit if lease is LeaseMechanism.TAIL else replace(limit, lease_s=None),
            connector=connector,
            form=form,
            capabilities=self.capabilities,
            quirks=self._charger.quirks,
            clock_skew_s=self._charger.clock.skew_s,
            clock_lag_s=self._charger.clock.lag_s,
            now=now,
        )
        ends = (
            lease in (LeaseMechanism.STACK, LeaseMechanism.TRANSACTION)
            and limit.lease_s is not None
            and limit.limit_a > limit.fallback_a
            and self.lapses_after_s(connector, limit) is not None
        )
        if ends and limit.lease_s is not None:
            profile = ending(profile, now + timedelta(seconds=limit.lease_s))
        self.starts_at.pop(connector, None)
        if (start := starts_at(profile)) is not None:
            self.starts_at[connector] = start
        if ends and lease is LeaseMechanism.TRANSACTION:
            # The default beneath it stays as it is.
            in_force = await self._limit_transaction(rpc, connector, profile, form, urgent=urgent)
            return LimitAnswer.ACCEPTED if in_force else LimitAnswer.TIMED_OUT
        place = 0 if form.whole_charger else connector
        reply = await self._set(rpc, place, profile, urgent=urgent)
        if reply is _Reply.TAKEN and limit.limit_a > 0 and connector in self._paused:
            self._paused.discard(connector)
            if self._charger.quirks.repeats_after_pause:
                reply = await self._set(rpc, place, profile, urgent=urgent)
        match reply:
            case _Reply.REFUSED | _Reply.UNREADABLE:
                self.forms.refused(form, self._possible_forms)
                self._try_other_unit()
            case _Reply.SILENCE:
                # Some chargers never answer to a form that they do not know.
                self.forms.unanswered(form, self._possible_forms)
                self._try_other_unit()
        if reply is not _Reply.TAKEN:
            return _ANSWERS[reply]
        if not await self._limit_transaction(rpc, connector, profile, form, urgent=urgent):
            return LimitAnswer.TIMED_OUT
        if limit.limit_a == 0:
            self._paused.add(connector)
        replaces_fallback = (
            form.stack_level == 0 or self.leases.mechanism is LeaseMechanism.TRANSACTION
        )
        if replaces_fallback and not self._is_cap(form):
            # It has taken the place of what limits were to fall back to.
            self.leases.unknown(connector)
        if self._is_cap(form) and not self.is_cap_in_force:
            # What an earlier connection left beneath would rule beside the cap.
            rpc.spawn(self._clear_fallback(rpc, connector))
        self.is_cap_in_force = self._is_cap(form)
        if self.forms.took(form, self._possible_forms) and not self.capped:
            self._on_learnt()
        clears_others = self._charger.quirks.clears_others and not self.capped
        if clears_others and not self._has_cleared_others:
            self._has_cleared_others = True
            rpc.spawn(self._clear_others(rpc, form))
        if limit.lease_s is not None:
            self._mind_fallback(rpc, connector, limit)
        return LimitAnswer.ACCEPTED

    def _try_other_unit(self) -> None:
        """Try watts where each form was refused in amperes, and the charger tells no unit.

        Before it has told anything it may yet tell one, and refuse only until it has started.
        """
        has_told = not self._charger.capabilities.unread
        may_tell = self._charger.quirks.questions is not Questions.NONE
        if not self.forms.all_refused or self.capped or (may_tell and not has_told):
            return
        match self._watts:
            case _Watts.UNTRIED if self.capabilities.rate_unit is None:
                self._watts = _Watts.TRIED
            case _Watts.TRIED:
                self._watts = _Watts.IN_VAIN
            case _:
                return
        self.forms.known = None
        self.forms.restart()
        self.forms.tries_another = self._watts is _Watts.TRIED

    async def prepare_lease(self, rpc: RpcConnection, connector: int, limit: Limit) -> None:
        """See to it that a limit that is to end has something to fall back to.

        What is in force meanwhile must be that limit, and have no end or the same fallback.
        """
        fallback = self._fallback_of(limit)
        if self.leases.mechanism not in self.possible_leases or not self.leases.lacks(
            connector, fallback
        ):
            return
        if fallback.lease is LeaseMechanism.TRANSACTION and (
            limit.limit_a <= limit.fallback_a or not self._rules_alone(connector)
        ):
            # The default would lift a lower limit, now or once the transaction has ended.
            return
        # Until it is answered, nobody knows what lies there.
        self.leases.unknown(connector)
        profile = fallback_profile(
            limit,
            connector=connector,
            form=fallback.form,
            capabilities=self.capabilities,
            quirks=self._charger.quirks,
            lease=fallback.lease,
            now=datetime.now(UTC),
        )
        match await self._set(rpc, connector, profile, urgent=False):
            case _Reply.TAKEN:
                self.leases.laid(connector, fallback)
            case _Reply.REFUSED:
                self.leases.unknown(connector)
                self.leases.refused(fallback)
            case _:
                self.leases.unknown(connector)

    def _mind_fallback(self, rpc: RpcConnection, connector: int, limit: Limit) -> None:
        """Set what the next limits may fall back to, or clear it where they no longer do.

        The limit in force has no end where that is to be done.
        """
        needless = self.capped or self.leases.mechanism is LeaseMechanism.TAIL
        if needless and self.leases.has_laid(connector):
            self.leases.unknown(connector)
            rpc.spawn(self._clear_fallback(rpc, connector))
        elif not needless and self.leases.lacks(connector, self._fallback_of(limit)):
            rpc.spawn(self._lay(rpc, connector, limit))

    async def _lay(self, rpc: RpcConnection, connector: int, limit: Limit) -> None:
        """Set what the next limits may fall back to, unless that may be out of date by then."""
        if self.leases.mechanism is LeaseMechanism.TRANSACTION and not rpc.free:
            # The default could follow a cut to less, which it would lift once the transaction has
            # ended. It is seen to after the next limit.
            return
        await self.prepare_lease(rpc, connector, limit)

    async def _clear_fallback(self, rpc: RpcConnection, connector: int) -> None:
        payload = {"id": own_profile_ids(connector).fallback}
        try:
            answer = await rpc.call("ClearChargingProfile", payload)
        except CallFailed as error:
            _LOGGER.debug("%s does not clear its fallback: %s", self._name, error)
        else:
            _LOGGER.debug("%s clears its fallback: %s", self._name, answer.get("status"))

    def _fallback_of(self, limit: Limit) -> Fallback:
        return Fallback(
            form=self._form,
            current_a=limit.fallback_a,
            phases=limit.fallback_phases or limit.phases,
            unit=rate_unit(self.capabilities),
            lease=self.leases.mechanism,
        )

    def _lease(self, connector: int, limit: Limit) -> LeaseMechanism | None:
        """Return how a limit that is told now may be told to end; None where it must not."""
        lease = self.leases.usable(connector, self._fallback_of(limit))
        if lease is LeaseMechanism.TRANSACTION and not self._rules_alone(connector):
            return None
        return lease

    def _rules_alone(self, connector: int) -> bool:
        """Return whether a transaction runs with a profile of its own, which outranks all others.

        What is said of the default meanwhile has no effect before that has ended.
        """
        running = self._transactions.open_at(self._charger.identity, connector)
        return (
            running is not None
            and self._with_own_profile.get(connector) == running.id
            and self._without_own_profile.get(connector) != running.id
        )

    async def _limit_transaction(
        self,
        rpc: RpcConnection,
        connector: int,
        profile: Payload,
        form: ProfileForm,
        *,
        urgent: bool,
    ) -> bool:
        """Tell a limit to the transaction that runs as well, where that is called for.

        Return whether the limit is in force now. A profile of its own outranks all others, so that
        it is kept up to date until the transaction ends, whatever the form has become meanwhile.
        """
        running = self._transactions.open_at(self._charger.identity, connector)
        if running is None:
            return True
        has_own = self._with_own_profile.get(connector) == running.id
        leased = self.leases.mechanism is LeaseMechanism.TRANSACTION and not self.capped
        if form.purpose is not Purpose.TX and not has_own and not leased:
            return True
        if self._without_own_profile.get(connector) == running.id:
            return True
        self._with_own_profile[connector] = running.id
        reply = await self._set(rpc, connector, for_transaction(profile, running.id), urgent=urgent)
        if reply in (_Reply.TAKEN, _Reply.LOST, _Reply.NOT_SENT):
            return reply is _Reply.TAKEN
        if reply is not _Reply.REFUSED and (has_own or leased):
            # The one from before, or this one, may outrank whatever is told by default.
            return False
        # It may have ended without our knowing. What is left is the default, which was taken; the
        # meter tells whether that has an effect.
        self._without_own_profile[connector] = running.id
        return reply is _Reply.REFUSED and not has_own

    async def _set(
        self, rpc: RpcConnection, connector: int, profile: Payload, *, urgent: bool
    ) -> _Reply:
        payload = {"connectorId": connector, "csChargingProfiles": profile}
        try:
            answer = await rpc.call("SetChargingProfile", payload, urgent=urgent)
        except CallTimeout, MalformedAnswer:
            return _Reply.SILENCE
        except CallRejected as error:
            _LOGGER.debug("%s refuses a limit: %s", self._name, error)
            return _Reply.REFUSED
        except CallFailed as error:
            return _Reply.LOST if error.sent else _Reply.NOT_SENT
        match answer.get("status"):
            case "Accepted":
                return _Reply.TAKEN
            case "Rejected" | "NotSupported":
                return _Reply.REFUSED
            case _:
                return _Reply.UNREADABLE

    async def _clear_others(self, rpc: RpcConnection, form: ProfileForm) -> None:
        """Clear what an earlier central system left behind; ours is in force already."""
        for purpose in others_profiles(form):
            if purpose is Purpose.TX and self.leases.mechanism is LeaseMechanism.TRANSACTION:
                continue
            payload = {"connectorId": 0, "chargingProfilePurpose": purpose.value}
            try:
                answer = await rpc.call("ClearChargingProfile", payload)
            except CallFailed as error:
                _LOGGER.debug("%s does not clear %s: %s", self._name, purpose, error)
            else:
                _LOGGER.debug("%s clears %s: %s", self._name, purpose, answer.get("status"))

    @property
    def _name(self) -> str:
        return self._charger.identity

    def _is_cap(self, form: ProfileForm) -> bool:
        return form in cap_forms(self.capabilities)

    @property
    def _possible_forms(self) -> tuple[ProfileForm, ...]:
        if self.capped:
            return cap_forms(self.capabilities)
        forms = profile_forms(self.capabilities, self._charger.connector_count)
        return self._charger.quirks.preferred(forms)

    @property
    def _form(self) -> ProfileForm:
        return self.forms.form(self._possible_forms)
