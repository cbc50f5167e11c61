"""The forms of charging profiles that chargers take, and the search for the one that this one does.

Many a charger refuses the profile that another one insists on. All of these forms mean the same;
they are tried in the order in which the most chargers take them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .capabilities import Capabilities

MAX_STACK_LEVEL = 99
MOST_TRIES = 12
"""How many forms are tried after each boot."""
OTHER_FORM_AFTER_S = 2.0
"""How long to leave a charger alone before it is told a refused limit in another form."""


class Purpose(StrEnum):
    """What a profile is for (OCPP 1.6, section 7.11)."""

    TX_DEFAULT = "TxDefaultProfile"
    CHARGE_POINT_MAX = "ChargePointMaxProfile"
    TX = "TxProfile"
    """For a running transaction only. It goes beside a default, which holds for the next one."""


class Kind(StrEnum):
    """What a schedule counts from (OCPP 1.6, section 7.9)."""

    ABSOLUTE = "Absolute"
    RELATIVE = "Relative"
    """From the start of a transaction: no time can be told in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileForm:
    """One way to tell a charger a limit."""

    stack_level: int = 0
    purpose: Purpose = Purpose.TX_DEFAULT
    kind: Kind = Kind.ABSOLUTE
    whole_charger: bool = False
    """Set at connector 0; only for chargers with one connector."""

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {
            "stack_level": self.stack_level,
            "purpose": self.purpose.value,
            "kind": self.kind.value,
            "whole_charger": self.whole_charger,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ProfileForm:
        """Read it back. Raises KeyError, TypeError or ValueError if it is none."""
        return cls(
            stack_level=min(max(int(record["stack_level"]), 0), MAX_STACK_LEVEL),
            purpose=Purpose(record["purpose"]),
            kind=Kind(record["kind"]),
            whole_charger=record["whole_charger"] is True,
        )


def profile_forms(capabilities: Capabilities, connectors: int | None) -> tuple[ProfileForm, ...]:
    """Return the forms to try, the first one first; `connectors` is how many there are."""
    return tuple(_forms(capabilities, connectors))


def cap_forms(capabilities: Capabilities) -> tuple[ProfileForm, ...]:
    """Return the forms that leave room for profiles of others, which the charger caps by ours.

    Only for chargers with one connector.
    """
    forms = profile_forms(capabilities, connectors=1)
    return tuple(form for form in forms if form.purpose is Purpose.CHARGE_POINT_MAX)


def _forms(capabilities: Capabilities, connectors: int | None) -> Iterator[ProfileForm]:
    highest = min(max(capabilities.max_stack_level or 0, 0), MAX_STACK_LEVEL)
    ends = dict.fromkeys((highest, 0))
    for level in dict.fromkeys((highest, max(highest - 1, 0), min(1, highest), 0)):
        yield ProfileForm(stack_level=level)
    for level in ends:
        yield ProfileForm(stack_level=level, kind=Kind.RELATIVE)
    if capabilities.max_profiles is None or capabilities.max_profiles > 1:
        yield ProfileForm(stack_level=highest, purpose=Purpose.TX)
    if connectors != 1:
        return
    for purpose in (Purpose.TX_DEFAULT, Purpose.CHARGE_POINT_MAX):
        for level in ends:
            yield ProfileForm(stack_level=level, purpose=purpose, whole_charger=True)


class FormSearch:
    """Finds the form that a charger takes. What it once took is not left for a refusal."""

    def __init__(self) -> None:
        """Start with nothing tried."""
        self.known: ProfileForm | None = None
        """What its firmware took before; it is tried first."""
        self.tries_another = False
        """Whether the next limit is told in another form than the last, which was refused."""
        self.all_refused = False
        """Whether there is none left that was not refused."""
        self._taken: ProfileForm | None = None
        self._refused: list[ProfileForm] = []
        self._without_effect: list[ProfileForm] = []

    def restart(self) -> None:
        """Forget what was refused: the charger, or what is known of it, is another one now."""
        self.tries_another = False
        self.all_refused = False
        self._taken = None
        self._refused.clear()
        self._without_effect.clear()

    def form(self, forms: tuple[ProfileForm, ...]) -> ProfileForm:
        """Return the form to use; the first one again where all were tried in vain."""
        if self._taken is not None:
            return self._taken
        if self._without_effect:
            return self._likely(forms, self._without_effect) or self._without_effect[0]
        if self.known is not None:
            forms = (self.known, *forms)
        return next((form for form in forms if form not in self._refused), forms[0])

    def took(self, form: ProfileForm, forms: tuple[ProfileForm, ...]) -> bool:
        """Learn that a form was accepted, and tell whether that is new."""
        if form != self.form(forms):
            # What is known of the charger has changed since that was sent.
            return False
        self.tries_another = False
        self._taken = form
        is_new, self.known = form != self.known, form
        return is_new

    def unanswered(self, form: ProfileForm, forms: tuple[ProfileForm, ...]) -> None:
        """Learn that nothing was said of a form: no reason to doubt one that it once took."""
        if form != self.known:
            self.refused(form, forms)

    def refused(self, form: ProfileForm, forms: tuple[ProfileForm, ...]) -> None:
        """Learn that a form was refused."""
        self.tries_another = False
        if self._taken is not None or form != self.form(forms):
            return
        if form not in self._refused and len(self._refused) < MOST_TRIES:
            self._refused.append(form)
            self.tries_another = self.form(forms) not in self._refused
            self.all_refused = not self.tries_another

    @property
    def without_effect(self) -> int:
        """How many forms were accepted and changed nothing."""
        return len(self._without_effect)

    def another(self, forms: tuple[ProfileForm, ...]) -> ProfileForm | None:
        """Return what to try should the form in use have no effect; None where nothing is left."""
        if self._taken is None or self._taken in self._without_effect:
            return None
        return self._likely(forms, [*self._without_effect, self._taken])

    def had_no_effect(self) -> None:
        """Learn that the form in use was accepted and the limit not kept.

        Where nothing else is left to try, the form that was taken first is used again.
        """
        if self._taken is not None and self._taken not in self._without_effect:
            self._without_effect.append(self._taken)
            self._taken = self.known = None

    def _likely(
        self, forms: tuple[ProfileForm, ...], without_effect: list[ProfileForm]
    ) -> ProfileForm | None:
        """Return the form that most likely has an effect, unlike these; None if none is left."""
        in_vain = {(form.purpose, form.kind) for form in without_effect}
        left = [
            form
            for form in forms
            if (form.purpose, form.kind) not in in_vain and form not in self._refused
        ]
        return min(left, key=_unlikely_to_help, default=None)


def _unlikely_to_help(form: ProfileForm) -> tuple[bool, bool, bool]:
    """Return how late to try a form where another one was accepted and had no effect.

    Most often defaults do not count once a transaction runs, or times are not understood.
    """
    return (
        form.purpose is not Purpose.TX,
        form.kind is not Kind.RELATIVE,
        form.purpose is not Purpose.CHARGE_POINT_MAX,
    )
