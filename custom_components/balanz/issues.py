"""Problems of a site, published as repair issues; they end by themselves once mended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .balancing.model import SiteError
from .const import DOMAIN
from .entry_settings import EntrySettings
from .site.snapshot import Problem, ProblemKind, SiteSnapshot

SENSOR_MISSING = "sensor_missing"
GROUP_GONE = "group_gone"
SCHEDULE_UNREADABLE = "schedule_unreadable"
SETTINGS_REFUSED = "settings_refused"
KEYS_LOCKED = "keys_locked"
_SEVERITIES = {
    ProblemKind.OVERLOAD: ir.IssueSeverity.CRITICAL,
    ProblemKind.STORAGE_FAILING: ir.IssueSeverity.CRITICAL,
    ProblemKind.METER_MISSES_CHARGERS: ir.IssueSeverity.ERROR,
    ProblemKind.METER_REVERSED: ir.IssueSeverity.ERROR,
    ProblemKind.STORAGE_MISSING: ir.IssueSeverity.ERROR,
    ProblemKind.METER_SILENT: ir.IssueSeverity.ERROR,
    ProblemKind.LIMIT_IGNORED: ir.IssueSeverity.ERROR,
    ProblemKind.LIMIT_IGNORED_PAUSED: ir.IssueSeverity.ERROR,
    ProblemKind.LIMIT_IGNORED_STOPPED: ir.IssueSeverity.ERROR,
    ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE: ir.IssueSeverity.ERROR,
    ProblemKind.LIMIT_IGNORED_SWITCHED_OFF: ir.IssueSeverity.ERROR,
    ProblemKind.LIMIT_REFUSED: ir.IssueSeverity.ERROR,
    ProblemKind.ADDRESS_CHANGED: ir.IssueSeverity.ERROR,
    ProblemKind.PASSWORD_REFUSED: ir.IssueSeverity.ERROR,
    ProblemKind.SECURITY_TOO_LOW: ir.IssueSeverity.ERROR,
    ProblemKind.CERTIFICATE_UNUSABLE: ir.IssueSeverity.ERROR,
    SENSOR_MISSING: ir.IssueSeverity.ERROR,
    SCHEDULE_UNREADABLE: ir.IssueSeverity.ERROR,
    SETTINGS_REFUSED: ir.IssueSeverity.ERROR,
}
FIXABLE: frozenset[str] = frozenset(
    {
        GROUP_GONE,
        KEYS_LOCKED,
        SCHEDULE_UNREADABLE,
        SENSOR_MISSING,
        ProblemKind.ADDRESS_CHANGED,
        ProblemKind.FOREIGN_PROFILE,
        ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE,
        ProblemKind.LIMIT_IGNORED_SWITCHED_OFF,
        ProblemKind.METER_SILENT,
        ProblemKind.PASSWORD_REFUSED,
        ProblemKind.SECURITY_TOO_LOW,
        ProblemKind.STILL_BOOKED,
        ProblemKind.STORAGE_MISSING,
        ProblemKind.UNKNOWN_CHARGERS,
        ProblemKind.UNSAFE_ALONE,
    }
)
"""What the user can mend in a few clicks, without leaving the issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issue:
    kind: str
    subject: str
    placeholders: Mapping[str, str]
    stage: str | None = None
    """How far a meter can still be trusted; each stage has its own text."""

    @property
    def text(self) -> str:
        """The translation key."""
        return self.kind if self.stage is None else f"{self.kind}_{self.stage}"


@callback
def publish_keys_locked(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Say that a site does not start before its keys are opened."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{entry.entry_id}_{KEYS_LOCKED}",
        data={"entry_id": entry.entry_id, "kind": KEYS_LOCKED, "subject": ""},
        is_fixable=True,
        severity=ir.IssueSeverity.CRITICAL,
        translation_key=KEYS_LOCKED,
        translation_placeholders={"site": entry.title, "entry_id": entry.entry_id},
    )


