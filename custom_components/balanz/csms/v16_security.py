"""What is asked of a charger about its security, in OCPP 1.6 and its security extension."""

from .credentials import authorization_key
from .station import Station
from .station_errors import CommandRejected, StationError


async def change_password(station: Station, password: str) -> None:
    """Give a charger a password, with which it then dials in anew. Raises StationError.

    The password is not in the error, which a charger may have written it into.
    """
    payload = {"key": "AuthorizationKey", "value": authorization_key(password)}
    try:
        answer = await station.request("ChangeConfiguration", payload)
    except StationError as error:
        raise type(error)("the password was not taken") from None
    if answer.get("status") not in ("Accepted", "RebootRequired"):
        raise CommandRejected("the password was not taken")
