"""What the entities of a connector's plan have in common."""

from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity import EntityDescription

from .balancing.model import ConnectorKey
from .const import DOMAIN
from .coordinator import BalanzCoordinator
from .devices import ChargerDevice
from .entity import ConnectorEntity, recorded
from .site.plans import PlanRefused
from .storage.plans import Plan


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

    async def change_plan(self, plan: Plan) -> None:
        """Plan something else. Raises ServiceValidationError for times that cannot be."""
        try:
            with recorded():
                await self.coordinator.site.set_plan(self.key, plan)
        except PlanRefused as error:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key=error.code
            ) from error
