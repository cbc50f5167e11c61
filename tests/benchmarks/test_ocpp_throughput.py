"""`script/benchmark ocpp_throughput`: what it prints, and that what it measures is what it says."""

import json

import pytest

from benchmarks.ocpp_throughput import Charger, NotServed, Turn, _expect_results, main
from benchmarks.ten_values import ten_values

FEW = ["--turns", "1", "--messages", "20", "--stock-messages", "2"]


def test_json_has_what_both_serve_and_their_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FEW, "--json"]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert figures.keys() == {"messages_per_s", "stock_messages_per_s", "ratio"}
    assert min(figures.values()) > 0


def test_the_table_has_a_line_for_each_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(FEW) == 0

    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["messages_per_s", "stock_messages_per_s", "ratio"]


def test_the_ratio_is_how_many_times_as_many_balanz_serves() -> None:
    assert Turn(messages_per_s=3000.0, stock_messages_per_s=100.0).ratio == 30.0


def test_the_message_has_ten_values() -> None:
    kind, message_id, action, payload = json.loads(
        ten_values("7", current_a=10.0, energy_wh=5000.0, transaction_id=3)
    )

    assert (kind, message_id, action) == (2, "7", "MeterValues")
    assert payload["transactionId"] == 3
    assert len(payload["meterValue"][0]["sampledValue"]) == 10


async def test_a_refused_message_makes_no_figure() -> None:
    charger = Charger(["a call"])
    await charger.send('[4,"7","InternalError","",{}]')

    with pytest.raises(NotServed, match="InternalError"):
        _expect_results(charger)
