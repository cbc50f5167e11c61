"""What to enter at a charger."""

from types import SimpleNamespace

import pytest
from homeassistant.core import HomeAssistant

from custom_components.balanz.charger_url import charger_url


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
