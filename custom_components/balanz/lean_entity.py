"""Entities that take little memory, since a large site has thousands of them.

Home Assistant keeps in each entity what its properties have returned. Python stores the attributes
of objects in a compact form while there are thirty at most, and otherwise in a table of its own for
each object, which takes 1.3 KiB more. So here properties are worked out anew where that is quick.
"""

from datetime import datetime
from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.sensor import SensorEntity, SensorStateClass
from homeassistant.const import EntityCategory
from homeassistant.helpers.entity import Entity


class LeanEntity(Entity):
    """An entity that is pushed, and has its name and looks from its translation."""

    @property
    @override
    def should_poll(self) -> bool:
        """Never: it is told what is new."""
        return False

    @property
    @override
    def has_entity_name(self) -> bool:
        """Always: the device's name comes before it."""
        return True

    @property
    @override
    def entity_registry_visible_default(self) -> bool:
        """Always: what few need is disabled instead."""
        return True

    @property
    @override
    def icon(self) -> str | None:
        """None: icons come with the translations."""
        return None

    @property
    @override
    def assumed_state(self) -> bool:
        """Never: what is not known is shown as unknown."""
        return False

    @property
    @override
    def attribution(self) -> str | None:
        """None: all comes from the site itself."""
        return None

    @property
    @override
    def force_update(self) -> bool:
        """Never: a state that is written again is no news."""
        return False


class _ShowsOnly(Entity):
    """An entity that shows something and does nothing."""

    @property
    @override
    def entity_category(self) -> EntityCategory | None:
        """What its description says."""
        return self.entity_description.entity_category

    @property
    @override
    def entity_picture(self) -> str | None:
        """None: the icon says enough."""
        return None

    @property
    @override
    def supported_features(self) -> int | None:
        """None: there is nothing to choose from."""
        return None


class LeanSensorEntity(_ShowsOnly, SensorEntity):
    """A sensor that is all that its description says."""

    @property
    @override
    def options(self) -> list[str] | None:
        """What its description says."""
        return self.entity_description.options

    @property
    @override
    def state_class(self) -> SensorStateClass | None:
        """What its description says."""
        return self.entity_description.state_class

    @property
    @override
    def last_reset(self) -> datetime | None:
        """None: what counts up begins again at zero by itself."""
        return None

    @property
    @override
    def native_unit_of_measurement(self) -> str | None:
        """What its description says."""
        return self.entity_description.native_unit_of_measurement

    @property
    @override
    def suggested_unit_of_measurement(self) -> str | None:
        """What its description says."""
        return self.entity_description.suggested_unit_of_measurement

    @property
    @override
    def suggested_display_precision(self) -> int | None:
        """What its description says."""
        return self.entity_description.suggested_display_precision


class LeanBinarySensorEntity(_ShowsOnly, BinarySensorEntity):
    """A binary sensor that is all that its description says."""
