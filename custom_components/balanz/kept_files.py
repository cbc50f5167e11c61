"""Which files a site keeps its records in: remembered where these files are not.

It is what tells a file that has gone from one that has never been.
"""

from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .storage.kept_files import files_kept

_VERSION = 1
_NAMES = "names"


class KeptFiles:
    """What Home Assistant remembers of the files of one site."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Read nothing yet."""
        self._hass = hass
        self._store: Store[dict[str, list[str]]] = Store(
            hass, _VERSION, f"{DOMAIN}.{entry_id}", private=True, atomic_writes=True
        )
        self.names: frozenset[str] = frozenset()
        """Those that there were when somebody looked last."""

    async def async_load(self) -> None:
        """Read the names back."""
        kept = await self._store.async_load()
        if kept is not None:
            self.names = frozenset(kept[_NAMES])

    async def async_look(self, folder: Path) -> None:
        """Remember the files that a running site has in its folder."""
        names = await self._hass.async_add_executor_job(files_kept, folder)
        if names != self.names:
            self.names = names
            await self._store.async_save({_NAMES: sorted(names)})

    async def async_remove(self) -> None:
        """Forget them, as the site goes."""
        await self._store.async_remove()
