"""What the entities of a connector's plan have in common."""

from dataclasses import replace

from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity import EntityDescription

from .balancing.model import ConnectorKey
from .const import DOMAIN
from .coordinator import BalanzCoordinator
from .devices import ChargerDevice
from .durations import end_of
from .entity import ConnectorEntity, recorded
from .site import BalanzSite
from .site.plans import PlanRefused
from .storage.plans import BOOST_LASTS, Plan


class PlanEntity(ConnectorEntity):
    """A part of what the user plans for the car at a connector; there without its link, too."""

    def __init__(
        self,
        coordinator: BalanzCoordinator,
        device: ChargerDevice,
        key: ConnectorKey,
        description: EntityDescription,
    ) -> None:
        """Stand for that part."""
        super().__init__(coordinator, device, key, description, needs_connection=False)

    @property
    def plan(self) -> Plan:
        """What is planned now."""
        return Plan() if self.connector is None else self.connector.plan

    async def boost(self) -> None:
        """Let the car go before all others, for as long as the user has set."""
        lasts = BOOST_LASTS if self.connector is None else self.connector.boost_lasts
        await self.change_plan(replace(self.plan, boosted_until=end_of(lasts)))

    async def change_plan(self, plan: Plan) -> None:
        """Plan something else. Raises ServiceValidationError for times that cannot be."""
        await change_plan(self.coordinator.site, self.key, plan)


async def change_plan(site: BalanzSite, key: ConnectorKey, plan: Plan) -> None:
    """Plan something else for a connector. Raises HomeAssistantError if that cannot be."""
    try:
        with recorded():
            await site.set_plan(key, plan)
    except PlanRefused as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key=error.code
        ) from error
