"""What is remembered of a firmware, so that it need not be found out at each boot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .capabilities import Capabilities, RateUnit
from .profile_forms import ProfileForm

_NUMBERS = ("max_stack_level", "max_periods", "connectors")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareMemory:
    """What a charger of this firmware once told, and took."""

    capabilities: Capabilities = field(default_factory=Capabilities)
    form: ProfileForm | None = None

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        told = self.capabilities
        return {
            **{name: getattr(told, name) for name in _NUMBERS},
            "rate_unit": None if told.rate_unit is None else told.rate_unit.value,
            "form": None if self.form is None else self.form.as_record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> FirmwareMemory:
        """Read it back; what means nothing is not remembered."""
        try:
            numbers = {
                name: None if record[name] is None else max(int(record[name]), 0)
                for name in _NUMBERS
            }
            unit, form = record["rate_unit"], record["form"]
            return cls(
                capabilities=Capabilities(
                    **numbers, rate_unit=None if unit is None else RateUnit(unit)
                ),
                form=None if form is None else ProfileForm.from_record(form),
            )
        except KeyError, TypeError, ValueError:
            return cls()
