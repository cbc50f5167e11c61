"""The local authorization list of a charger (OCPP 1.6 section 3.5.2), where it has one."""

from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.enums import Action, UpdateStatus, UpdateType

from .routes import on


class LocalList:
    """The list and its version."""

    def __init__(self, *, length: int) -> None:
        self.length = length
        """How many entries fit; 0 where there is no list."""
        self.version = 0
        self.tags: dict[str, dict[str, Any]] = {}
        """What is known of each tag, by its id in lower case."""
        self.updates = 0
        """How often it was changed."""


class LocalListCommands:
    """How a charger with a list answers the messages about it."""

    def __init__(self, local_list: LocalList) -> None:
        self._list = local_list

    @on(Action.get_local_list_version)
    def get_local_list_version(self) -> Any:
        """Tell the version; -1 where there is no list."""
        version = self._list.version if self._list.length else -1
        return call_result.GetLocalListVersion(list_version=version)

    @on(Action.send_local_list)
    def send_local_list(
        self,
        list_version: int,
        update_type: str,
        local_authorization_list: list[dict[str, Any]] | None = None,
    ) -> Any:
        """Take over a whole list, or changes of a list that is older."""
        if not self._list.length:
            return call_result.SendLocalList(status=UpdateStatus.not_supported)
        is_full = update_type == UpdateType.full
        if not is_full and list_version <= self._list.version:
            return call_result.SendLocalList(status=UpdateStatus.version_mismatch)
        tags = {} if is_full else dict(self._list.tags)
        for entry in local_authorization_list or ():
            key = entry["id_tag"].lower()
            if "id_tag_info" in entry:
                tags[key] = entry["id_tag_info"]
            else:
                tags.pop(key, None)
        if len(tags) > self._list.length:
            return call_result.SendLocalList(status=UpdateStatus.failed)
        self._list.version, self._list.tags = list_version, tags
        self._list.updates += 1
        return call_result.SendLocalList(status=UpdateStatus.accepted)
