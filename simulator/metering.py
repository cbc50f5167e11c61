"""What a charger's meter says, as MeterValues of OCPP 1.6."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ocpp.v16.datatypes import MeterValue, SampledValue
from ocpp.v16.enums import Measurand, Phase, ReadingContext, UnitOfMeasure

from .faults import MeterStyle
from .profiles import NOMINAL_VOLTAGE_V

_LINES = (Phase.l1, Phase.l2, Phase.l3)
_LINES_TO_NEUTRAL = (Phase.l1_n, Phase.l2_n, Phase.l3_n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The truth at a connector at one moment."""

    timestamp: str
    currents_a: tuple[float, float, float]
    energy_wh: float
    offered_a: float
    phases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What is measured, and how it is told."""

    measurands: tuple[str, ...]
    style: MeterStyle = MeterStyle.FULL
    kilo_units: bool = False
    calls_import_export: bool = False

    def meter_value(self, reading: Reading, context: ReadingContext) -> MeterValue:
        """Tell a reading."""
        return MeterValue(
            timestamp=reading.timestamp,
            sampled_value=[
                SampledValue(
                    value=str(round(value, 3)),
                    context=context,
                    measurand=self._name(measurand),
                    phase=phase,
                    unit=unit,
                )
                for measurand in self._told()
                for value, phase, unit in self._samples(measurand, reading)
            ],
        )

    def _told(self) -> Iterable[Measurand]:
        if self.style is MeterStyle.POWER_ONLY:
            return (Measurand.power_active_import,)
        if self.style is MeterStyle.ENERGY_ONLY:
            return (Measurand.energy_active_import_register,)
        return [Measurand(name.strip()) for name in self.measurands]

    def _name(self, measurand: Measurand) -> Measurand:
        is_other = self.calls_import_export and measurand == Measurand.current_import
        return Measurand.current_export if is_other else measurand

    def _samples(
        self, measurand: Measurand, reading: Reading
    ) -> Iterator[tuple[float, Phase | None, UnitOfMeasure]]:
        lines = range(reading.phases)
        if measurand == Measurand.power_active_import:
            power_w = sum(reading.currents_a) * NOMINAL_VOLTAGE_V
            yield self._scaled(power_w, UnitOfMeasure.w, UnitOfMeasure.kw)
        elif measurand == Measurand.energy_active_import_register:
            yield self._scaled(reading.energy_wh, UnitOfMeasure.wh, UnitOfMeasure.kwh)
        elif measurand == Measurand.current_offered:
            yield reading.offered_a, None, UnitOfMeasure.a
        elif measurand == Measurand.voltage:
            for line in lines:
                yield NOMINAL_VOLTAGE_V, _LINES_TO_NEUTRAL[line], UnitOfMeasure.v
        elif self.style is MeterStyle.NO_PHASES:
            yield max(reading.currents_a), None, UnitOfMeasure.a
        else:
            for line in lines:
                yield reading.currents_a[line], _LINES[line], UnitOfMeasure.a

    def _scaled(
        self, value: float, unit: UnitOfMeasure, kilo_unit: UnitOfMeasure
    ) -> tuple[float, None, UnitOfMeasure]:
        return (value / 1000, None, kilo_unit) if self.kilo_units else (value, None, unit)
