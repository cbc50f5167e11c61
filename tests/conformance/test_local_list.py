"""The published cases of the local list profile for central systems (OCPP 1.6)."""

from typing import Any

import pytest

from .rig import VALID_TAG, Rig

ENTRY = {"id_tag": VALID_TAG, "status": "accepted"}


async def send(rig: Rig, told: str, **fields: Any) -> dict[str, Any]:
    """Boot, and send a list, which the charger answers as told."""
    await rig.booted()
    rig.charger.answers["SendLocalList"] = {"status": told}
    wanted = {"list_version": 1, "update_type": "full", "local_authorization_list": [ENTRY]}
    return await rig.ask("send_local_list", **wanted | fields)


@pytest.mark.parametrize(
    "version", [pytest.param(-1, id="tc_042_1_no_list"), pytest.param(0, id="tc_042_2_empty")]
)
async def test_get_local_list_version(rig: Rig, version: int) -> None:
    await rig.booted()
    rig.charger.answers["GetLocalListVersion"] = {"listVersion": version}
    assert await rig.ask("get_local_list_version") == {"list_version": version}


@pytest.mark.parametrize(
    ("told", "response"),
    [
        pytest.param("NotSupported", "not_supported", id="tc_043_1_not_supported"),
        pytest.param("Failed", "failed", id="tc_043_3_failed"),
    ],
)
async def test_send_local_list_refused(rig: Rig, told: str, response: str) -> None:
    assert (await send(rig, told))["status"] == response


async def test_tc_043_4_whole_list(rig: Rig) -> None:
    other = {"id_tag": "BLOCKED", "status": "blocked"}
    answer = await send(rig, "Accepted", local_authorization_list=[ENTRY, other])
    assert answer["status"] == "accepted"
    assert rig.last("SendLocalList") == {
        "listVersion": 1,
        "localAuthorizationList": [
            {"idTag": VALID_TAG, "idTagInfo": {"status": "Accepted"}},
            {"idTag": "BLOCKED", "idTagInfo": {"status": "Blocked"}},
        ],
        "updateType": "Full",
    }


async def test_tc_043_5_one_more_entry(rig: Rig) -> None:
    await send(rig, "Accepted")
    new = {"id_tag": "NEW", "status": "accepted"}
    answer = await send(
        rig,
        "Accepted",
        list_version=2,
        update_type="differential",
        local_authorization_list=[new],
    )
    assert answer["status"] == "accepted"
    first, second = rig.sent("SendLocalList")
    assert second["listVersion"] > first["listVersion"]
    assert second["updateType"] == "Differential"
    assert [entry["idTag"] for entry in second["localAuthorizationList"]] == ["NEW"]
