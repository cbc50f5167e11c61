"""`script/benchmark allocation`: what it prints, and that what it measures is what it says."""

import json

import pytest

from benchmarks.allocation import Timing, check, growth, main, timing


def test_json_has_the_time_of_each_size_and_how_it_grows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--sizes", "100,10", "--json"]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert figures.keys() == {
        "ms_10",
        "ms_100",
        "slope",
        "crowded_ms_10",
        "crowded_ms_100",
        "crowded_slope",
    }
    assert figures["ms_10"] > 0


def test_the_table_has_a_line_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sizes", "10", "--check", "2"]) == 0

    printed = capsys.readouterr().out
    assert "        10 " in printed
    assert "of 2 random instances" in printed


def test_a_scarce_site_has_everybody_charging_and_its_limits_full() -> None:
    scarce = timing(100, all_fit=True)

    assert scarce.admitted == 1
    assert scarce.full > 0.9


def test_a_crowded_site_has_some_of_its_cars_charging() -> None:
    assert 0.4 < timing(100, all_fit=False).admitted < 0.8


def test_growth_is_two_where_ten_times_the_size_takes_a_hundred_times_as_long() -> None:
    times = {10: 0.1, 100: 10.0, 1_000: 1_000.0}
    timings = [Timing(connectors=n, ms=ms, full=1.0, admitted=1.0) for n, ms in times.items()]

    assert growth(timings) == pytest.approx(2.0)


def test_random_instances_are_within_an_ampere_of_the_best_possible() -> None:
    checked = check(20)

    assert checked.instances == checked.within_1_a == 20
    assert checked.identical <= checked.within_1_a


@pytest.mark.parametrize("option", ["--check=0", "--check=x", "--sizes=10,x", "--sizes=", "--fast"])
def test_what_cannot_be_done_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([option])

    assert left.value.code == 2
    assert option.partition("=")[0] in capsys.readouterr().err
