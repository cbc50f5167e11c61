"""What steps remember of those before makes them faster, and nothing else of them."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import (
    Ceiling,
    Commitment,
    Falling,
    Pending,
    Reading,
)
from custom_components.balanz.balancing.control import State, step
from custom_components.balanz.balancing.demand import Appetite
from custom_components.balanz.balancing.inputs import ConnectorInput, Draw, Line
from custom_components.balanz.balancing.lease import Lapse
from custom_components.balanz.balancing.memory import StepMemory
from custom_components.balanz.balancing.model import Site
from custom_components.balanz.balancing.need import Need
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.supply import DrawInterval

from . import build
from .build import NOW, inputs, known, meter

AMPERES = st.sampled_from([0.0, 6.0, 10.0, 16.0])
TIMES = st.floats(NOW - 120.0, NOW + 120.0)
COMMITMENTS = st.builds(
    Commitment,
    online=st.booleans(),
    accepted_a=st.none() | AMPERES,
    accepted_at=st.none() | TIMES,
    ceilings=st.lists(st.builds(Ceiling, limit_a=AMPERES, since=TIMES), max_size=3).map(tuple),
    pending=st.none() | st.builds(Pending, limit_a=AMPERES, sent_at=TIMES),
    uncertain_a=st.none() | AMPERES,
    lapse=st.none() | st.builds(Lapse, at=TIMES, to_a=AMPERES),
    falling=st.none() | st.builds(Falling, from_a=AMPERES, since=TIMES, drew_a=st.none()),
    reading=st.none() | st.builds(Reading, current_a=AMPERES, at=TIMES),
    foreign_a=st.none() | AMPERES,
    failed_at=st.none() | TIMES,
    refusals=st.integers(0, 3),
)
APPETITES = st.builds(
    Appetite,
    learnt_a=st.none() | AMPERES,
    offer_a=AMPERES,
    since=TIMES,
    idle_since=st.none() | TIMES,
    has_drawn=st.booleans(),
    is_full=st.booleans(),
)
INTERVALS = st.builds(
    lambda least_a, more_a: DrawInterval(
        least=PhaseCurrents.uniform(least_a), most=PhaseCurrents.uniform(least_a + more_a)
    ),
    AMPERES,
    AMPERES,
)
CONNECTORS = st.builds(
    lambda commitment, need, of_input: replace(known(commitment, **of_input), need=need),
    COMMITMENTS,
    st.builds(Need, energy_wh=st.none() | st.just(20_000.0), departs_at=st.none() | TIMES),
    st.fixed_dictionaries(
        {
            "line": st.sampled_from(Line),
            "wants": st.booleans(),
            "appetite": APPETITES,
            "draw": st.none() | st.builds(Draw, reading=INTERVALS, at=TIMES, before=INTERVALS),
            "may_rise_since": st.none() | TIMES,
            "raised_at": st.none() | TIMES,
        }
    ),
)
SITES = [
    build.site(
        [
            replace(build.group(metered=True, margin_a=1.0), policy=policy),
            build.group("garage", 20.0, metered=True),
        ],
        [
            replace(build.connector("a", keeps_limit=True, rating_a=rating_a), lapses=True),
            build.connector("b", "garage", rating_a, phase_map=PhaseMap.L2),
            build.connector("c", "garage", rating_a, phase_map=PhaseMap.UNKNOWN),
        ],
    )
    for rating_a, policy in ((16.0, Policy.FAIR), (32.0, Policy.NEED))
]
STEPS = st.tuples(
    st.sampled_from(SITES),
    st.tuples(*(st.integers(0, 1) for _ in "abc")),
    st.floats(0.0, 30.0),
    st.tuples(AMPERES, st.floats(NOW - 10.0, NOW + 120.0)),
)


@given(st.lists(STEPS, min_size=2, max_size=8), st.tuples(CONNECTORS, CONNECTORS))
def test_a_memory_changes_nothing_of_what_steps_come_to(
    steps: list[tuple[Site, tuple[int, ...], float, tuple[float, float]]],
    both: tuple[ConnectorInput, ConnectorInput],
) -> None:
    memory, state, now = StepMemory(), State(), NOW - 60.0
    for site, chosen, passed_s, (flows_a, told_at) in steps:
        now += passed_s
        told = meter(flows_a, at=min(told_at, now))
        looked_at = inputs(
            site,
            [(name, both[number]) for name, number in zip("abc", chosen, strict=True)],
            meters={"root": told, "garage": told},
        )
        fresh = step(site, looked_at, state, now)
        assert step(site, looked_at, state, now, memory) == fresh
        state = fresh.state


def test_who_has_no_news_stands_where_it_stood() -> None:
    site = SITES[0]
    a, b, c = (build.charging(name, 10.0) for name in "abc")
    memory = StepMemory()
    told = {"root": meter(30.0), "garage": meter(20.0)}

    step(site, inputs(site, [a, b, c], meters=told), State(), NOW, memory)
    before = memory.of(site).standings
    left = ("b", replace(b[1], wants=False))
    step(site, inputs(site, [a, left, c], meters=told), State(), NOW + 1, memory)
    after = memory.of(site).standings

    assert after[build.key("a")] is before[build.key("a")]
    assert after[build.key("b")] is not before[build.key("b")]


def test_nothing_is_remembered_of_another_site() -> None:
    memory = StepMemory()
    one, other = SITES
    charging = [build.charging(name, 10.0) for name in "abc"]
    told = {"root": meter(30.0), "garage": meter(20.0)}

    step(one, inputs(one, charging, meters=told), State(), NOW, memory)

    assert not memory.of(other).standings
