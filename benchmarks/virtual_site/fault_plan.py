"""Faults at random times, which a seed decides."""

from collections.abc import Callable
from random import Random

from simulator.faults import Faults, MeterFault

from .world import World

LASTING: dict[str, Callable[[Random], Faults]] = {
    "rejects limits": lambda _: Faults(reject_profiles=True),
    "ignores limits": lambda _: Faults(ignore_profiles=True),
    "answers slowly": lambda random: Faults(answer_delay_s=random.uniform(1.0, 60.0)),
    "answers late": lambda _: Faults(answers_late=True),
    "is silent": lambda _: Faults(silent=True),
    "is offline": lambda _: Faults(offline=True),
    "has a wrong clock": lambda random: Faults(clock_skew_s=random.uniform(-7200.0, 7200.0)),
    "meters too much": lambda random: Faults(meter_factor=random.uniform(1.1, 3.0)),
    "meters kilowatts": lambda _: Faults(kilo_units=True),
}
"""What a charger may do wrong for a while."""
METER = (MeterFault.SILENT, MeterFault.FROZEN, MeterFault.MILLIAMPERES, MeterFault.LYING)


async def moment(world: World, random: Random) -> str:
    """Let one thing go wrong that is over at once, and tell what it was."""
    name = random.choice(list(world.chargers))
    charger = world.chargers[name]
    match random.choice(("drop", "reboot", "forget", "twin", "meter", "kill", "restart", "disk")):
        case "drop":
            charger.drop_link()
            return f"{name} loses its link"
        case "reboot":
            await world.reboot(name, forgets=False)
            return f"{name} reboots"
        case "forget":
            await world.reboot(name, forgets=True)
            return f"{name} reboots and has lost its limits"
        case "twin":
            if not charger.faults.offline:
                await charger.duplicate_socket()
            return f"{name} opens a second socket"
        case "meter":
            charger.reset_meters()
            return f"{name} begins to count energy anew"
        case "kill":
            await world.kill()
            await world.pass_s(random.uniform(0.0, 120.0))
            await world.reopen(lost_bytes=random.choice((0, 0, 1, 40)))
            return "Home Assistant is killed"
        case "restart":
            await world.restart()
            return "Home Assistant restarts"
        case _:
            world.disk.full = True
            await world.pass_s(random.uniform(1.0, 300.0))
            world.disk.full = False
            return "the disk is full for a while"
