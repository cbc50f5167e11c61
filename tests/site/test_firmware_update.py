"""How far a change of firmware is, by what its charger tells."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.site.firmware_update import (
    LONGEST_S,
    REBOOT_S,
    SILENCE_S,
    START_S,
    FirmwareUpdate,
    UpdateFailure,
    UpdateStage,
)
from custom_components.balanz.storage.firmware_entry import FirmwareEntry

ENTRY = FirmwareEntry(version="2.0", url="https://a.b/2")
STATUSES = [
    "DownloadScheduled",
    "Downloading",
    "DownloadPaused",
    "Downloaded",
    "SignatureVerified",
    "InstallScheduled",
    "Installing",
    "InstallRebooting",
    "Installed",
]


def begun(at: float = 0.0, **changes: Any) -> FirmwareUpdate:
    fields: dict[str, Any] = {
        "identity": "CP-1",
        "entry": ENTRY,
        "version_before": "1.0",
        "request_id": 7,
    }
    update = FirmwareUpdate(**(fields | changes))
    update.begin(at)
    return update


def failure(update: FirmwareUpdate) -> UpdateFailure | None:
    return None if update.outcome is None else update.outcome.failure


def test_it_goes_on_with_each_status_until_the_charger_comes_back_with_it() -> None:
    update = begun()
    seen = []
    for status in STATUSES:
        update.told(status, None, 1.0)
        seen.append((update.stage.value, update.percentage))

    assert seen == [
        ("requested", 5),
        ("downloading", 10),
        ("downloading", 10),
        ("downloaded", 40),
        ("downloaded", 45),
        ("downloaded", 50),
        ("installing", 60),
        ("installing", 80),
        ("restarting", 95),
    ]
    assert update.outcome is None
    update.booted("2.0")
    assert update.outcome is not None
    assert (update.outcome.failure, update.outcome.installed) == (None, "2.0")


@given(st.lists(st.sampled_from([*STATUSES, "Idle", "Nonsense", ""]), max_size=20))
def test_progress_never_goes_back(statuses: list[str]) -> None:
    update = begun()
    before = 0
    for status in statuses:
        update.told(status, None, 1.0)
        assert (update.percentage or 0) >= before
        before = update.percentage or 0


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("DownloadFailed", UpdateFailure.DOWNLOAD_FAILED),
        ("InstallationFailed", UpdateFailure.INSTALLATION_FAILED),
        ("InstallVerificationFailed", UpdateFailure.INSTALLATION_FAILED),
        ("InvalidSignature", UpdateFailure.SIGNATURE_INVALID),
        ("RevokedCertificate", UpdateFailure.SIGNATURE_INVALID),
        ("download_failed", UpdateFailure.DOWNLOAD_FAILED),
        ("Idle", None),
    ],
)
def test_a_failure_ends_it(status: str, expected: UpdateFailure | None) -> None:
    update = begun()
    update.told(status, None, 1.0)

    assert failure(update) is expected


def test_what_is_about_another_request_is_passed_over() -> None:
    update = begun()
    update.told("DownloadFailed", 8, 1.0)
    assert (update.outcome, update.percentage) == (None, None)

    update.told("Downloading", 7, 1.0)
    assert update.percentage == 10


def test_what_has_not_been_asked_for_yet_does_not_go_on() -> None:
    update = begun()
    update.requeue()
    update.told("DownloadFailed", None, 1.0)
    update.booted("1.5")

    assert (update.stage, update.outcome) == (UpdateStage.QUEUED, None)
    update.booted("2.0")
    assert failure(update) is None
    assert update.outcome is not None


def test_a_restart_with_the_old_firmware_says_nothing() -> None:
    update = begun()
    update.told("Installing", None, 1.0)
    update.booted("1.0")
    update.booted("")

    assert update.outcome is None


def test_a_charger_that_comes_back_with_yet_another_version_is_done() -> None:
    update = begun()
    update.booted("2.0.0-build7")

    assert update.outcome is not None
    assert (update.outcome.version, update.outcome.installed) == ("2.0", "2.0.0-build7")
    assert update.outcome.failure is None


def test_a_charger_that_tells_nothing_more_is_not_waited_for() -> None:
    update = begun(at=100.0)
    update.told("Downloading", None, 200.0)
    update.look(199.0 + SILENCE_S)
    assert update.outcome is None

    update.look(200.0 + SILENCE_S)
    assert failure(update) is UpdateFailure.SILENT


def test_a_charger_that_never_begins_holds_nobody_up_for_long() -> None:
    update = begun(at=100.0)
    update.look(99.0 + START_S)
    assert update.outcome is None

    update.look(100.0 + START_S)
    assert failure(update) is UpdateFailure.SILENT


def test_a_charger_that_never_comes_back_with_it_has_not_got_it() -> None:
    update = begun()
    update.told("Installed", None, 10.0)
    update.look(9.0 + REBOOT_S)
    assert update.outcome is None

    update.look(10.0 + REBOOT_S)
    assert failure(update) is UpdateFailure.VERSION_UNCHANGED


def test_a_charger_that_talks_for_ever_does_not_hold_up_the_others_for_ever() -> None:
    update, now = begun(), 0.0
    while update.outcome is None:
        now += 600.0
        update.told("Downloading", None, now)
        update.look(now)

    assert now == LONGEST_S
    assert failure(update) is UpdateFailure.SILENT


def test_the_first_end_counts() -> None:
    update = begun()
    update.told("DownloadFailed", None, 1.0)
    update.booted("2.0")

    assert failure(update) is UpdateFailure.DOWNLOAD_FAILED
