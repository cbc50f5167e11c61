"""What is remembered of a firmware, so that it need not be found out at each boot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .capabilities import Capabilities
from .profile_forms import ProfileForm


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareMemory:
    """What a charger of this firmware once told, and took."""

    capabilities: Capabilities = field(default_factory=Capabilities)
    form: ProfileForm | None = None
    takes_watts: bool = False
    """Whether it told no unit, refused amperes and took watts."""

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {
            **self.capabilities.as_record(),
            "form": None if self.form is None else self.form.as_record(),
            "takes_watts": self.takes_watts,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> FirmwareMemory:
        """Read it back; what means nothing is not remembered."""
        try:
            form = record["form"]
            return cls(
                capabilities=Capabilities.from_record(record),
                form=None if form is None else ProfileForm.from_record(form),
                takes_watts=record.get("takes_watts") is True,
            )
        except KeyError, TypeError, ValueError:
            return cls()
