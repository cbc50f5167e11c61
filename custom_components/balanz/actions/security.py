"""Actions about certificates and signed firmware of chargers; for administrators only."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from secrets import randbelow
from typing import Any

import voluptuous as vol
from cryptography import x509
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..csms.security_profile import SecurityProfile
from ..csms.station import StationError
from ..csms.v16_security import CertificateHash, CertificateUse, ExtendedTrigger, SignedFirmware
from ..site.doorkeeper import Doorkeeper
from .charger_target import charger_target
from .ocpp_fields import moment

MAX_REQUEST_ID = 2**31 - 1
MAX_CERTIFICATE = 5500
"""Characters that a message has room for."""
_PROFILES = {
    profile.name.lower(): profile
    for profile in SecurityProfile
    if profile is not SecurityProfile.OPEN
}
_USES = {use.name.lower(): use for use in CertificateUse}

type Fields = Mapping[str, Any]
type Answer = dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityAction:
    """One action: what it takes besides the charger, and what it does."""

    name: str
    fields: Mapping[vol.Marker, Any]
    ask: Callable[[Doorkeeper, str, Fields], Awaitable[Answer]]
    response: SupportsResponse = SupportsResponse.NONE

    @property
    def schema(self) -> vol.Schema:
        """All fields, that of the charger included."""
        return vol.Schema({vol.Required(ATTR_DEVICE_ID): cv.string, **self.fields})


@callback
def register_security_actions(hass: HomeAssistant) -> None:
    """Register the actions; they are there whether a site runs or not."""
    for action in SECURITY_ACTIONS:
        async_register_admin_service(
            hass, DOMAIN, action.name, partial(_handle, action), action.schema, action.response
        )


async def _handle(action: SecurityAction, call: ServiceCall) -> ServiceResponse:
    target = charger_target(call.hass, call.data)
    try:
        return await action.ask(target.coordinator.site.door, target.identity, call.data)
    except LookupError as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_own_root"
        ) from error
    except (StationError, OSError) as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="charger_refused",
            translation_placeholders={"charger": target.charger.name, "error": str(error)},
        ) from error


async def _install_root(door: Doorkeeper, identity: str, data: Fields) -> None:
    if "certificate" in data:
        await door.install_root(identity, _USES[data["use"]], data["certificate"])
    else:
        await door.trust_root(identity)


async def _request_certificate(door: Doorkeeper, identity: str, _data: Fields) -> None:
    await door.commands(identity).trigger(ExtendedTrigger.SIGN_CERTIFICATE)


async def _raise_profile(door: Doorkeeper, identity: str, data: Fields) -> None:
    await door.commands(identity).raise_profile(_PROFILES[data["profile"]])


async def _certificates(door: Doorkeeper, identity: str, data: Fields) -> Answer:
    found = await door.commands(identity).installed_certificates(_USES[data["use"]])
    return {
        "certificates": [
            {
                "algorithm": one.algorithm.lower(),
                "issuer_name_hash": one.issuer_name,
                "issuer_key_hash": one.issuer_key,
                "serial_number": one.serial_number,
            }
            for one in found
        ]
    }


async def _delete_certificate(door: Doorkeeper, identity: str, data: Fields) -> None:
    certificate = CertificateHash(
        algorithm=data["algorithm"].upper(),
        issuer_name=data["issuer_name_hash"],
        issuer_key=data["issuer_key_hash"],
        serial_number=data["serial_number"],
    )
    await door.commands(identity).delete_certificate(certificate)


async def _update_firmware(door: Doorkeeper, identity: str, data: Fields) -> None:
    firmware = SignedFirmware(
        location=data["location"],
        retrieve_at=data.get("retrieve_at") or dt_util.utcnow(),
        certificate=data["certificate"],
        signature=data["signature"],
    )
    await door.commands(identity).update_firmware(firmware, request_id=randbelow(MAX_REQUEST_ID))


def _certificate(value: Any) -> str:
    """Return a certificate as PEM. Raises vol.Invalid for anything else."""
    text = cv.string(value).strip()
    try:
        x509.load_pem_x509_certificate(text.encode())
    except ValueError as error:
        raise vol.Invalid("no certificate in PEM form") from error
    return text


_LOCATION = vol.All(cv.string, vol.Length(min=1, max=512))
_HASH = vol.All(cv.string, vol.Length(min=1, max=128))
SECURITY_ACTIONS = (
    SecurityAction(
        name="install_root_certificate",
        fields={
            vol.Inclusive("certificate", "another"): vol.All(
                cv.string, vol.Length(max=MAX_CERTIFICATE), _certificate
            ),
            vol.Inclusive("use", "another"): vol.In(_USES),
        },
        ask=_install_root,
    ),
    SecurityAction(name="request_certificate", fields={}, ask=_request_certificate),
    SecurityAction(
        name="raise_security_profile",
        fields={vol.Required("profile"): vol.In(_PROFILES)},
        ask=_raise_profile,
    ),
    SecurityAction(
        name="get_installed_certificates",
        fields={vol.Required("use"): vol.In(_USES)},
        ask=_certificates,
        response=SupportsResponse.ONLY,
    ),
    SecurityAction(
        name="delete_certificate",
        fields={
            vol.Required("algorithm"): vol.In(["sha256", "sha384", "sha512"]),
            vol.Required("issuer_name_hash"): _HASH,
            vol.Required("issuer_key_hash"): _HASH,
            vol.Required("serial_number"): vol.All(cv.string, vol.Length(min=1, max=20)),
        },
        ask=_delete_certificate,
    ),
    SecurityAction(
        name="update_signed_firmware",
        fields={
            vol.Required("location"): _LOCATION,
            vol.Required("certificate"): vol.All(cv.string, vol.Length(min=1, max=MAX_CERTIFICATE)),
            vol.Required("signature"): vol.All(cv.string, vol.Length(min=1, max=800)),
            vol.Optional("retrieve_at"): moment,
        },
        ask=_update_firmware,
    ),
)
