"""Home Assistant sets up no entry of an integration without a flow."""

from homeassistant.config_entries import ConfigFlow


class NeighbourFlow(ConfigFlow, domain="ocpp"):
    """Asks nothing: its entry is there from the start."""
