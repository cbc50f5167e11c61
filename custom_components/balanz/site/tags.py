"""The tags of a running site: who may charge where, and with what priority."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ..balancing.model import ConnectorKey, Site
from ..csms.authorization import AuthorizationRules
from ..csms.events import StationEvent, TagShown
from ..csms.tag_desk import TagDesk
from ..csms.transactions import TransactionBook
from ..storage.journal import Journal, StorageError
from ..storage.tags import Tag, TagRegistry
from .live import LiveConnector
from .settings import SiteSettings
from .topology import home_of


class SiteTags:
    """Keeps tags, rules and running transactions in step."""

    def __init__(
        self,
        *,
        folder: Path,
        transactions: TransactionBook,
        live: Mapping[ConnectorKey, LiveConnector],
        listener: Callable[[StationEvent], None],
        on_change: Callable[[], None],
    ) -> None:
        """Know no tags yet; `on_change` is called after each change."""
        self.on_shown: Callable[[TagShown, Tag | None], None] | None = None
        """What to call with a tag that was shown, and what is known of it."""
        self._registry = TagRegistry(Journal(folder / "tags.jsonl"))
        self.desk = TagDesk(tags=self._registry.tags, transactions=transactions, listener=listener)
        self._live = live
        self._on_change = on_change

    @property
    def known(self) -> TagRegistry:
        """The tags that are set up."""
        return self._registry

    @property
    def asked(self) -> tuple[str, ...]:
        """The ids of unknown tags that the user can answer for."""
        return self.desk.asked

    async def open(self) -> None:
        """Read the tags back. Raises StorageError."""
        await self._registry.open()

    async def close(self) -> None:
        """Answer nobody any more, and close the file."""
        await self._registry.close()

    def follow(self, settings: SiteSettings, site: Site) -> bool:
        """Take over changed rules, and where the chargers hang.

        Return whether tags may be valid elsewhere from now on.
        """
        known = {group.id for group in settings.groups}
        places = {
            charger.identity: frozenset(
                {
                    f"charger:{charger.identity}",
                    *(f"group:{group.id}" for group in site.path(home_of(charger, known))),
                }
            )
            for charger in settings.chargers
        }
        free = frozenset(charger.identity for charger in settings.chargers if charger.free_charging)
        moved = places != self.desk.rules.places and any(tag.places for tag in self._registry)
        self.desk.rules = AuthorizationRules(
            unknown=settings.unknown_tags,
            answer_within_s=settings.answer_tags_within_s,
            free=free,
            places=places,
        )
        return moved

    async def put(self, tag: Tag) -> None:
        """Add a tag or replace the one with its id. Raises StorageError or TagError."""
        await self._registry.put(tag)
        self._changed()

    async def remove(self, ids: Iterable[str]) -> None:
        """Remove tags, all or none. Raises StorageError or TagError."""
        await self._registry.remove(ids)
        self._changed()

    async def put_all(self, tags: Iterable[Tag], *, replace: bool) -> None:
        """Add or replace tags, or make them all that there are. Raises StorageError or TagError."""
        await self._registry.put_all(tags, replace=replace)
        self._changed()

    def question(self, tag_id: str) -> str:
        """Return an unknown tag's id as it was shown. Raises TagError if nobody asked about it."""
        return self.desk.question(tag_id)

    async def moved(self) -> None:
        """Note that tags are valid elsewhere, though none of them has changed."""
        with suppress(StorageError):
            await self._registry.forget_log()
        self._on_change()

    def answer(self, tag_id: str, *, allow: bool) -> None:
        """Say whether an unknown tag may charge, this once. Raises TagError if nobody asked."""
        self.desk.answer(tag_id, allow=allow)

    def shown(self, event: TagShown) -> None:
        """Pass on that a tag was shown."""
        if self.on_shown is not None:
            self.on_shown(event, self._registry.get(event.id_tag))

    def give_to(self, live: LiveConnector) -> None:
        """Tell a connector whose transaction it is that runs there."""
        if live.transaction is None:
            live.tag = None
            return
        id_tag = live.transaction.id_tag
        live.tag = self._registry.get(id_tag)

    def _changed(self) -> None:
        for live in self._live.values():
            self.give_to(live)
        self._on_change()
