"""What to enter at a charger."""

from types import SimpleNamespace

import pytest
from homeassistant.core import HomeAssistant

from custom_components.balanz.charger_url import charger_url
from custom_components.balanz.tls_sources import host_names


@pytest.mark.parametrize(
    ("host", "url"),
    [("192.168.1.5", "ws://192.168.1.5:9300/"), ("fd00::5", "ws://[fd00::5]:9300/")],
)
def test_an_address_is_as_the_user_gave_it(hass: HomeAssistant, host: str, url: str) -> None:
    assert charger_url(hass, host, 9300) == url


def test_all_addresses_are_that_of_this_machine(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hass.config, "api", SimpleNamespace(local_ip="10.0.0.2"))

    assert charger_url(hass, "0.0.0.0", 9300) == "ws://10.0.0.2:9300/"


def test_a_machine_that_does_not_know_its_address_has_its_usual_name(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hass.config, "api", None)

    assert charger_url(hass, "::", 9300) == "ws://homeassistant.local:9300/"


def test_an_encrypted_port_is_found_by_the_name_in_its_certificate(hass: HomeAssistant) -> None:
    url = charger_url(hass, "0.0.0.0", 9301, encrypted_for="home.example.org")

    assert url == "wss://home.example.org:9301/"


def test_all_names_of_this_machine_are_known_real_ones_first(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hass.config, "api", SimpleNamespace(local_ip="10.0.0.2"))
    hass.config.internal_url = "http://homeassistant.local:8123"
    hass.config.external_url = "https://home.example.org"

    assert host_names(hass, {"host": "0.0.0.0"}) == (
        "homeassistant.local",
        "home.example.org",
        "10.0.0.2",
    )
    assert host_names(hass, {"host": "192.168.1.5"})[-1] == "192.168.1.5"
