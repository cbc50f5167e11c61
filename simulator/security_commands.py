"""How a charger that knows the security extension of OCPP 1.6 answers its messages."""

from typing import Any

from ocpp.v16 import call, call_result
from ocpp.v16.enums import (
    Action,
    CertificateSignedStatus,
    CertificateStatus,
    DeleteCertificateStatus,
    GetInstalledCertificateStatus,
    MessageTrigger,
    TriggerMessageStatus,
)

from .commands import Effects
from .routes import after, on
from .security import CertificateRejectedError, Security


class SecurityCommands:
    """The handlers, found through their decorators."""

    def __init__(self, identity: str, security: Security, effects: Effects) -> None:
        self._identity = identity
        self._security = security
        self._effects = effects

    @on(Action.extended_trigger_message)
    def extended_trigger_message(self, requested_message: str, **_: Any) -> Any:
        """Agree to ask for a certificate; know no other trigger."""
        status = TriggerMessageStatus
        asks = requested_message == MessageTrigger.sign_charge_point_certificate
        return call_result.ExtendedTriggerMessage(
            status=status.accepted if asks else status.not_implemented
        )

    @after(Action.extended_trigger_message)
    def after_extended_trigger_message(self, requested_message: str, **_: Any) -> None:
        """Ask for a certificate."""
        if requested_message == MessageTrigger.sign_charge_point_certificate:
            request = self._security.signing_request(self._identity)
            self._effects.send_soon(call.SignCertificate(csr=request))

    @on(Action.certificate_signed)
    def certificate_signed(self, certificate_chain: str) -> Any:
        """Take a certificate of its own."""
        try:
            self._security.take_certificate(certificate_chain)
        except CertificateRejectedError:
            return call_result.CertificateSigned(status=CertificateSignedStatus.rejected)
        return call_result.CertificateSigned(status=CertificateSignedStatus.accepted)

    @on(Action.install_certificate)
    def install_certificate(self, certificate: str, **_: Any) -> Any:
        """Trust a root."""
        try:
            self._security.install_root(certificate)
        except CertificateRejectedError:
            return call_result.InstallCertificate(status=CertificateStatus.rejected)
        return call_result.InstallCertificate(status=CertificateStatus.accepted)

    @on(Action.get_installed_certificate_ids)
    def get_installed_certificate_ids(self, **_: Any) -> Any:
        """Tell the roots that it trusts."""
        status, found = GetInstalledCertificateStatus, self._security.installed()
        return call_result.GetInstalledCertificateIds(
            status=status.accepted if found else status.not_found,
            certificate_hash_data=found or None,
        )

    @on(Action.delete_certificate)
    def delete_certificate(self, certificate_hash_data: dict[str, str]) -> Any:
        """Trust a root no longer."""
        status = DeleteCertificateStatus
        deleted = self._security.delete_root(certificate_hash_data)
        return call_result.DeleteCertificate(
            status=status.accepted if deleted else status.not_found
        )
