"""What a charger does wrong, counted by its ways."""

from custom_components.balanz.csms.violations import MOST_WAYS, OTHERS, Violations


def test_ways_are_counted_wherever_in_a_list_they_are() -> None:
    violations = Violations()
    violations.note("Heartbeat: payload breaks additionalProperties")
    for number in range(3):
        violations.note(f"MeterValues: meterValue/0/sampledValue/{number}/unit breaks enum")

    assert list(violations.counted().items()) == [
        ("MeterValues: meterValue/*/sampledValue/*/unit breaks enum", 3),
        ("Heartbeat: payload breaks additionalProperties", 1),
    ]


def test_a_charger_that_finds_ever_new_ways_fills_no_memory() -> None:
    violations = Violations()
    for number in range(2 * MOST_WAYS):
        violations.note(f"frame: problem {number}")

    counted = violations.counted()
    assert len(counted) == MOST_WAYS + 1
    assert counted[OTHERS] == MOST_WAYS
