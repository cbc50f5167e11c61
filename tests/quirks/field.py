"""A simulated charger for each row of the table of quirks, which behaves as the row says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from simulator.behaviours import Asked, Behaviour
from simulator.options import ChargerOptions
from simulator.profiles import (
    Kind,
    Period,
    Profile,
    ProfileCapabilities,
    Purpose,
    Schedule,
    Unit,
)

ONLY_LEVEL_0 = ProfileCapabilities(maximum_stack_level=0)
NO_MAXIMUM = Asked("SetChargingProfile", '"ChargePointMaxProfile"')
NO_TX = Asked("SetChargingProfile", '"TxProfile"')
NO_RELATIVE = Asked("SetChargingProfile", '"Relative"')
NO_ABSOLUTE = Asked("SetChargingProfile", '"Absolute"')
ALL_SETTINGS = Asked("GetConfiguration", "{}")
ANY_SETTING = Asked("GetConfiguration")
CHANGED_MEASURANDS = Asked("ChangeConfiguration", "MeterValuesSampledData")
FEW_MEASURANDS = {"MeterValuesSampledData": "Energy.Active.Import.Register,Current.Import"}
SIX_AMPERES_FOR_EVER = Profile(
    id=8,
    stack_level=1,
    purpose=Purpose.CHARGE_POINT_MAX,
    kind=Kind.ABSOLUTE,
    schedule=Schedule(
        unit=Unit.A,
        periods=(Period(start_s=0, limit=6.0),),
        start=datetime(2025, 1, 1, tzinfo=UTC),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCharger:
    """How a charger of one row says who it is, and what it does."""

    vendor: str
    behaviour: Behaviour
    model: str = "One"
    firmware: str = "1.0"
    phases: int = 3
    capabilities: ProfileCapabilities = field(default_factory=ProfileCapabilities)
    shares_a: tuple[float, float] = (10.0, 8.0)
    """What it draws of its halves of 20 and of 16 A, A per line."""
    paused_a: float = 0.0
    """What it draws while it is switched off."""
    found: bool = True
    """Whether balanz finds a way without the row; if not, it is booked at what it may draw."""

    @property
    def takes_amperes(self) -> bool:
        """Whether its limits are amperes."""
        return Unit.A in self.capabilities.units

    def options(self, *, known: bool) -> ChargerOptions:
        """Return the charger, under its own name or one that no row knows."""
        return ChargerOptions(
            vendor=self.vendor if known else "Nobody",
            model=self.model,
            firmware=self.firmware,
            behaviour=self.behaviour,
            profile_capabilities=self.capabilities,
        )


FIELD = {
    "abb_terra_ac": FieldCharger(
        vendor="ABB",
        model="Terra AC W22",
        firmware="1.8.21",
        capabilities=ONLY_LEVEL_0,
        behaviour=Behaviour(
            restarts_on=(ALL_SETTINGS, CHANGED_MEASURANDS),
            tells={"ChargeProfileMaxStackLevel": "3", **FEW_MEASURANDS},
            left_behind=((0, SIX_AMPERES_FOR_EVER),),
        ),
        found=False,
    ),
    "autel_maxicharger": FieldCharger(
        vendor="Autel",
        model="MaxiCharger AC 7kW",
        phases=1,
        behaviour=Behaviour(refuses=(NO_RELATIVE,), spreads_current=True),
        found=False,
    ),
    "easee": FieldCharger(
        vendor="Easee",
        behaviour=Behaviour(
            refuses=(Asked("ChangeConfiguration", '"value":"10"'),),
            tells={"MeterValueSampleInterval": "60"},
        ),
    ),
    "en_plus": FieldCharger(
        vendor="EN+",
        behaviour=Behaviour(ends_below_a=6.0, hangs_up_on_ping=True),
        paused_a=6.0,
        found=False,
    ),
    "evbox_elvi": FieldCharger(
        vendor="EVBox",
        model="Elvi",
        capabilities=ONLY_LEVEL_0,
        behaviour=Behaviour(
            refuses=(NO_MAXIMUM, CHANGED_MEASURANDS),
            tells={"ChargeProfileMaxStackLevel": "8", **FEW_MEASURANDS},
        ),
    ),
    "garo_entity": FieldCharger(
        vendor="Garo", behaviour=Behaviour(needs_number_phases=True), found=False
    ),
    "go_e": FieldCharger(
        vendor="go-e",
        behaviour=Behaviour(
            forgets_after_zero=True,
            refuses=(CHANGED_MEASURANDS,),
            tells=FEW_MEASURANDS,
        ),
    ),
    "grizzl_e_5": FieldCharger(
        vendor="United Chargers",
        model="Grizzl-E Smart",
        firmware="GS7-5.40",
        behaviour=Behaviour(restarts_on=(ANY_SETTING,), calls_import_export=True),
    ),
    "grizzl_e": FieldCharger(
        vendor="Grizzl-E",
        firmware="3.09",
        behaviour=Behaviour(shrugs_off=(NO_MAXIMUM,), calls_import_export=True),
    ),
    "growatt_thor": FieldCharger(
        vendor="Growatt", behaviour=Behaviour(refuses=(Asked("TriggerMessage"),))
    ),
    "huawei_scharger": FieldCharger(
        vendor="HUAWEI",
        capabilities=ProfileCapabilities(units=(Unit.W,)),
        behaviour=Behaviour(
            tells={"ChargingScheduleAllowedChargingRateUnit": "power"},
            locks_at_zero=True,
            one_line_below_w=4500.0,
        ),
        paused_a=7.0,
        found=False,
    ),
    "mennekes_4you": FieldCharger(
        vendor="Mennekes",
        model="AMTRON 4You 500",
        behaviour=Behaviour(
            tells={"ChargingScheduleAllowedChargingRateUnit": "Power"},
        ),
        found=False,
    ),
    "necharge_pro": FieldCharger(
        vendor="NEcharge",
        behaviour=Behaviour(takes_steps_a=(6.0, 8.0, 10.0, 13.0, 16.0), ends_below_a=6.0),
        paused_a=6.0,
        found=False,
    ),
    "sync_ev": FieldCharger(vendor="SyncEV", behaviour=Behaviour(meters_when_asked=True)),
    "timxon": FieldCharger(
        vendor="Timxon", behaviour=Behaviour(ignores=(NO_ABSOLUTE,), refuses=(NO_MAXIMUM, NO_TX))
    ),
    "topdon": FieldCharger(
        vendor="Topdon",
        behaviour=Behaviour(
            restarts_on=(ANY_SETTING, Asked("TriggerMessage"), Asked("ChangeConfiguration"))
        ),
    ),
    "wallbox_6_7": FieldCharger(
        vendor="Wallbox",
        model="Pulsar Plus",
        firmware="6.7.38",
        capabilities=ONLY_LEVEL_0,
        behaviour=Behaviour(refuses=(NO_MAXIMUM,), defaults_wait=True),
    ),
    "wallbox": FieldCharger(
        vendor="Wallbox Chargers",
        model="Copper SB",
        firmware="5.17.67",
        capabilities=ONLY_LEVEL_0,
        behaviour=Behaviour(
            refuses=(NO_MAXIMUM, NO_ABSOLUTE), tells={"ChargeProfileMaxStackLevel": "8"}
        ),
    ),
    "webasto_live": FieldCharger(
        vendor="Webasto", model="Live", behaviour=Behaviour(ignores=(ALL_SETTINGS,))
    ),
    "zj_beny": FieldCharger(vendor="ZJ Beny", behaviour=Behaviour(hangs_up_on=(ANY_SETTING,))),
}
"""By the id of the row."""
