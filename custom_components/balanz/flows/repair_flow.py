"""What all repairs of a site have in common."""

from collections.abc import Mapping

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN
from ..coordinator import BalanzConfigEntry


class SiteNotRunning(Exception):
    """Nothing can be mended at a site that does not run."""


class SiteRepairFlow(RepairsFlow):
    """Stands for one issue of one site."""

    def __init__(self, entry_id: str, subject: str) -> None:
        """`subject` is what the issue is about, as its kind names it."""
        super().__init__()
        self._entry_id = entry_id
        self._subject = subject

    @property
    def entry(self) -> BalanzConfigEntry:
        """The config entry of the site. Raises SiteNotRunning."""
        entry: BalanzConfigEntry | None = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            raise SiteNotRunning
        return entry

    @property
    def names(self) -> Mapping[str, str]:
        """What the texts of the issue name."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        placeholders = None if issue is None else issue.translation_placeholders
        return {} if placeholders is None else placeholders

    def not_running(self) -> RepairsFlowResult:
        """End without a change, as the site does not run."""
        return self.async_abort(reason="site_not_running")
