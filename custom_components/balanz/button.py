"""Buttons: pairing, restarts, proofs, and remote starts and stops."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .balancing.model import ConnectorKey
from .const import DOMAIN
from .coordinator import BalanzConfigEntry, BalanzCoordinator
from .devices import Device, GroupDevice
from .entity import (
    BalanzEntity,
    ChargerEntity,
    ConnectorEntity,
    GroupEntity,
    ask_charger,
    recorded,
)
from .plan_entity import PlanEntity
from .services import refused_drill
from .site import BalanzSite
from .site.drill import DrillError
from .site.proofs import ProofRefused
from .storage.plans import Plan

# Each charger's line takes one call after the other by itself.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class ConnectorButtonDescription(ButtonEntityDescription):
    """Describes a button of a connector."""

    press_fn: Callable[[BalanzSite, ConnectorKey], Awaitable[None]]


OPEN_PAIRING = ButtonEntityDescription(
    key="open_pairing",
    translation_key="open_pairing",
    entity_category=EntityCategory.CONFIG,
)

RESTART = ButtonEntityDescription(
    key="restart",
    translation_key="restart",
    device_class=ButtonDeviceClass.RESTART,
    entity_category=EntityCategory.CONFIG,
)

PROVE_FALLBACK = ButtonEntityDescription(
    key="prove_fallback",
    translation_key="prove_fallback",
    entity_category=EntityCategory.CONFIG,
)

OVERLOAD_DRILL = ButtonEntityDescription(
    key="overload_drill",
    translation_key="overload_drill",
    entity_category=EntityCategory.DIAGNOSTIC,
)

START_BOOST = ButtonEntityDescription(key="start_boost", translation_key="start_boost")

CLEAR_PLAN = ButtonEntityDescription(key="clear_plan", translation_key="clear_plan")

CONNECTOR_BUTTONS: tuple[ConnectorButtonDescription, ...] = (
    ConnectorButtonDescription(
        key="remote_start",
        translation_key="remote_start",
        entity_registry_enabled_default=False,
        press_fn=lambda site, key: site.remote.start(key),
    ),
    ConnectorButtonDescription(
        key="remote_stop",
        translation_key="remote_stop",
        entity_registry_enabled_default=False,
        press_fn=lambda site, key: site.remote.stop(key),
    ),
    ConnectorButtonDescription(
        key="unlock",
        translation_key="unlock",
        entity_registry_enabled_default=False,
        press_fn=lambda site, key: site.remote.unlock(key),
    ),
    ConnectorButtonDescription(
        key="tell_status",
        translation_key="tell_status",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        press_fn=lambda site, key: site.remote.tell_status(key),
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: BalanzConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of a site."""
    await entry.runtime_data.async_add_platform(Platform.BUTTON, async_add_entities, _buttons)


def _buttons(coordinator: BalanzCoordinator, device: Device) -> Iterator[BalanzEntity]:
    if isinstance(device, GroupDevice):
        if device.is_site:
            yield OpenPairingButton(coordinator, device, OPEN_PAIRING)
        yield OverloadDrillButton(coordinator, device, OVERLOAD_DRILL)
        return
    yield RestartButton(coordinator, device, RESTART)
    yield ProveFallbackButton(coordinator, device, PROVE_FALLBACK)
    for key in device.connector_keys:
        yield StartBoostButton(coordinator, device, key, START_BOOST)
        yield ClearPlanButton(coordinator, device, key, CLEAR_PLAN)
        for description in CONNECTOR_BUTTONS:
            yield ConnectorButton(coordinator, device, key, description)


class OpenPairingButton(GroupEntity, ButtonEntity):
    """Lets unknown chargers introduce themselves for a while."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Return nothing: the button never changes."""
        return ()

    @override
    async def async_press(self) -> None:
        """Open pairing."""
        self.coordinator.open_pairing()


class OverloadDrillButton(GroupEntity, ButtonEntity):
    """Pretends for a minute that a group carries less, to see how fast its chargers are."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Return nothing: the button never changes."""
        return ()

    @override
    async def async_press(self) -> None:
        """Begin the drill; the sensor of the last drill tells what came of it."""
        try:
            self.coordinator.site.start_drill(self.group_id)
        except DrillError as error:
            raise refused_drill(error) from error


class ChargerButton(ChargerEntity, ButtonEntity):
    """Has a charger do something."""

    @property
    @override
    def available(self) -> bool:
        """Whether the charger can hear."""
        return self.charger is not None and self.charger.connected

    @override
    def refresh(self) -> tuple[object, ...]:
        """Follow the charger's link."""
        return (self.available,)


class RestartButton(ChargerButton):
    """Restarts a charger."""

    @override
    async def async_press(self) -> None:
        """Restart the charger."""
        await ask_charger(self.coordinator.site.remote.reset(self.identity), self.identity)


class ProveFallbackButton(ChargerButton):
    """Tries out what a charger does with a limit that nobody renews."""

    @override
    async def async_press(self) -> None:
        """Begin; the sensor tells how it goes on."""
        try:
            with recorded():
                await self.coordinator.site.prove_fallback(self.identity)
        except ProofRefused as error:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key=error.refusal,
                translation_placeholders={"charger": self.identity},
            ) from error


class ConnectorButton(ConnectorEntity, ButtonEntity):
    """Starts or stops charging as if a card had been shown, or asks for something else."""

    entity_description: ConnectorButtonDescription

    @override
    def refresh(self) -> tuple[object, ...]:
        """Follow the charger's link."""
        return (self.available,)

    @override
    async def async_press(self) -> None:
        """Ask the charger."""
        press = self.entity_description.press_fn
        await ask_charger(press(self.coordinator.site, self.key), self.key.charger)


class StartBoostButton(PlanEntity, ButtonEntity):
    """Lets a car go before all others from now on, for as long as a boost lasts there."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Return nothing: the button never changes."""
        return ()

    @override
    async def async_press(self) -> None:
        """Let it go first."""
        await self.boost()


class ClearPlanButton(PlanEntity, ButtonEntity):
    """Forgets what is planned for a car: departure, energy and boost."""

    @override
    def refresh(self) -> tuple[object, ...]:
        """Return nothing: the button never changes."""
        return ()

    @override
    async def async_press(self) -> None:
        """Forget it."""
        await self.change_plan(Plan())
