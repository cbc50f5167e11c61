"""A look at one group of a site: what it cuts, and what it leaves to the step that follows."""

from dataclasses import replace

from custom_components.balanz.balancing.commitments import Pending
from custom_components.balanz.balancing.control import State
from custom_components.balanz.balancing.inputs import Booking, ConnectorInput, Line
from custom_components.balanz.balancing.model import Site
from custom_components.balanz.balancing.part import cuts_in, part_of
from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.balancing.supply import MeterReading

from .build import (
    NOW,
    charging,
    connector,
    decide,
    group,
    inputs,
    inputs_in,
    key,
    known,
    limits,
    meter,
    obeying,
    site,
    waiting,
)

MAIN = group("root", 63.0, metered=True)
GARAGE = group("garage", 25.0, metered=True)
ROW = group("row", 16.0, "garage")
SHED = group("shed", 20.0)


def built(*places: tuple[str, str]) -> Site:
    return site((MAIN, GARAGE, ROW, SHED), [connector(name, where) for name, where in places])


TWO_AND_ONE = built(("a", "garage"), ("b", "row"), ("c", "shed"))


def look(
    on: Site,
    *connectors: tuple[str, ConnectorInput],
    garage: MeterReading | None,
    main: MeterReading | None = None,
    bookings: tuple[Booking, ...] = (),
) -> dict[str, float]:
    """What a look at the garage sends, by charger."""
    part = part_of(on, "garage")
    told = inputs(on, connectors, meters={"root": main or meter(30.0), "garage": garage})
    told = inputs_in(part, replace(told, bookings=bookings))
    return {cut.key.charger: cut.limit_a for cut in cuts_in(part, told, State(), NOW)}


def test_a_part_has_the_group_what_hangs_in_it_and_the_groups_above() -> None:
    part = part_of(TWO_AND_ONE, "garage")
    assert set(part.groups) == {"root", "garage", "row"}
    assert set(part.connectors) == {key("a"), key("b")}
    assert not part.groups["root"].metered
    assert part.groups["garage"] == GARAGE


def test_the_part_of_the_root_is_the_site() -> None:
    assert part_of(TWO_AND_ONE, "root") == TWO_AND_ONE


def test_a_house_that_takes_more_has_those_in_its_group_cut_as_a_step_would() -> None:
    connectors = [charging("a", 10.0), charging("b", 10.0), charging("c", 16.0)]
    garage = meter(29.0)
    step = decide(
        TWO_AND_ONE,
        inputs(TWO_AND_ONE, connectors, meters={"root": meter(45.0), "garage": garage}),
    )
    assert look(TWO_AND_ONE, *connectors, garage=garage) == limits(step) == {"a": 8.0, "b": 8.0}


def test_where_all_fits_nothing_is_cut() -> None:
    assert look(TWO_AND_ONE, charging("a", 10.0), charging("b", 10.0), garage=meter(25.0)) == {}


def test_what_flows_outside_the_group_is_for_the_step_to_look_at() -> None:
    both = charging("a", 10.0), charging("b", 10.0)
    assert look(TWO_AND_ONE, *both, garage=meter(22.0), main=meter(90.0)) == {}


def test_a_meter_that_tells_nothing_yet_has_nobody_raised_or_cut() -> None:
    assert look(TWO_AND_ONE, charging("a", 10.0), charging("b", 10.0), garage=None) == {}


def test_nobody_is_cut_further_for_a_car_that_waits() -> None:
    on = built(("a", "garage"), ("b", "garage"), ("d", "garage"))
    steady = charging("a", 10.0), charging("b", 10.0)
    assert look(on, *steady, waiting("d"), garage=meter(27.0)) == {"a": 9.0, "b": 9.0}


def test_a_car_whose_limit_is_in_doubt_is_left_to_the_step() -> None:
    doubtful = known(replace(obeying(10.0), uncertain_a=16.0))
    cuts = look(TWO_AND_ONE, charging("a", 10.0), ("b", doubtful), garage=meter(32.0))
    assert cuts.keys() == {"a"}


def test_a_line_that_is_busy_has_others_cut_in_its_place() -> None:
    _, free = charging("b", 10.0)
    unanswered = replace(free.commitment, pending=Pending(limit_a=10.0, sent_at=NOW))
    busy = replace(free, line=Line.BUSY, commitment=unanswered)
    cuts = look(TWO_AND_ONE, charging("a", 10.0), ("b", busy), garage=meter(29.0))
    assert cuts == {"a": 6.0}


def test_what_is_booked_for_a_charger_that_left_the_group_counts() -> None:
    booking = Booking(
        id="x", group_ids=("garage", "shed", "root"), currents=PhaseCurrents.uniform(7.0)
    )
    elsewhere = replace(booking, group_ids=("shed",))
    both = charging("a", 10.0), charging("b", 10.0)
    assert look(TWO_AND_ONE, *both, garage=meter(20.0), bookings=(elsewhere,)) == {}
    assert look(TWO_AND_ONE, *both, garage=meter(20.0), bookings=(booking,)) == {
        "a": 9.0,
        "b": 9.0,
    }
