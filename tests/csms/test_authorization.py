"""Who may charge where: each rule by itself, and what holds of all of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.authorization import (
    AuthorizationRules,
    AuthorizationStatus,
    UnknownTags,
    Use,
    Verdict,
    decide,
)
from custom_components.balanz.storage.tags import Tag, TagStatus

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ACCEPTED, BLOCKED, EXPIRED, INVALID, CONCURRENT = AuthorizationStatus


def verdict(id_tag: object, *tags: Tag, **more: Any) -> Verdict:
    uses: list[Use] = more.pop("uses", [])
    starting: bool = more.pop("starting", True)
    rules = AuthorizationRules(**{"unknown": UnknownTags.REFUSE, **more})
    return decide(
        id_tag,
        identity="CP1",
        starting=starting,
        tags={tag.key: tag for tag in tags},
        uses=lambda: uses,
        rules=rules,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        (Tag(id="A"), ACCEPTED),
        (Tag(id="A", status=TagStatus.BLOCKED), BLOCKED),
        (Tag(id="A", expires_at=NOW), EXPIRED),
        (Tag(id="A", expires_at=NOW + SECOND), ACCEPTED),
        (Tag(id="A", status=TagStatus.BLOCKED, expires_at=NOW), BLOCKED),
        (Tag(id="A", places=frozenset({"charger:CP1"})), ACCEPTED),
        (Tag(id="A", places=frozenset({"group:garage"})), ACCEPTED),
        (Tag(id="A", places=frozenset({"charger:CP2", "group:yard"})), INVALID),
    ],
)
def test_a_known_tag_is_taken_for_what_it_is(tag: Tag, status: AuthorizationStatus) -> None:
    places = {"CP1": frozenset({"charger:CP1", "group:garage", "group:root"})}

    assert verdict("A", tag, places=places).status is status


@pytest.mark.parametrize(
    ("family", "status"),
    [
        (Tag(id="FAM"), ACCEPTED),
        (Tag(id="FAM", status=TagStatus.BLOCKED), BLOCKED),
        (Tag(id="FAM", expires_at=NOW), EXPIRED),
    ],
)
def test_what_holds_of_the_parent_holds_of_all_its_tags(
    family: Tag, status: AuthorizationStatus
) -> None:
    assert verdict("A", Tag(id="A", parent="fam"), family).status is status


@pytest.mark.parametrize(
    ("unknown", "tags", "status", "ask"),
    [
        (UnknownTags.AUTOMATIC, [], ACCEPTED, False),
        (UnknownTags.AUTOMATIC, [Tag(id="B")], INVALID, True),
        (UnknownTags.REFUSE, [], INVALID, False),
        (UnknownTags.ACCEPT, [Tag(id="B")], ACCEPTED, False),
        (UnknownTags.ASK, [], INVALID, True),
    ],
)
def test_unknown_tags_are_treated_as_the_user_wants(
    unknown: UnknownTags, tags: list[Tag], status: AuthorizationStatus, ask: bool
) -> None:
    result = verdict("A", *tags, unknown=unknown)

    assert (result.status, result.ask) == (status, ask)


@pytest.mark.parametrize("id_tag", [None, 7, ["A"], "T" * 21, "T\0", "a\nb"])
@pytest.mark.parametrize("unknown", [UnknownTags.ACCEPT, UnknownTags.ASK])
def test_what_can_be_no_tag_is_invalid_and_nobody_is_asked(
    id_tag: object, unknown: UnknownTags
) -> None:
    result = verdict(id_tag, unknown=unknown)

    assert (result.status, result.ask) == (INVALID, False)


def test_a_known_tag_may_be_longer_than_ocpp_allows() -> None:
    assert verdict("T" * 36, Tag(id="t" * 36)).accepted


@pytest.mark.parametrize("id_tag", ["A", "", None, "blocked", "T" * 99])
def test_where_charging_is_free_every_tag_charges(id_tag: object) -> None:
    blocked = Tag(id="blocked", status=TagStatus.BLOCKED, expires_at=NOW - SECOND)
    result = verdict(id_tag, blocked, free=frozenset({"CP1"}))

    assert result.accepted
    assert result.expires_at is None


@pytest.mark.parametrize("id_tag", ["balanz", "BALANZ"])
def test_what_balanz_starts_itself_is_always_accepted(id_tag: str) -> None:
    assert verdict(id_tag, unknown=UnknownTags.REFUSE).accepted


@pytest.mark.parametrize(
    ("tags", "uses", "status"),
    [
        pytest.param([Tag(id="A", sessions=1)], [], ACCEPTED, id="the first"),
        pytest.param([Tag(id="A", sessions=1)], [("CP2", "a")], CONCURRENT, id="elsewhere"),
        pytest.param([Tag(id="A", sessions=1)], [("CP1", "a")], CONCURRENT, id="same charger"),
        pytest.param([Tag(id="A", sessions=2)], [("CP2", "a")], ACCEPTED, id="two allowed"),
        pytest.param([Tag(id="A")], [("CP2", "a")] * 9, ACCEPTED, id="no limit"),
        pytest.param([Tag(id="A", sessions=1)], [("CP2", "b")], ACCEPTED, id="another tag"),
        pytest.param(
            [Tag(id="A", parent="F"), Tag(id="B", parent="f"), Tag(id="F", sessions=1)],
            [("CP2", "b")],
            CONCURRENT,
            id="the family",
        ),
        pytest.param(
            [Tag(id="A", parent="F"), Tag(id="F", sessions=1)],
            [("CP2", "f")],
            CONCURRENT,
            id="the parent itself",
        ),
        pytest.param(
            [Tag(id="A", sessions=1), Tag(id="B", parent="a")],
            [("CP2", "b")],
            CONCURRENT,
            id="its children",
        ),
    ],
)
def test_no_more_sessions_run_than_a_tag_and_its_family_may_have(
    tags: list[Tag], uses: list[tuple[str, str]], status: AuthorizationStatus
) -> None:
    assert verdict("A", *tags, uses=[Use(*use) for use in uses]).status is status


@pytest.mark.parametrize(
    ("use", "status"), [(Use("CP1", "a"), ACCEPTED), (Use("CP2", "a"), CONCURRENT)]
)
def test_a_tag_at_its_limit_may_be_shown_where_it_charges_so_that_it_can_stop(
    use: Use, status: AuthorizationStatus
) -> None:
    result = verdict("A", Tag(id="A", sessions=1), uses=[use], starting=False)

    assert result.status is status


def test_an_unknown_tag_that_was_let_in_may_stop_what_it_started() -> None:
    charging = [Use("CP1", "a")]

    assert verdict("A", unknown=UnknownTags.ASK, uses=charging, starting=False).accepted
    assert not verdict("A", unknown=UnknownTags.ASK, uses=charging, starting=True).accepted
    assert not verdict("B", unknown=UnknownTags.ASK, uses=charging, starting=False).accepted


TAGS = st.builds(
    Tag,
    id=st.sampled_from(["Aa", "Bb", "Cc"]),
    status=st.sampled_from(TagStatus),
    expires_at=st.sampled_from([None, NOW - SECOND, NOW + SECOND]),
    parent=st.sampled_from([None, "ff", "FF"]),
    sessions=st.sampled_from([None, 1, 2]),
    places=st.sampled_from([frozenset(), frozenset({"charger:CP1"}), frozenset({"group:x"})]),
)
USES = st.lists(
    st.builds(Use, st.sampled_from(["CP1", "CP2"]), st.sampled_from(["aa", "bb", "ff", "zz"]))
)


@given(
    tags=st.lists(TAGS, max_size=3, unique_by=lambda tag: tag.key),
    uses=USES,
    starting=st.booleans(),
    unknown=st.sampled_from(UnknownTags),
    id_tag=st.sampled_from(["Aa", "Bb", "Cc", "Zz"]),
    data=st.data(),
)
def test_neither_case_nor_order_changes_who_may_charge(
    tags: list[Tag],
    uses: list[Use],
    starting: bool,
    unknown: UnknownTags,
    id_tag: str,
    data: st.DataObject,
) -> None:
    common: dict[str, Any] = {
        "starting": starting,
        "unknown": unknown,
        "places": {"CP1": frozenset({"charger:CP1"})},
    }
    plain = verdict(id_tag, *tags, uses=uses, **common)
    shuffled = data.draw(st.permutations(tags))
    spelled = data.draw(st.sampled_from([id_tag.upper(), id_tag.lower(), f" {id_tag} "]))

    assert verdict(spelled, *shuffled, uses=uses[::-1], **common).status is plain.status


@given(tags=st.lists(TAGS, max_size=3, unique_by=lambda tag: tag.key), uses=USES)
def test_what_else_runs_never_lets_a_tag_start(tags: list[Tag], uses: list[Use]) -> None:
    for tag in tags:
        if not verdict(tag.id, *tags, uses=uses[:-1]).accepted:
            assert not verdict(tag.id, *tags, uses=uses).accepted
