"""A demo whose configuration is kept between runs."""

from pathlib import Path

from tests.e2e.running_demo import RunningDemo


async def test_the_demo_takes_up_a_configuration_that_it_has_kept(tmp_path: Path) -> None:
    options = ("--chargers", "1", "--config", str(tmp_path))
    first = await RunningDemo.start("--minutes", "0.05", *options)
    await first.end()
    second = await RunningDemo.start("--minutes", "0.2", *options)
    status = await second.end()

    assert status == 0, second.output
    assert "CP-1: may draw" in second.output
