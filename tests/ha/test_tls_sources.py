"""What a site can ask its chargers for follows from where its certificates come from."""

import pytest

from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.tls_sources import TlsSource, profiles_offered

UNENCRYPTED = {SecurityProfile.OPEN, SecurityProfile.PASSWORD}


@pytest.mark.parametrize(
    ("source", "more"),
    [
        (TlsSource.NONE, set()),
        (TlsSource.HOME_ASSISTANT, {SecurityProfile.TLS_PASSWORD}),
        (TlsSource.FILES, {SecurityProfile.TLS_PASSWORD}),
        # Only whoever signs certificates can ask for one.
        (TlsSource.OWN, {SecurityProfile.TLS_PASSWORD, SecurityProfile.TLS_CERTIFICATE}),
    ],
)
def test_a_site_asks_for_no_more_than_its_certificates_allow(
    source: TlsSource, more: set[SecurityProfile]
) -> None:
    assert profiles_offered({"security": {"tls": source}}) == UNENCRYPTED | more
