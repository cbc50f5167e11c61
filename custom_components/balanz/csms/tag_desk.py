"""Where tags are shown: decides at once, or has the user decide while the charger waits."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf

from ..storage.tags import RESERVED_ID, Tag, TagError, tag_key
from .authorization import (
    AuthorizationRules,
    AuthorizationStatus,
    UnknownTags,
    Use,
    Verdict,
    decide,
)
from .events import StationEvent, TagOutcome, TagShown, TransactionRefused
from .lenient import text
from .transactions import Transaction, TransactionBook

ANSWER_COUNTS_S = 300.0
"""For how long the user can answer, and that then holds when the card is shown again."""
REFUSAL_COUNTS_S = 60.0
TELL_REFUSALS_EVERY_S = 1.0
"""A charger that tells of one wrong tag after another must not flood those who listen."""
MAX_ASKED = 100
"""Strangers with many cards must not fill the memory."""
_SHOWN_LENGTH = 36

type Place = tuple[str, str]
"""A charger's identity and the key of a tag."""


@dataclass(slots=True)
class _Question:
    """A tag that the user was asked about."""

    id_tag: str
    answer: asyncio.Future[bool]
    until: float
    """By the loop's clock: how long the question, and later its answer, counts."""

    @property
    def allowed(self) -> bool | None:
        """What the user has said; None as long as there is no answer."""
        return self.answer.result() if self.answer.done() else None


