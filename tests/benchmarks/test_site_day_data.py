"""What the benchmark reads: sessions, house loads, made-up days."""

import gzip
import json
from datetime import datetime
from pathlib import Path

import pytest

from benchmarks.site_days.days import make_day
from benchmarks.site_days.errors import InputError
from benchmarks.site_days.house import HouseRecord, read_house
from benchmarks.site_days.layouts import parse_layout
from benchmarks.site_days.options import HOUSE, SESSIONS
from benchmarks.site_days.scenario import read_scenario
from benchmarks.site_days.visits import Visit, read_visits

SESSIONS_HEAD = "user_id,session_id,arrival,departure,energy_kwh\n"
HOUSE_HEAD = "t,Global_active_power,Global_intensity,Sub_metering_1,Sub_metering_2,Sub_metering_3\n"
FLAT_HOUSE = HouseRecord(minutes=((1.0, 2.0, 3.0),) * 1440)


def written(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def visit(place: str, arrival: str, departure: str, energy_wh: float = 5000.0) -> Visit:
    return Visit(
        place=place,
        driver=place,
        arrival=datetime.fromisoformat(arrival),
        departure=datetime.fromisoformat(departure),
        energy_wh=energy_wh,
    )


def test_all_shipped_files_can_be_read() -> None:
    counts = {path.name: len(read_visits(path)) for path in set(SESSIONS.values())}

    assert counts == {
        "sessions_trondheim.csv.gz": 6827,
        "sessions_acn_caltech_2019.csv.gz": 3527,
    }
    assert read_house(HOUSE).days == 12


def test_sessions_are_read_as_they_arrive_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    text = (
        SESSIONS_HEAD
        + "B,2,2020-01-01 10:00:00,2020-01-01 12:00:00,7.5\n"
        + "A,1,2020-01-01 09:00:00,2020-01-01 11:00:00,3\n"
        + "C,3,2020-01-01 09:00:00,2020-01-01 08:00:00,3\n"
        + "D,4,2020-01-01 09:00:00,2020-01-01 11:00:00,0\n"
    )

    visits = read_visits(written(tmp_path, text))

    assert [(one.place, one.energy_wh) for one in visits] == [("A", 3000.0), ("B", 7500.0)]


def test_a_gzipped_file_without_users_is_told_by_its_stations(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv.gz"
    head = "station_id,session_id,arrival,departure,energy_kwh\n"
    row = "S-1,77,2020-01-01 09:00:00,2020-01-01 11:00:00,3\n"
    path.write_bytes(gzip.compress((head + row).encode()))

    [only] = read_visits(path)

    assert (only.place, only.driver) == ("S-1", "77")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b\n1,2\n", "no column arrival"),
        (SESSIONS_HEAD, "no sessions"),
        (SESSIONS_HEAD + "A,1,yesterday,2020-01-01 11:00:00,3\n", "line 2: arrival is 'yesterday'"),
        (SESSIONS_HEAD + "A,1,2020-01-01 09:00,2020-01-01 11:00,many\n", "not a number"),
        (SESSIONS_HEAD + "A,1,2020-01-01 09:00,2020-01-01 11:00,nan\n", "cannot be"),
        (SESSIONS_HEAD + ",1,2020-01-01 09:00,2020-01-01 11:00,3\n", "user_id is empty"),
    ],
)
def test_a_bad_sessions_file_is_refused_with_the_place(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        read_visits(written(tmp_path, text))


def test_a_file_that_is_not_there_or_not_gzipped_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_visits(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"file\.csv\.gz"):
        read_visits(written(tmp_path, SESSIONS_HEAD, "file.csv.gz"))


def test_the_current_of_the_house_is_split_as_its_power_is(tmp_path: Path) -> None:
    # 30 Wh in a minute, 10 of them in the kitchen, 2 in the laundry, 9 in the heater.
    minute = "2006-12-17 00:00:00,1.8,10,10,2,9\n"

    house = read_house(written(tmp_path, HOUSE_HEAD + minute * 1440))

    assert house.minutes[0] == pytest.approx((13 / 3, 5 / 3, 12 / 3))


def test_a_house_without_a_whole_day_is_refused(tmp_path: Path) -> None:
    text = HOUSE_HEAD + "2006-12-17 00:00:00,1.8,10,10,2,9\n"

    with pytest.raises(InputError, match="no whole day"):
        read_house(written(tmp_path, text))


def test_four_houses_add_up_with_their_phases_turned() -> None:
    [slot] = FLAT_HOUSE.load(day=0, start_s=0, length_s=15, houses=4)

    assert slot == (1 + 3 + 2 + 1, 2 + 1 + 3 + 2, 3 + 2 + 1 + 3)


def test_a_day_takes_the_sessions_that_arrive_in_it_and_ends_them_with_it() -> None:
    visits = [
        visit("A", "2020-01-01 11:00", "2020-01-01 13:00"),
        visit("B", "2020-01-01 14:00", "2020-01-03 08:00"),
        visit("C", "2020-01-02 11:00", "2020-01-02 15:00"),
    ]

    day = make_day(parse_layout("garage:63"), visits, FLAT_HOUSE, 0)

    assert [(stay.arrives_s, stay.leaves_s) for stay in day.stays] == [
        (2 * 3600, 24 * 3600),
        (23 * 3600, 24 * 3600),
    ]


def test_day_0_has_the_most_energy_to_charge() -> None:
    visits = [
        visit("A", "2020-01-01 14:00", "2020-01-01 18:00", 4000.0),
        visit("A", "2020-01-05 14:00", "2020-01-05 18:00", 9000.0),
    ]
    layout = parse_layout("work:80")

    energies = [make_day(layout, visits, FLAT_HOUSE, n).stays[0].energy_wh for n in (0, 1)]

    assert energies == [9000.0, 4000.0]
    with pytest.raises(InputError, match="no day 2"):
        make_day(layout, visits, FLAT_HOUSE, 2)


def test_two_cars_are_never_at_one_charger_and_who_finds_none_is_left_out() -> None:
    visits = [visit(f"U{n}", "2020-01-01 14:00", "2020-01-01 18:00") for n in range(40)]

    stays = make_day(parse_layout("garage:63"), visits, FLAT_HOUSE, 0).stays

    assert len(stays) == 30
    assert len({stay.charger for stay in stays}) == 30


@pytest.mark.parametrize("text", ["hut:25", "home", "home:many", "home:-1", "home:nan"])
def test_a_site_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="site"):
        parse_layout(text)


