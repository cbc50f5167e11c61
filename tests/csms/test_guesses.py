"""How many wrong passwords are too many."""

from custom_components.balanz.csms import guesses
from custom_components.balanz.csms.guesses import Guesses


def test_five_wrong_passwords_are_borne_and_the_sixth_is_too_many() -> None:
    counted = Guesses()

    assert [counted.note(("a",), now) for now in range(6)] == [False] * 5 + [True]


def test_a_guess_counts_for_its_address_and_for_its_identity() -> None:
    counted = Guesses()
    for number in range(5):
        counted.note(("address 1", f"identity {number}"), 0.0)

    assert counted.note(("address 1", "identity 9"), 0.0)
    assert not counted.note(("address 2", "identity 9"), 0.0)


def test_guesses_are_forgotten_after_five_minutes_and_once_the_password_was_known() -> None:
    counted = Guesses()
    for _ in range(9):
        counted.note(("a",), 0.0)
        counted.note(("b",), 0.0)

    counted.forget("b")

    assert counted.note(("a",), 299.0)
    assert not counted.note(("b",), 299.0)
    assert not counted.note(("a",), 700.0)


def test_strangers_cannot_fill_the_memory() -> None:
    counted = Guesses()

    for number in range(5000):
        counted.note((f"address {number}",), 0.0)

    assert len(counted._times) == guesses.MAX_COUNTED
