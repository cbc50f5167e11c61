"""The last frames of a charger are kept, and told without secrets."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.frame_log import (
    MOST_CHARACTERS,
    MOST_FRAMES,
    REDACTED,
    FrameLog,
    KeptFrame,
)

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def told(text: str) -> str:
    return KeptFrame(at=NOON, received=True, text=text).told()


def test_only_the_last_frames_are_kept_and_only_their_beginning() -> None:
    log = FrameLog()
    for number in range(100):
        log.note(f"{number} " + "x" * 10_000, NOON.timestamp(), received=False)

    numbers = [int(frame.text.split()[0]) for frame in log.frames]
    assert numbers == list(range(100 - MOST_FRAMES, 100))
    assert {len(frame.text) for frame in log.frames} == {MOST_CHARACTERS}


def test_a_copy_stays_as_it_was_whatever_is_said_from_then_on() -> None:
    log = FrameLog("back office")
    for number in range(MOST_FRAMES + 1):
        log.note(f"{number}", NOON.timestamp(), received=True)
    copy, before = log.copy(), log.frames
    log.note("after", NOON.timestamp() + 1.0, received=True)

    assert copy.frames == before
    assert [frame.peer for frame in before] == ["back office"] * MOST_FRAMES
    assert copy.heard_at == NOON


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"1","Authorize",{"idTag":"SECRET"}]',
        '[2,"1","Authorize",{"idTag": "SEC\\"RET, SECRET"}]',
        '[2,"1","Authorize",{"idTag":"SECRET-that-was-cut-of',
        '[2,"1","Authorize",{"idTag":"SECRET\\',
        "[2,'1','Authorize',{'idTag':'SECRET'}]",
        '[2,"1","Authorize",{idTag: SECRET}]',
        '[2,"1","Authorize",{"IDTAG":"SECRET"}]',
        '[3,"1",{"idTagInfo":{"status":"Accepted","parentIdTag":"SECRET"}}]',
        '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"SECRET"}]',
        '[2,"1","ChangeConfiguration",{"value":"SECRET","key":"authorizationkey"}]',
        '[2,"1","ChangeConfiguration",{"key":"WifiPassword","value":"SECRET"}]',
        '[2,"1","DataTransfer",{"vendorId":"V","data":"{\\"pin\\":\\"SECRET\\"}"}]',
        '[2,"1","GetDiagnostics",{"location":"ftp://me:SECRET@host/path"}]',
        '[2,"1","BootNotification",{"chargePointSerialNumber":"SECRET","imsi":"SECRET"}]',
        '[2,"1","SignCertificate",{"csr":"SECRET"}]',
        '[4,"1","InternalError","cannot use SECRET",{"value":"SECRET"}]',
        '[4, "1", InternalError, cannot use SECRET',
    ],
)
def test_what_nobody_else_may_know_is_left_out(frame: str) -> None:
    shown = told(frame)

    assert "SECRET" not in shown
    assert REDACTED in shown


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"1","ChangeConfiguration",{"key":"MeterValueSampleInterval","value":"10"}]',
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"7"}]}]}]',
        "nothing at all",
    ],
)
def test_what_is_no_secret_is_told_to_the_letter(frame: str) -> None:
    assert told(frame) == frame


def test_the_code_of_a_refusal_is_told() -> None:
    assert told('[4,"1","NotSupported","because",{}]') == f'[4,"1","NotSupported",{REDACTED}]'


@given(
    tag=st.text(st.characters(min_codepoint=48, max_codepoint=90), min_size=12, max_size=20),
    cut=st.integers(0, 200),
)
def test_no_tag_is_told_wherever_its_frame_was_cut_off(tag: str, cut: int) -> None:
    frame = f'[2,"1","StartTransaction",{{"connectorId":1,"idTag":"{tag}","meterStart":0}}]'

    assert tag[:6] not in told(frame[:cut]).replace("StartTransaction", "")


@pytest.mark.parametrize(
    "answer",
    [
        '[4,"7","InternalError","cannot use Hunter2-Hunter2",{}]',
        '[3,"7",{"status":"Hunter2-Hunter2"}]',
        ' [ 4 , "7" ,"Hunter2-Hunter2"',
    ],
)
def test_a_charger_that_repeats_its_password_in_an_answer_is_not_told_word_for_word(
    answer: str,
) -> None:
    log = FrameLog()
    secret = {"key": "AuthorizationKey", "value": "48756e746572322d48756e74657232"}
    log.note(json.dumps([2, "6", "Heartbeat", {}]), NOON.timestamp(), received=False)
    log.note(json.dumps([2, "7", "ChangeConfiguration", secret]), NOON.timestamp(), received=False)
    log.note(answer, NOON.timestamp(), received=True)
    log.note('[4,"8","InternalError","cannot",{}]', NOON.timestamp(), received=True)

    told = [frame.told() for frame in log.frames]

    assert not any("Hunter2" in one or "48756e" in one for one in told)
    assert told[2].endswith('"7","**REDACTED**"') or told[2].endswith('"7" ,"**REDACTED**"')
    assert told[3] == '[4,"8","InternalError",**REDACTED**]'
