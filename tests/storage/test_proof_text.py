"""What was seen of firmwares, as text for others."""

from datetime import UTC, datetime
from typing import Any

from homeassistant.util.yaml import parse_yaml
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.storage.proof_text import write_proofs
from custom_components.balanz.storage.proofs import (
    Fact,
    Finding,
    Firmware,
    FirmwareProof,
    SeenBy,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
names = st.text(max_size=30)
firmwares = st.builds(Firmware, vendor=names, model=names, version=names)
findings = st.builds(
    Finding, holds=st.booleans(), seen_by=st.sampled_from(SeenBy), seen_at=st.just(AT)
)
proofs = st.builds(
    FirmwareProof,
    firmware=firmwares,
    findings=st.dictionaries(st.sampled_from(Fact), findings),
)


def firmwares_of(text: str) -> list[dict[str, Any]]:
    parsed = parse_yaml(text)
    assert isinstance(parsed, dict)
    return list(parsed["firmwares"])


def test_a_proven_firmware_is_told_with_its_level_and_each_fact() -> None:
    proof = FirmwareProof(firmware=Firmware(vendor="Acme", model="One", version="1.2"))
    for fact in (Fact.TAKES_LEASE, Fact.LAPSES):
        proof = proof.with_finding(
            fact, Finding(holds=True, seen_by=SeenBy.COMPOSITE_SCHEDULE, seen_at=AT)
        )
    lost = Finding(holds=False, seen_by=SeenBy.COMPOSITE_SCHEDULE, seen_at=AT)

    text = write_proofs([proof.with_finding(Fact.OUTLASTS_LINK_LOSS, lost)], AT)

    assert "\n".join(line for line in text.splitlines() if not line.startswith("#")) == (
        'exported_at: "2026-03-01T12:00:00+00:00"\n'
        "firmwares:\n"
        '  - vendor: "Acme"\n'
        '    model: "One"\n'
        '    firmware: "1.2"\n'
        "    level: P2\n"
        "    takes_lease:\n"
        "      holds: true\n"
        "      seen_by: composite_schedule\n"
        '      seen_at: "2026-03-01T12:00:00+00:00"\n'
        "    lapses:\n"
        "      holds: true\n"
        "      seen_by: composite_schedule\n"
        '      seen_at: "2026-03-01T12:00:00+00:00"\n'
        "    outlasts_link_loss:\n"
        "      holds: false\n"
        "      seen_by: composite_schedule\n"
        '      seen_at: "2026-03-01T12:00:00+00:00"\n'
        "    outlasts_reboot: null\n"
        "    caps: null"
    )


def test_the_way_in_which_limits_have_to_end_is_told_where_it_is_not_the_usual_one() -> None:
    proof = FirmwareProof(firmware=Firmware(vendor="Acme", model="One", version="1.2"))
    seen = Finding(holds=True, seen_by=SeenBy.COMPOSITE_SCHEDULE, seen_at=AT, lease="stack")
    [told] = firmwares_of(write_proofs([proof.with_finding(Fact.LAPSES, seen)], AT))

    assert told["lapses"]["lease"] == "stack"


def test_it_is_told_that_a_limit_was_a_cap() -> None:
    proof = FirmwareProof(firmware=Firmware(vendor="Acme", model="One", version="1.2"))
    seen = Finding(holds=True, seen_by=SeenBy.COMPOSITE_SCHEDULE, seen_at=AT, cap=True)
    [told] = firmwares_of(write_proofs([proof.with_finding(Fact.OUTLASTS_REBOOT, seen)], AT))

    assert told["outlasts_reboot"]["cap"] is True


def test_where_nothing_was_tried_the_list_is_empty() -> None:
    assert firmwares_of(write_proofs([], AT)) == []


@given(st.lists(proofs, max_size=4))
def test_a_program_reads_back_what_was_seen_whatever_chargers_call_themselves(
    seen: list[FirmwareProof],
) -> None:
    read = firmwares_of(write_proofs(seen, AT))

    def told(entry: dict[str, object]) -> tuple[object, ...]:
        facts = (entry[fact] for fact in Fact)
        holds = (fact["holds"] if isinstance(fact, dict) else None for fact in facts)
        return (entry["vendor"], entry["model"], entry["firmware"], entry["level"], *holds)

    def known(proof: FirmwareProof) -> tuple[object, ...]:
        name = (proof.firmware.vendor, proof.firmware.model, proof.firmware.version)
        return (*name, f"P{int(proof.level)}", *(proof.holds(fact) for fact in Fact))

    assert sorted(map(repr, map(told, read))) == sorted(map(repr, map(known, seen)))
