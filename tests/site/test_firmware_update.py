"""How far a change of firmware is, by what its charger tells."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.site.firmware_update import (
    LONGEST_S,
    REBOOT_S,
    RETRY_AFTER_S,
    SILENCE_S,
    START_S,
    TRIES,
    FirmwareUpdate,
    UpdateFailure,
)
from custom_components.balanz.storage.firmware_entry import FirmwareEntry
from custom_components.balanz.storage.kept_updates import KeptUpdate, UpdateStage

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
    }
    update = FirmwareUpdate(**(fields | changes))
    update.begin(at, request_id=7)
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


def kept(entry: FirmwareEntry = ENTRY, **changes: Any) -> FirmwareUpdate:
    """A change as it is after a restart, at 0."""
    fields: dict[str, Any] = {
        "firmware": ENTRY.key,
        "version": "2.0",
        "version_before": "1.0",
        "stage": UpdateStage.DOWNLOADING,
        "request_id": 7,
        "tries": 1,
        "retries_itself": True,
    }
    return FirmwareUpdate.kept("CP-1", entry, KeptUpdate(**(fields | changes)), 0.0)


def test_a_download_that_fails_is_tried_again_after_a_minute() -> None:
    update = begun(retries_itself=False)
    update.told("DownloadFailed", 7, 1.0)
    assert (update.stage, update.outcome, update.waits) == (UpdateStage.QUEUED, None, False)
    assert update.due_at == 1.0 + RETRY_AFTER_S

    update.look(0.9 + RETRY_AFTER_S)
    assert not update.waits
    update.look(1.0 + RETRY_AFTER_S)
    assert update.waits
    assert update.due_at is None


def test_the_third_download_that_fails_is_the_last() -> None:
    update = begun(retries_itself=False)
    for try_ in range(2, TRIES + 1):
        update.told("DownloadFailed", update.request_id, 1.0)
        update.look(1.0 + RETRY_AFTER_S)
        update.begin(100.0, request_id=7 + try_)
    assert update.outcome is None

    update.told("DownloadFailed", update.request_id, 101.0)

    assert failure(update) is UpdateFailure.DOWNLOAD_FAILED


def test_a_signature_that_is_wrong_is_wrong_the_next_time_too() -> None:
    update = begun(retries_itself=False)
    update.told("InvalidSignature", 7, 1.0)

    assert failure(update) is UpdateFailure.SIGNATURE_INVALID


def test_what_could_not_be_asked_was_no_try() -> None:
    update = begun()
    update.requeue()

    assert (update.tries, update.waits) == (0, True)


@given(
    st.sampled_from(UpdateStage), st.integers(0, TRIES), st.booleans(), st.integers(1, 2**31 - 1)
)
def test_what_is_kept_of_a_change_reads_back_as_the_same(
    stage: UpdateStage, tries: int, retries_itself: bool, request_id: int
) -> None:
    told = KeptUpdate(
        firmware=ENTRY.key,
        version="2.0",
        version_before="1.0",
        stage=stage,
        request_id=request_id,
        tries=tries,
        retries_itself=retries_itself,
    )

    assert KeptUpdate.from_record(told.as_record()) == told
    assert FirmwareUpdate.kept("CP-1", ENTRY, told, 0.0).as_kept() == told


def test_after_a_restart_the_next_status_tells_how_it_goes() -> None:
    update = kept()
    assert update.in_doubt

    update.told("Installing", None, 5.0)

    assert (update.in_doubt, update.stage) == (False, UpdateStage.INSTALLING)


def test_a_charger_that_is_idle_after_a_restart_is_asked_again() -> None:
    update = kept()
    update.told("Idle", None, 5.0)

    assert (update.waits, update.tries, update.outcome) == (True, 1, None)


def test_a_charger_that_is_always_idle_is_not_asked_for_ever() -> None:
    update = kept(tries=TRIES)
    update.told("Idle", None, 5.0)

    assert failure(update) is UpdateFailure.SILENT


@pytest.mark.parametrize("before", ["Downloading", "Installed"])
def test_idle_says_nothing_of_what_was_heard_since(before: str) -> None:
    update = kept()
    update.told(before, None, 5.0)
    stage = update.stage
    update.told("Idle", None, 6.0)

    assert (update.stage, update.outcome) == (stage, None)


def test_who_has_installed_before_a_restart_may_be_idle_before_its_own() -> None:
    update = kept(stage=UpdateStage.RESTARTING)
    update.told("Idle", None, 5.0)
    assert (update.stage, update.outcome) == (UpdateStage.RESTARTING, None)

    update.look(REBOOT_S)
    assert failure(update) is UpdateFailure.VERSION_UNCHANGED


def test_a_charger_that_stays_away_after_a_restart_ends_it_in_time() -> None:
    update = kept()
    update.look(SILENCE_S)

    assert failure(update) is UpdateFailure.SILENT


@pytest.mark.parametrize(
    ("stage", "then"),
    [
        (UpdateStage.DOWNLOADING, UpdateStage.QUEUED),
        (UpdateStage.DOWNLOADED, UpdateStage.DOWNLOADED),
    ],
)
def test_what_balanz_served_itself_is_loaded_anew_after_a_restart(
    stage: UpdateStage, then: UpdateStage
) -> None:
    update = kept(FirmwareEntry(version="2.0", url="local:2.bin"), stage=stage)

    assert (update.stage, update.in_doubt) == (then, then is not UpdateStage.QUEUED)


def test_the_first_end_counts() -> None:
    update = begun()
    update.told("DownloadFailed", None, 1.0)
    update.booted("2.0")

    assert failure(update) is UpdateFailure.DOWNLOAD_FAILED