class TagDesk:
    """Checks the tags that chargers tell of, against the tags and rules of now."""

    def __init__(
        self,
        *,
        tags: Mapping[str, Tag],
        transactions: TransactionBook,
        listener: Callable[[StationEvent], None],
    ) -> None:
        """Start with the rules of a site where nothing is set up."""
        self.rules = AuthorizationRules()
        self.tags = tags
        """By key; has to be the tags of now at each moment."""
        self._transactions = transactions
        self._listener = listener
        self._questions: OrderedDict[Place, _Question] = OrderedDict()
        self._told_refusal_at: dict[str, float] = {}

    async def authorize(self, identity: str, id_tag: object) -> Verdict:
        """Return what to answer to a card that is shown; the user may be asked meanwhile."""
        verdict = self._decide(identity, id_tag, None)
        if verdict.ask:
            question, is_new = self._question(identity, text(id_tag, _SHOWN_LENGTH))
            if is_new:
                self._tell(identity, None, id_tag, verdict, TagOutcome.ASKED)
            await asyncio.wait((question.answer,), timeout=self.rules.answer_within_s)
            if question.allowed:
                verdict = Verdict(status=AuthorizationStatus.ACCEPTED)
        if not verdict.accepted:
            self._tell(identity, None, id_tag, verdict)
        return verdict

    def started(self, transaction: Transaction, id_tag: object) -> Verdict:
        """Return what to answer to a transaction that has started, and note if it is refused.

        `id_tag` is as the charger wrote it. Where the user has to be asked it is accepted for now,
        and refused without an answer; about one that has ended meanwhile nobody is asked.
        """
        identity = transaction.identity
        verdict = self._decide(identity, id_tag, transaction)
        if verdict.ask and transaction.is_open:
            question, is_new = self._question(identity, transaction.content.id_tag)
            if question.allowed is None:
                if is_new:
                    self._tell(identity, transaction.connector, id_tag, verdict, TagOutcome.ASKED)
                self._await_answer(question, transaction)
                return replace(verdict, status=AuthorizationStatus.ACCEPTED)
            if question.allowed:
                verdict = Verdict(status=AuthorizationStatus.ACCEPTED)
        self._tell(identity, transaction.connector, id_tag, verdict)
        if not verdict.accepted:
            self.refuse(transaction, verdict.status)
        return verdict

    def answer(self, tag_id: str, *, allow: bool) -> None:
        """Answer the questions about a tag. Raises TagError if there are none."""
        now = self._now()
        self._forget_old(now)
        counts_s = ANSWER_COUNTS_S if allow else REFUSAL_COUNTS_S
        asked = [
            question for (_, key), question in self._questions.items() if key == tag_key(tag_id)
        ]
        if not asked:
            raise TagError("tag_not_asked", tag_id)
        for question in asked:
            question.until = now + counts_s
            if not question.answer.done():
                question.answer.set_result(allow)
            elif question.allowed != allow:
                question.answer = asyncio.get_running_loop().create_future()
                question.answer.set_result(allow)

    def question(self, tag_id: str) -> str:
        """Return a tag's id as it was shown when the user was asked. Raises TagError if not."""
        self._forget_old(self._now())
        key = tag_key(tag_id)
        for place, question in self._questions.items():
            if place[1] == key:
                return question.id_tag
        raise TagError("tag_not_asked", tag_id)

    @property
    def asked(self) -> tuple[str, ...]:
        """The ids of tags that the user can answer for, oldest first."""
        self._forget_old(self._now())
        open_ones = (one.id_tag for one in self._questions.values() if not one.answer.done())
        return tuple(dict.fromkeys(open_ones))

    def close(self) -> None:
        """Refuse whatever still waits for an answer."""
        for question in self._questions.values():
            question.answer.cancel()
        self._questions.clear()

    # Questions

    def _question(self, identity: str, id_tag: str) -> tuple[_Question, bool]:
        """Return the question about a tag at a charger, and whether it is to be asked now."""
        now = self._now()
        self._forget_old(now)
        place = (identity, tag_key(id_tag))
        known = self._questions.get(place)
        if known is not None:
            if not known.answer.done():
                known.until = now + ANSWER_COUNTS_S
            return known, False
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        question = _Question(id_tag, answer, now + ANSWER_COUNTS_S)
        self._questions[place] = question
        if len(self._questions) > MAX_ASKED:
            self._questions.popitem(last=False)[1].answer.cancel()
        return question, True

    def _forget_old(self, now: float) -> None:
        for place, question in list(self._questions.items()):
            if question.until <= now:
                question.answer.cancel()
                del self._questions[place]

    def _await_answer(self, question: _Question, transaction: Transaction) -> None:
        """Refuse a transaction if that is the answer, or if there is none in time."""
        identity, connector = transaction.identity, transaction.connector

        def settle(allowed: bool) -> None:
            timer.cancel()
            question.answer.remove_done_callback(answered)
            status = AuthorizationStatus.ACCEPTED if allowed else AuthorizationStatus.INVALID
            id_tag = transaction.content.id_tag
            self._tell(identity, connector, id_tag, Verdict(status=status))
            if not allowed:
                self.refuse(transaction, status)

        def answered(answer: asyncio.Future[bool]) -> None:
            settle(not answer.cancelled() and answer.result())

        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.rules.answer_within_s, settle, False)
        question.answer.add_done_callback(answered)

    # Decisions

    def judge(self, identity: str, id_tag: object, own: Transaction | None = None) -> Verdict:
        """Return what is known of a tag, asking nobody: one that is unknown is invalid."""
        rules = replace(self.rules, unknown=UnknownTags.REFUSE)
        return self._decide(identity, id_tag, own, rules)

    def _decide(
        self,
        identity: str,
        id_tag: object,
        own: Transaction | None,
        rules: AuthorizationRules | None = None,
    ) -> Verdict:
        return decide(
            id_tag,
            identity=identity,
            starting=own is not None,
            tags=self.tags,
            uses=lambda: tuple(self._uses(own)),
            rules=rules or self.rules,
            now=datetime.now(UTC),
        )

    def _uses(self, own: Transaction | None) -> Iterator[Use]:
        for transaction in self._transactions.open_transactions.values():
            if transaction.refused or (own is not None and transaction.id == own.id):
                continue
            yield Use(transaction.identity, tag_key(transaction.content.id_tag))

    def refuse(self, transaction: Transaction, status: AuthorizationStatus) -> None:
        """Note that the tag of a running transaction may not charge, and tell of it."""
        if self._transactions.refuse(transaction.identity, transaction.id, status.value):
            self._listener(
                TransactionRefused(
                    identity=transaction.identity,
                    connector=transaction.connector,
                    transaction_id=transaction.id,
                )
            )

    def _tell(
        self,
        identity: str,
        connector: int | None,
        id_tag: object,
        verdict: Verdict,
        outcome: TagOutcome | None = None,
    ) -> None:
        shown = text(id_tag, _SHOWN_LENGTH)
        if outcome is None:
            outcome = TagOutcome.ACCEPTED if verdict.accepted else TagOutcome.REFUSED
        if tag_key(shown) == RESERVED_ID:
            return
        if outcome is TagOutcome.REFUSED:
            now = self._now()
            if now - self._told_refusal_at.get(identity, -inf) < TELL_REFUSALS_EVERY_S:
                return
            self._told_refusal_at[identity] = now
        self._listener(
            TagShown(
                identity=identity,
                connector=connector,
                id_tag=shown,
                outcome=outcome,
                status=verdict.status.value,
            )
        )

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