CAR = {"charger": "C0", "arrive": 3600, "leave": 7200, "max_a": 10, "need_wh": 5000}
SCENARIO = {"limit_schedule": "00:00-11:59>0=12;12:00-23:59>0=6:3=8", "conn_max": 32, "evs": [CAR]}


def scenario_file(folder: Path, **changes: object) -> Path:
    return written(folder, json.dumps(SCENARIO | changes), "two_limits.json")


def test_a_scenario_is_a_day_without_house_under_a_changing_capacity(tmp_path: Path) -> None:
    day = read_scenario(scenario_file(tmp_path))

    assert (day.layout.name, day.layout.main_a, day.metered) == ("two_limits", 12.0, False)
    assert [day.capacity_at(second) for second in (0, 43_199, 43_200, 86_399)] == [12, 12, 8, 8]
    assert (day.stays[0].kind.lines, day.stays[0].kind.maximum_a) == (3, 10.0)


def test_a_scenario_may_begin_in_the_evening_and_have_cars_of_one_phase(tmp_path: Path) -> None:
    day = read_scenario(scenario_file(tmp_path, start="18:00", evs=[CAR | {"phases": 1}]))

    assert [day.capacity_at(second) for second in (0, 6 * 3600)] == [8.0, 12.0]
    assert day.stays[0].kind.lines == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"evs": []}, "evs"),
        ({"evs": [CAR | {"leave": 10}]}, "car 0: leaves at 10"),
        ({"evs": [CAR | {"max_a": "x"}]}, "max_a is 'x'"),
        ({"evs": [CAR | {"phases": 4}]}, "phases is 4"),
        ({"evs": [CAR, CAR]}, "two cars"),
        ({"limit_schedule": "00:00-24:00>0=12"}, "no time of the day"),
        ({"limit_schedule": "always"}, "cannot read 'always'"),
        ({"limit_schedule": None}, "limit_schedule is missing"),
        ({"limit_schedule": "00:00-23:59>0=0"}, "never"),
        ({"start": "25:00"}, "start"),
    ],
)
def test_a_bad_scenario_is_refused_with_the_place(
    tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        read_scenario(scenario_file(tmp_path, **changes))


def test_a_scenario_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not JSON"):
        read_scenario(written(tmp_path, "{", "bad.json"))