@callback
def take_back_keys_locked(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Say so no longer."""
    ir.async_delete_issue(hass, DOMAIN, f"{entry.entry_id}_{KEYS_LOCKED}")


class Issues:
    """Keeps the issue registry in step with a site."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Publish nothing yet."""
        self._hass = hass
        self._entry = entry
        self._published: dict[str, _Issue] = {}
        self.started = False
        """Whether Home Assistant is up; before that, sensors may just not be there yet."""
        self.refused: SiteError | None = None
        """Why changed settings are not in force; None where they are."""

    @callback
    def update(
        self,
        snapshot: SiteSnapshot,
        missing: Mapping[str, tuple[str, ...]],
        settings: EntrySettings,
    ) -> None:
        """Publish what is wrong now, and take back what is not any more."""
        wanted = {
            f"{self._entry.entry_id}_{issue.kind}_{issue.subject}": issue
            for issue in self._issues(snapshot, missing, settings)
        }
        for issue_id in self._published.keys() - wanted.keys():
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        registry = ir.async_get(self._hass)
        for issue_id, issue in wanted.items():
            # A finished repair takes its issue away, whether it has mended anything or not.
            is_there = registry.async_get_issue(DOMAIN, issue_id) is not None
            if not is_there or self._published.get(issue_id) != issue:
                self._publish(issue_id, issue)
        self._published = wanted

    @callback
    def clear(self) -> None:
        """Take back all issues."""
        for issue_id in self._published:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        self._published = {}

    def _issues(
        self,
        snapshot: SiteSnapshot,
        missing: Mapping[str, tuple[str, ...]],
        settings: EntrySettings,
    ) -> list[_Issue]:
        issues = [
            _Issue(kind=GROUP_GONE, subject=key, placeholders={"name": name})
            for key, name in settings.rehomed.items()
        ]
        issues += [
            _Issue(
                kind=SCHEDULE_UNREADABLE,
                subject=group_id,
                placeholders={"group": _group_name(snapshot, group_id), **place},
            )
            for group_id, place in settings.unreadable.items()
        ]
        if self.refused is not None:
            issues.append(
                _Issue(
                    kind=SETTINGS_REFUSED,
                    subject=self.refused.subject,
                    placeholders={"error": str(self.refused), "field": self.refused.field},
                )
            )
        if self.started:
            issues += [
                _Issue(
                    kind=SENSOR_MISSING,
                    subject=group_id,
                    placeholders={
                        "group": _group_name(snapshot, group_id),
                        "sensors": _listed(entity_ids),
                    },
                )
                for group_id, entity_ids in missing.items()
            ]
        for problem in snapshot.problems:
            if problem.kind is ProblemKind.METER_SILENT and (
                not self.started or problem.subject in missing
            ):
                continue
            issues.append(
                _Issue(
                    kind=problem.kind,
                    subject=problem.subject,
                    placeholders={
                        "entry_id": self._entry.entry_id,
                        **_placeholders(snapshot, problem, settings),
                    },
                    stage=problem.placeholders.get("stage"),
                )
            )
        return issues

    def _publish(self, issue_id: str, issue: _Issue) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            data={
                "entry_id": self._entry.entry_id,
                "kind": issue.kind,
                "subject": issue.subject,
            },
            is_fixable=issue.kind in FIXABLE,
            severity=_SEVERITIES.get(issue.kind, ir.IssueSeverity.WARNING),
            translation_key=issue.text,
            translation_placeholders={"site": self._entry.title, **issue.placeholders},
        )


def _group_name(snapshot: SiteSnapshot, group_id: str) -> str:
    group = snapshot.groups.get(group_id)
    return group_id if group is None else group.name


def _listed(entity_ids: Iterable[str]) -> str:
    return ", ".join(sorted(set(entity_ids)))


def _placeholders(
    snapshot: SiteSnapshot, problem: Problem, settings: EntrySettings
) -> dict[str, str]:
    """Return the names that every text can use, whatever the problem tells about itself."""
    charger = snapshot.chargers.get(problem.subject)
    supply = settings.supplies.get(problem.subject)
    return {
        "group": _group_name(snapshot, problem.subject),
        "charger": problem.subject if charger is None else charger.name,
        "sensors": "" if supply is None else _listed(supply.entity_ids),
        **problem.placeholders,
    }
