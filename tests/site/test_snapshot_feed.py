"""What a site says in the log of its problems."""

import logging
from dataclasses import replace

import pytest

from custom_components.balanz.site.snapshot import Problem, ProblemKind
from custom_components.balanz.site.snapshot_feed import SnapshotFeed


def test_a_problem_is_logged_in_words_when_it_begins_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    feed = SnapshotFeed()
    well = feed.newest
    overload = Problem(
        kind=ProblemKind.OVERLOAD,
        subject="root",
        placeholders={"group": "Home", "capacity": "25"},
    )
    feed.publish(replace(well, problems=(overload,)))
    more = replace(overload, placeholders={"group": "Home", "capacity": "20"})
    feed.publish(replace(well, problems=(more,)))
    feed.publish(well)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "Problem overload, group Home, capacity 25"),
        ("INFO", "Over: problem overload, group Home, capacity 20"),
    ]
