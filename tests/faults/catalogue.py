"""The faults that balanz has to live with, and how each is tested.

`python -m tests.faults.catalogue` writes docs/faults.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong."""

    id: str
    title: str
    promise: str = ""
    """What balanz does, where a scenario here shows it."""
    elsewhere: str = ""
    """The test that shows it, where that is not a scenario here."""


def _shown(fault_id: str, title: str, promise: str) -> Fault:
    return Fault(id=fault_id, title=title, promise=promise)


def _elsewhere(fault_id: str, title: str, test: str) -> Fault:
    return Fault(id=fault_id, title=title, elsewhere=test)


FAULTS = (
    _shown("F01", "a charger reboots in mid-session", "its limit is set again within 10 s"),
    _shown("F02", "a connection is half open", "it is dropped after 15 min of silence"),
    _shown("F03", "a charger sends, but does not answer", "booked, and the others live with it"),
    _shown("F04", "no BootNotification after a reconnect", "its limit is set again within 10 s"),
    _shown("F05", "no StatusNotification", "its sessions tell, and get their limit"),
    _shown("F06", "a link flaps", "no limit is lost, and few more are written"),
    _shown("F07", "balanz is killed during sessions", "sessions go on under their number"),
    _shown("F08", "balanz stops while chargers are silent", "it has stopped within 10 s"),
    _shown("F09", "balanz starts before the sensors", "nobody charges before they tell"),
    _shown("F10", "the event loop stalls", "it goes on where it was"),
    _shown("F11", "calls from inside handlers", "a charger that waits for us is answered at once"),
    _shown("F12", "a charger takes 40 s to answer", "booked, and the others live with it"),
    _elsewhere("F13", "the upstream is down", "tests/csms/local_controller/test_outage.py"),
    _elsewhere("F14", "ChangeAvailability is only scheduled", "tests/ha/test_ocpp_entities.py"),
    _elsewhere("F15", "a certificate expires", "tests/site/test_door.py"),
    _shown("F20", "a StartTransaction is sent again", "it gets the same number"),
    _shown("F21", "a StopTransaction is sent again", "it is taken once, and answered"),
    _shown("F22", "transaction numbers collide", "no two sessions have one, over restarts"),
    _elsewhere("F23", "a charger makes up its numbers", "tests/csms/test_messages.py"),
    _elsewhere("F24", "a session starts without Authorize", "tests/csms/test_transactions.py"),
    _shown("F25", "an unknown session stops", "it is answered, and no other one is stopped"),
    _elsewhere("F26", "a session starts over another", "tests/csms/test_transactions.py"),
    _elsewhere(
        "F27", "messages are replayed out of order", "tests/csms/test_transactions_out_of_order.py"
    ),
    _shown("F28", "meter values from hours ago", "they move no limit"),
    _elsewhere("F29", "meter values without a session", "tests/csms/test_meter_values.py"),
    _elsewhere("F30", "meter values after the end", "tests/csms/test_transactions_out_of_order.py"),
    _shown("F31", "a meter starts anew", "no session has negative energy"),
    _shown(
        "F32", "Finishing sticks", "it costs others nothing, and the next session gets its share"
    ),
    _shown("F33", "a charger gives up its messages", "its limit holds without a known session"),
    _elsewhere("F34", "a tag is refused late", "tests/site/test_tags.py"),
    _shown("F40", "limits are refused", "booked at its rating, and told"),
    _shown(
        "F41",
        "limits are accepted and ignored",
        "booked at what it draws, and stopped where others lack it",
    ),
    _shown("F42", "full power on resume", "told again, and others yield until it obeys"),
    _shown("F43", "limits are lost on reconnect", "set again within 10 s"),
    _shown("F44", "a gap between two limits", "none is ever cleared"),
    _shown("F45", "a limit cannot be delivered", "the lease lapses to the fallback"),
    _shown("F46", "a car sleeps", "others get its share"),
    _shown("F47", "another limit holds a car", "others get what it does not use"),
    _shown("F48", "a connector is faulted", "others get its share, and it says why"),
    _shown("F49", "a car uses fewer phases", "others get the phases that it does not use"),
    _shown("F50", "a charger switches phases", "booked on those that it is seen on"),
    _shown("F51", "phases are rotated or unknown", "the worst phase is reckoned with"),
    _shown("F52", "a clock is wrong by hours", "the limit is in force by the charger's clock"),
    _shown("F53", "a charger's memory wears out", "few limits are written on a calm day"),
    _elsewhere("F54", "a charger delays at random", "tests/balancing/test_closed_loop.py"),
    _shown("F60", "the meter tells nothing", "nothing rises"),
    _shown("F61", "the meter tells no number", "nothing rises"),
    _shown("F62", "the house exports", "export is not headroom"),
    _shown("F63", "the meter changes its unit", "nothing rises"),
    _elsewhere("F64", "the meter is frozen", "tests/ha/test_supply_sensors.py"),
    _elsewhere("F65", "phases are told out of step", "tests/ha/test_supply_sensors.py"),
    _shown(
        "F66",
        "the meter leaves the chargers out",
        "after a few changes it is told, and counted as the load of all else",
    ),
    _shown("F67", "the meter has the wrong sign", "after a few changes it is told, and not heard"),
    _shown("F70", "power fails in mid-write", "the torn record costs only itself"),
    _shown("F71", "a file is damaged", "chargers are booked at their rating, and it is told"),
    _shown("F72", "the disk is full", "there are cuts only, even over a restart"),
    _shown(
        "F73", "an old backup is restored", "what it says of limits and numbers is not relied on"
    ),
    _shown("F76", "a file has gone", "chargers are booked at their rating, and it is told"),
    _elsewhere("F74", "the wall clock jumps", "tests/csms/test_meter_values.py"),
    _elsewhere("F75", "the files' format changes", "tests/ha/test_upgrade.py"),
)


def page() -> str:
    """Return docs/faults.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    shown = [fault for fault in FAULTS if fault.promise]
    elsewhere = [fault for fault in FAULTS if fault.elsewhere]
    yield "# Faults"
    yield ""
    yield (
        "What goes wrong, and what balanz does about it. The scenarios run the real site with real"
        " sockets and files and simulated chargers, in virtual time; after each, no rule of"
        " [the architecture](architecture.md) may have been broken. `.venv/bin/pytest tests/faults`"
        " prints whether they pass. `python -m tests.faults.catalogue` writes this page."
    )
    yield ""
    yield "| | fault | shown by a scenario in tests/faults |"
    yield "|---|---|---|"
    yield from (f"| {fault.id} | {fault.title} | {fault.promise} |" for fault in shown)
    yield ""
    yield "| | fault | shown by |"
    yield "|---|---|---|"
    yield from (f"| {fault.id} | {fault.title} | `{fault.elsewhere}` |" for fault in elsewhere)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
