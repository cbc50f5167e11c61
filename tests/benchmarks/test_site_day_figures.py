"""What the benchmark counts: seconds over a limit, fairness, and the rows it prints."""

from benchmarks.site_days.record import Outcome, OverLimit, Served
from benchmarks.site_days.rows import ResultRow, jain, result_row, worst_served_percent
from benchmarks.site_days.table import table

from .days import day

HOUSE = (5.0, 5.0, 5.0)


def counter(group_a: float = 0.0) -> OverLimit:
    site = day(group_count=1 if group_a else 0, group_a=group_a)
    return OverLimit(site, reaction_s=17, answer_s=5)


def served(energy_wh: float, *, asked_wh: float = 10_000.0, stay_s: int = 7200) -> Served:
    return Served(asked_wh=asked_wh, energy_wh=energy_wh, stay_s=stay_s, waited_s=30)


def test_a_current_at_the_limit_is_not_over_it() -> None:
    over = counter()
    over.add(0, [20.0, 20.0, 20.0], HOUSE, 25.0)

    assert (over.seconds, over.ampere_seconds) == (0, 0.0)


def test_the_worst_phase_counts() -> None:
    over = counter()
    over.add(0, [21.0, 23.0, 0.0], HOUSE, 25.0)

    assert (over.seconds, over.ampere_seconds) == (1, 3.0)


def test_a_rise_of_the_house_explains_the_seconds_that_a_reaction_takes() -> None:
    over = counter()
    cars = [20.0, 20.0, 20.0]
    over.add(0, cars, HOUSE, 25.0)
    for second in range(1, 21):
        over.add(second, cars, (8.0, 5.0, 5.0), 25.0)

    assert (over.seconds, over.preventable_s) == (20, 3)


def test_a_rise_of_the_cars_explains_nothing() -> None:
    over = counter()
    over.add(0, [20.0] * 3, HOUSE, 25.0)
    over.add(1, [22.0] * 3, HOUSE, 25.0)

    assert over.preventable_s == 1


def test_a_house_that_is_too_much_by_itself_cannot_be_helped() -> None:
    over = counter()
    for second in range(60):
        over.add(second, [0.0] * 3, (30.0, 5.0, 5.0), 25.0)

    assert (over.seconds, over.preventable_s) == (60, 0)


def test_a_cut_of_the_capacity_explains_the_seconds_that_an_answer_takes() -> None:
    over = counter()
    over.add(0, [20.0] * 3, HOUSE, 25.0)
    for second in range(1, 16):
        over.add(second, [20.0] * 3, HOUSE, 20.0)

    assert (over.seconds, over.preventable_s) == (15, 4)


def test_nothing_explains_a_group_without_a_house() -> None:
    over = counter(group_a=10.0)
    over.add(0, [12.0, 0.0, 0.0, 12.0, 0.0, 0.0], HOUSE, 25.0)

    assert (over.seconds, over.ampere_seconds, over.preventable_s) == (1, 2.0, 1)


def test_who_stays_less_than_an_hour_is_not_the_worst_served() -> None:
    outcome = Outcome(served=(served(0.0, stay_s=1800), served(4000.0), served(9000.0)))
    ideal = Outcome(served=(served(5000.0, stay_s=1800), served(8000.0), served(9000.0)))

    assert worst_served_percent(outcome, ideal) == 50.0


def test_jain_is_one_where_all_are_served_alike() -> None:
    assert jain([0.4, 0.4, 0.4]) == 1.0
    assert jain([1.0, 0.0]) == 0.5
    assert jain([]) is None


def test_a_row_holds_the_outcome_against_both_references() -> None:
    outcome = Outcome(
        served=(served(8000.0),), over=counter(), switches=3, writes=12, charging_s=7200
    )
    ideal = Outcome(served=(served(10_000.0),))

    row = result_row("home:25", 1, "fair", outcome, ideal=ideal, optimum_wh=16_000.0)

    assert (row.energy_kwh, row.energy_pct_of_ideal, row.energy_pct_of_optimum) == (8, 80, 50)
    assert (row.worst_served_pct, row.switches_per_car, row.writes_per_charger_hour) == (80, 3, 6)


def test_the_table_says_nothing_of_what_does_not_apply() -> None:
    row = ResultRow(site="home:25", day=0, policy="optimum", energy_kwh=12.34)

    [head, empty, line] = table([row]).splitlines()

    assert head.split()[:4] == ["site", "day", "policy", "kWh"]
    assert (empty, line.split()[:5]) == ("", ["home:25", "0", "optimum", "12.3", "-"])
