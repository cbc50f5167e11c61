"""How a charger answers the messages of the Smart Charging profile."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.datatypes import ChargingSchedule, ChargingSchedulePeriod
from ocpp.v16.enums import (
    Action,
    ChargingProfileStatus,
    ChargingRateUnitType,
    ClearChargingProfileStatus,
    GetCompositeScheduleStatus,
)

from .clock import timestamp
from .composite import CompositePeriod, composite_periods
from .profiles import NOMINAL_VOLTAGE_V, ProfileRejectedError, Purpose, Unit, parse_profile
from .routes import on
from .station import Station, known_connector


class ProfileCommands:
    """The handlers, found through their decorators."""

    def __init__(self, station: Station) -> None:
        self._station = station

    @on(Action.set_charging_profile)
    def set_charging_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        """Install a profile, if the charger takes it."""
        self._station.profile_writes += 1
        if connector_id:
            known_connector(self._station, connector_id)
        if self._station.faults.reject_profiles:
            return call_result.SetChargingProfile(status=ChargingProfileStatus.rejected)
        try:
            self._station.set_profile(connector_id, parse_profile(cs_charging_profiles))
        except ProfileRejectedError:
            return call_result.SetChargingProfile(status=ChargingProfileStatus.rejected)
        return call_result.SetChargingProfile(status=ChargingProfileStatus.accepted)

    @on(Action.clear_charging_profile)
    def clear_charging_profile(self, **criteria: Any) -> Any:
        """Remove the profiles that match."""
        purpose = criteria.get("charging_profile_purpose")
        cleared = self._station.clear_profiles(
            profile_id=criteria.get("id"),
            connector_id=criteria.get("connector_id"),
            purpose=None if purpose is None else Purpose(purpose),
            stack_level=criteria.get("stack_level"),
        )
        status = ClearChargingProfileStatus
        return call_result.ClearChargingProfile(
            status=status.accepted if cleared else status.unknown
        )

    @on(Action.get_composite_schedule)
    def get_composite_schedule(
        self, connector_id: int, duration: int, charging_rate_unit: str | None = None
    ) -> Any:
        """Tell what will be offered."""
        if connector_id:
            known_connector(self._station, connector_id)
        unit = Unit(charging_rate_unit or Unit.A)
        if unit not in self._station.options.profile_capabilities.units:
            return call_result.GetCompositeSchedule(status=GetCompositeScheduleStatus.rejected)
        begin = self._station.now()
        return call_result.GetCompositeSchedule(
            status=GetCompositeScheduleStatus.accepted,
            connector_id=connector_id,
            schedule_start=timestamp(begin),
            charging_schedule=asdict(
                ChargingSchedule(
                    charging_rate_unit=ChargingRateUnitType(unit),
                    duration=duration,
                    charging_schedule_period=[
                        ChargingSchedulePeriod(
                            start_period=period.start_s,
                            limit=round(self._in_unit(period.limit_a, unit), 1),
                        )
                        for period in self._periods(connector_id, begin, duration)
                    ],
                )
            ),
        )

    def _periods(
        self, connector_id: int, begin: datetime, duration_s: int
    ) -> tuple[CompositePeriod, ...]:
        station = self._station
        running = (station.running_transaction(number) for number in station.connectors)
        return composite_periods(
            station.profiles,
            lambda moment: station.expected_a(connector_id, moment),
            begin=begin,
            duration_s=duration_s,
            transactions_started=[it.started for it in running if it is not None],
        )

    def _in_unit(self, limit_a: float, unit: Unit) -> float:
        return limit_a if unit is Unit.A else limit_a * NOMINAL_VOLTAGE_V * self._station.phases
