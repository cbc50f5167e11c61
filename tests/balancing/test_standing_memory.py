"""What is remembered of where connectors stood makes a step faster, and nothing else of it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import Commitment, Falling, Reading
from custom_components.balanz.balancing.lease import Lapse
from custom_components.balanz.balancing.model import Site
from custom_components.balanz.balancing.standing import StandingMemory, standings

from . import build
from .build import NOW, inputs, known

AMPERES = st.sampled_from([0.0, 6.0, 10.0, 16.0])
TIMES = st.floats(NOW - 120.0, NOW + 120.0)
COMMITMENTS = st.builds(
    Commitment,
    online=st.booleans(),
    accepted_a=st.none() | AMPERES,
    accepted_at=st.none() | TIMES,
    uncertain_a=st.none() | AMPERES,
    lapse=st.none() | st.builds(Lapse, at=TIMES, to_a=AMPERES),
    falling=st.none() | st.builds(Falling, from_a=AMPERES, since=TIMES, drew_a=st.none()),
    reading=st.none() | st.builds(Reading, current_a=AMPERES, at=TIMES),
    failed_at=st.none() | TIMES,
    refusals=st.integers(0, 3),
)
SITES = [
    build.site(
        [build.group()],
        [
            replace(build.connector("a", keeps_limit=True, rating_a=rating_a), lapses=True),
            build.connector("b", rating_a=rating_a),
        ],
    )
    for rating_a in (16.0, 32.0)
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(SITES),
            st.integers(0, 1),
            st.integers(0, 1),
            TIMES,
        ),
        min_size=2,
        max_size=8,
    ),
    st.tuples(COMMITMENTS, COMMITMENTS),
)
def test_a_memory_changes_nothing_of_where_connectors_stand(
    steps: list[tuple[Site, int, int, float]], commitments: tuple[Commitment, Commitment]
) -> None:
    inputs_of = [known(commitment) for commitment in commitments]
    memory = StandingMemory()
    for site, of_a, of_b, now in steps:
        looked_at = inputs(site, [("a", inputs_of[of_a]), ("b", inputs_of[of_b])])
        assert standings(site, looked_at, now, memory) == standings(site, looked_at, now)


def test_who_has_no_news_stands_where_it_stood() -> None:
    site = SITES[0]
    a, b = build.charging("a", 10.0), build.charging("b", 10.0)
    memory = StandingMemory()

    before = standings(site, inputs(site, [a, b]), NOW, memory)
    left = ("b", replace(b[1], wants=False))
    after = standings(site, inputs(site, [a, left]), NOW + 1, memory)

    assert after[build.key("a")] is before[build.key("a")]
    assert after[build.key("b")] is not before[build.key("b")]
