"""A simulated grid meter in a real Home Assistant: ordinary sensors, fed by an event.

A trigger-based template sensor writes its state at each event, also when nothing has changed, as
a real meter does that reports every second.
"""

from .home_assistant_client import HomeAssistantClient
from .house import Amperes

EVENT = "simulated_meter"
CURRENT_SENSORS = tuple(f"sensor.grid_current_l{line}" for line in (1, 2, 3))
SOLAR_SENSOR = "sensor.solar_power"

_CURRENT_SENSOR = """\
      - name: Grid current L{line}
        unique_id: simulated_grid_current_l{line}
        device_class: current
        state_class: measurement
        unit_of_measurement: A
        state: "{{{{ trigger.event.data.l{line} }}}}"
"""
CONFIGURATION = (
    f"""
template:
  - triggers:
      - trigger: event
        event_type: {EVENT}
    sensor:
"""
    + "".join(_CURRENT_SENSOR.format(line=line) for line in (1, 2, 3))
    + """\
      - name: Solar power
        unique_id: simulated_solar_power
        device_class: power
        state_class: measurement
        unit_of_measurement: W
        state: "{{ trigger.event.data.solar_w }}"
"""
)
"""What configuration.yaml needs for the sensors."""


async def report(client: HomeAssistantClient, currents_a: Amperes, *, solar_w: float = 0.0) -> None:
    """Let the meter report what flows at the grid connection; import is positive."""
    values = {f"l{line}": round(a, 2) for line, a in enumerate(currents_a, start=1)}
    await client.request("POST", f"/api/events/{EVENT}", {**values, "solar_w": round(solar_w)})
