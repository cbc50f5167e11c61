"""What a charger is asked in OCPP 1.6: typed questions to messages, and answers to plain values."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any

from .capabilities import RateUnit
from .charging_profile import ChargingProfile
from .command_values import (
    AvailabilityType,
    CommandStatus,
    CompositeAnswer,
    Configuration,
    ConfigurationEntry,
    DataTransferAnswer,
    LocalListEntry,
    MessageTrigger,
    ProfileCriteria,
    ResetType,
    SchedulePeriod,
    UpdateType,
)
from .lenient import integer, number, text, timestamp
from .rpc_frames import Payload
from .station_errors import AnswerUnreadable
from .v16 import utc_text
from .wording import ocpp_name, told

MAX_KEY_LENGTH = 50
MAX_VALUE_LENGTH = 500
MAX_FILE_NAME_LENGTH = 255
MAX_DATA_LENGTH = 10_000
MAX_ENTRIES = 500
"""Keys and periods of one answer that are read; no charger has more."""
_STATUSES = {status.value.replace("_", ""): status for status in CommandStatus}

ACTIONS = (
    "CancelReservation",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "GetCompositeSchedule",
    "GetConfiguration",
    "GetDiagnostics",
    "GetLocalListVersion",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "Reset",
    "SendLocalList",
    "SetChargingProfile",
    "TriggerMessage",
    "UnlockConnector",
    "UpdateFirmware",
)
"""All messages of OCPP 1.6 that a central system starts."""


class Commands:
    """All that one charger can be asked. Each raises StationError if there is no answer to read."""

    def __init__(self, request: Callable[[str, Payload], Awaitable[Payload]]) -> None:
        """Ask through a function that sends a call and returns its answer."""
        self._request = request

    async def cancel_reservation(self, reservation_id: int) -> CommandStatus:
        """Take a reservation back."""
        return await self._status("CancelReservation", {"reservationId": reservation_id})

    async def change_availability(self, connector: int, kind: AvailabilityType) -> CommandStatus:
        """Put a connector, or the whole charger for 0, in or out of service."""
        payload = {"connectorId": connector, "type": ocpp_name(kind)}
        return await self._status("ChangeAvailability", payload)

    async def change_configuration(self, key: str, value: str) -> CommandStatus:
        """Write a configuration key."""
        return await self._status("ChangeConfiguration", {"key": key, "value": value})

    async def clear_cache(self) -> CommandStatus:
        """Have it forget the tags that it has seen."""
        return await self._status("ClearCache", {})

    async def clear_charging_profile(self, criteria: ProfileCriteria) -> CommandStatus:
        """Remove the charging profiles that match."""
        purpose = criteria.purpose
        payload = told(
            id=criteria.profile_id,
            connectorId=criteria.connector,
            chargingProfilePurpose=None if purpose is None else ocpp_name(purpose),
            stackLevel=criteria.stack_level,
        )
        return await self._status("ClearChargingProfile", payload)

    async def data_transfer(
        self, vendor_id: str, message_id: str | None, data: str | None
    ) -> DataTransferAnswer:
        """Send a vendor's own message."""
        payload = told(vendorId=vendor_id, messageId=message_id, data=data)
        answer = await self._request("DataTransfer", payload)
        data_told = answer.get("data")
        return DataTransferAnswer(
            status=_status_of(answer),
            data=data_told[:MAX_DATA_LENGTH] if isinstance(data_told, str) else None,
        )

    async def get_composite_schedule(
        self, connector: int, *, duration_s: int, unit: RateUnit | None
    ) -> CompositeAnswer:
        """Ask what it would offer a connector, or all together for 0, from now on."""
        payload = told(
            connectorId=connector,
            duration=duration_s,
            chargingRateUnit=None if unit is None else unit.value,
        )
        return _composite(await self._request("GetCompositeSchedule", payload))

    async def get_configuration(self, keys: Iterable[str] = ()) -> Configuration:
        """Read configuration keys; all without any."""
        wanted = list(keys)
        answer = await self._request("GetConfiguration", {"key": wanted} if wanted else {})
        return parse_configuration(answer)

    async def get_diagnostics(
        self,
        location: str,
        *,
        retries: int | None = None,
        retry_interval_s: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> str | None:
        """Have it upload its log to a URL; return the file's name, None if there is none."""
        payload = told(
            location=location,
            retries=retries,
            retryInterval=retry_interval_s,
            startTime=None if since is None else utc_text(since),
            stopTime=None if until is None else utc_text(until),
        )
        answer = await self._request("GetDiagnostics", payload)
        return text(answer.get("fileName"), MAX_FILE_NAME_LENGTH) or None

    async def get_local_list_version(self) -> int:
        """Return the version of its list of tags; 0 is an empty one, -1 that it keeps none."""
        version = integer((await self._request("GetLocalListVersion", {})).get("listVersion"))
        if version is None:
            raise AnswerUnreadable("no listVersion")
        return version

    async def remote_start_transaction(
        self, id_tag: str, connector: int | None = None, profile: ChargingProfile | None = None
    ) -> CommandStatus:
        """Ask for a transaction to start, with a TxProfile of its own if one is given."""
        payload = told(
            connectorId=connector,
            idTag=id_tag,
            chargingProfile=None if profile is None else profile.as_v16(),
        )
        return await self._status("RemoteStartTransaction", payload)

    async def remote_stop_transaction(self, transaction_id: int) -> CommandStatus:
        """Ask for a transaction to stop."""
        return await self._status("RemoteStopTransaction", {"transactionId": transaction_id})

    async def reserve_now(
        self,
        connector: int,
        *,
        reservation_id: int,
        id_tag: str,
        expires_at: datetime,
        parent_id_tag: str | None = None,
    ) -> CommandStatus:
        """Keep a connector, or any for 0, free for a tag."""
        payload = told(
            connectorId=connector,
            expiryDate=utc_text(expires_at),
            idTag=id_tag,
            parentIdTag=parent_id_tag,
            reservationId=reservation_id,
        )
        return await self._status("ReserveNow", payload)

    async def reset(self, kind: ResetType) -> CommandStatus:
        """Ask for a restart."""
        return await self._status("Reset", {"type": ocpp_name(kind)})

    async def send_local_list(
        self, version: int, update: UpdateType, entries: Iterable[LocalListEntry]
    ) -> CommandStatus:
        """Replace or change the list of tags that it keeps."""
        payload = {
            "listVersion": version,
            "localAuthorizationList": [_list_entry(entry) for entry in entries],
            "updateType": ocpp_name(update),
        }
        return await self._status("SendLocalList", payload)

    async def set_charging_profile(self, connector: int, profile: ChargingProfile) -> CommandStatus:
        """Install a charging profile at a connector, or at the whole charger for 0."""
        payload = {"connectorId": connector, "csChargingProfiles": profile.as_v16()}
        return await self._status("SetChargingProfile", payload)

    async def trigger_message(
        self, message: MessageTrigger, connector: int | None = None
    ) -> CommandStatus:
        """Ask for a message."""
        payload = told(requestedMessage=ocpp_name(message), connectorId=connector)
        return await self._status("TriggerMessage", payload)

    async def unlock_connector(self, connector: int) -> CommandStatus:
        """Let go of a cable; that ends the connector's transaction."""
        return await self._status("UnlockConnector", {"connectorId": connector})

    async def update_firmware(
        self,
        location: str,
        *,
        retrieve_at: datetime,
        retries: int | None = None,
        retry_interval_s: int | None = None,
    ) -> None:
        """Have it load a firmware from a URL and install it; it tells how that goes."""
        payload = told(
            location=location,
            retries=retries,
            retrieveDate=utc_text(retrieve_at),
            retryInterval=retry_interval_s,
        )
        await self._request("UpdateFirmware", payload)

    async def _status(self, action: str, payload: Payload) -> CommandStatus:
        return _status_of(await self._request(action, payload))


def parse_configuration(answer: Payload) -> Configuration:
    """Read a configuration as far as it can be understood."""
    entries, unknown = answer.get("configurationKey"), answer.get("unknownKey")
    return Configuration(
        entries=tuple(
            ConfigurationEntry(
                key=key,
                value=None if (value := entry.get("value")) is None else _value_text(value),
                readonly=entry.get("readonly") is True,
            )
            for entry in _objects(entries)
            if (key := text(entry.get("key"), MAX_KEY_LENGTH))
        ),
        unknown_keys=tuple(
            name
            for key in (unknown[:MAX_ENTRIES] if isinstance(unknown, list) else ())
            if (name := text(key, MAX_KEY_LENGTH))
        ),
    )


def _value_text(value: object) -> str:
    """Return a value as text; some chargers tell numbers and truths as such."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return text(str(value), MAX_VALUE_LENGTH)


def _status_of(answer: Payload) -> CommandStatus:
    word = text(answer.get("status"), MAX_KEY_LENGTH)
    status = _STATUSES.get(word.replace("_", "").lower())
    if status is None:
        raise AnswerUnreadable(f"status {word!r}")
    return status


def _composite(answer: Payload) -> CompositeAnswer:
    status = _status_of(answer)
    raw: Any = answer.get("chargingSchedule")
    schedule: dict[str, Any] = raw if isinstance(raw, dict) else {}
    return CompositeAnswer(
        status=status,
        connector=integer(answer.get("connectorId")),
        starts_at=timestamp(answer.get("scheduleStart")),
        duration_s=integer(schedule.get("duration")),
        unit=text(schedule.get("chargingRateUnit"), 1) or None,
        periods=tuple(
            SchedulePeriod(start_s=start_s, limit=limit, phases=integer(entry.get("numberPhases")))
            for entry in _objects(schedule.get("chargingSchedulePeriod"))
            if (start_s := integer(entry.get("startPeriod"))) is not None
            and (limit := number(entry.get("limit"))) is not None
        ),
    )


def _list_entry(entry: LocalListEntry) -> Payload:
    if entry.status is None:
        return {"idTag": entry.id_tag}
    info = told(
        expiryDate=None if entry.expires_at is None else utc_text(entry.expires_at),
        parentIdTag=entry.parent_id_tag,
        status=ocpp_name(entry.status),
    )
    return {"idTag": entry.id_tag, "idTagInfo": info}


def _objects(entries: object) -> list[dict[str, Any]]:
    listed = entries[:MAX_ENTRIES] if isinstance(entries, list) else []
    return [entry for entry in listed if isinstance(entry, dict)]
