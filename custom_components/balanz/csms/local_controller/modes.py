"""Two ways to keep the limits of balanz and those of another central system at one charger.

A TxProfile of the central system overrules balanz's TxDefaultProfile, so that both cannot simply
lie side by side. Either is chosen by what the charger proves able to do:

**Cap.** balanz's limit is the one ChargePointMaxProfile of the charger, which takes the smaller of
it and of all others by itself (OCPP 1.6, section 3.13). What the central system sends goes on to
the charger untouched, but for its own ChargePointMaxProfiles: of these only the highest stack
level would count, so balanz keeps them and has them bound its own. Chosen where a charger has one
connector, since the profile is one for the sum of all, has room for a second profile, has taken a
ChargePointMaxProfile and was not seen to draw more than it allows.

**Merge.** The central system's profiles stay with balanz, which answers as the charger would and
writes the smaller limit as the only profile there is, in any form that the charger takes. Chosen
everywhere else, also before anything is proven: it asks the least of a charger.

In both modes the allocation is bounded by all profiles, also by those that the charger has itself:
what it would not use is left for others.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum

from ..capabilities import Capabilities
from ..command_values import ProfilePurpose
from ..profile_forms import ProfileForm, Purpose, profile_forms
from ..rpc_frames import Payload
from .composition import InstalledProfile

_MAX = Purpose.CHARGE_POINT_MAX.value
_OF_TRANSACTIONS = (Purpose.TX.value, Purpose.TX_DEFAULT.value)


class Mode(StrEnum):
    """How the limits of both are kept."""

    CAP = "cap"
    MERGE = "merge"


def choose_mode(capabilities: Capabilities, *, connectors: int | None, cap_is_proven: bool) -> Mode:
    """Return the mode for a charger; connectors is None where their number is not known.

    A cap is proven once a ChargePointMaxProfile was accepted and kept by this firmware, and no
    longer once more than it was measured.
    """
    has_room = capabilities.max_profiles is None or capabilities.max_profiles > 1
    return Mode.CAP if connectors == 1 and cap_is_proven and has_room else Mode.MERGE


def own_forms(mode: Mode, capabilities: Capabilities, connectors: int | None) -> list[ProfileForm]:
    """Return the forms in which balanz may write its own limit, the first one first."""
    forms = profile_forms(capabilities, connectors)
    if mode is Mode.MERGE:
        return list(forms)
    return [form for form in forms if form.purpose is Purpose.CHARGE_POINT_MAX]


def own_profile_id(current: int, profiles: Iterable[InstalledProfile]) -> int:
    """Return the id for balanz's own profile, so that no other one takes its place.

    Where the central system uses the current one, ours is written under another id first: it
    replaces itself, having the same purpose and stack level. Then the other one is forwarded. Ids
    are small numbers, since there are chargers that take no others.
    """
    taken = {it.profile.id for it in profiles}
    free = (number for number in range(1, len(taken) + 2) if number not in taken)
    return next(free) if current in taken else current


def set_to_forward(mode: Mode, payload: Payload) -> Payload | None:
    """Return the SetChargingProfile that the charger is sent; None where balanz answers itself."""
    profile = payload.get("csChargingProfiles")
    purpose = profile.get("chargingProfilePurpose") if isinstance(profile, dict) else None
    return payload if mode is Mode.CAP and purpose in _OF_TRANSACTIONS else None


def start_to_forward(mode: Mode, payload: Payload) -> Payload:
    """Return the RemoteStartTransaction that the charger is sent."""
    if mode is Mode.CAP:
        return payload
    return {name: value for name, value in payload.items() if name != "chargingProfile"}


def clears_to_forward(
    mode: Mode,
    payload: Payload,
    *,
    profiles: Iterable[InstalledProfile],
    own_ids: Collection[int],
) -> tuple[Payload, ...]:
    """Return the ClearChargingProfiles that the charger is sent, none of which can match ours.

    `profiles` are those of the central system, before they are cleared there. It is answered
    Accepted if any of these calls is, or if balanz had one itself. A charger may clear more than it
    was told to, so that balanz's own limit is to be written again afterwards.
    """
    if mode is Mode.MERGE:
        return ()
    profile_id = payload.get("id")
    if profile_id is not None:
        kept_here = {
            it.profile.id
            for it in profiles
            if it.profile.purpose is ProfilePurpose.CHARGE_POINT_MAX
        }
        return () if profile_id in kept_here or profile_id in own_ids else (payload,)
    match payload.get("chargingProfilePurpose"):
        case None:
            return tuple(payload | {"chargingProfilePurpose": it} for it in _OF_TRANSACTIONS)
        case purpose if purpose in _OF_TRANSACTIONS:
            return (payload,)
        case _:
            return ()


def composite_is_forwarded(mode: Mode) -> bool:
    """Return whether the charger itself knows what a car gets."""
    return mode is Mode.CAP


def hand_over(
    to: Mode, profiles: Iterable[InstalledProfile], *, own_ids: Collection[int]
) -> tuple[tuple[str, Payload], ...]:
    """Return the calls that bring a charger's profiles in line with a mode that is new to it.

    They come after balanz's own limit is in force in a form of that mode, so that there is no
    moment without one. For a merge the charger's other profiles are cleared by their ids, since
    balanz's own may have the same purpose; for a cap they are set.
    """
    of_transactions = [
        it for it in profiles if it.profile.purpose is not ProfilePurpose.CHARGE_POINT_MAX
    ]
    if to is Mode.MERGE:
        return tuple(
            ("ClearChargingProfile", {"id": it.profile.id})
            for it in of_transactions
            if it.profile.id not in own_ids
        )
    return tuple(
        (
            "SetChargingProfile",
            {"connectorId": it.connector, "csChargingProfiles": it.profile.as_v16()},
        )
        for it in of_transactions
    )
