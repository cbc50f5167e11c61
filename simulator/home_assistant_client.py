"""A client of Home Assistant's REST and websocket APIs, as a browser would be."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import aiohttp

type Json = dict[str, Any]

_TOKEN_MARGIN_S = 60


class ApiError(Exception):
    """Home Assistant refused a request; `status` is that of HTTP, None over the websocket."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Flow:
    """A config, options or subentry flow under way; `step` is Home Assistant's last answer."""

    def __init__(self, client: HomeAssistantClient, path: str, step: Json) -> None:
        self._client = client
        self._path = path
        self.step = step

    async def submit(self, user_input: Json) -> Json:
        """Send a form, and return (and keep) the next step.

        An input that does not match the form's schema raises ApiError; an error that the flow
        itself finds is in the step's "errors".
        """
        path = f"{self._path}/{self.step['flow_id']}"
        self.step = await self._client.request("POST", path, user_input)
        return self.step


class HomeAssistantClient:
    """One user, logged in at one Home Assistant; an asynchronous context manager."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = aiohttp.ClientSession()
        self._refresh_token = ""
        self._access_token = ""
        self._expires_at = 0.0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._last_id = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._subscriptions: dict[int, asyncio.Queue[Any]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up; what still waits for an answer gets ApiError."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader
        await self._session.close()

    # --- the account

    async def answers(self) -> bool:
        """Return whether Home Assistant serves its frontend, and so can be logged in to."""
        try:
            async with self._session.get(f"{self.url}/manifest.json") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def log_in(self, name: str, password: str) -> None:
        """Log in as the owner, whose account is created where there is none yet."""
        if await self._owner_is_missing():
            owner = {"name": name, "username": name, "password": password, "language": "en"}
            created = await self._send(
                "POST", "/api/onboarding/users", {**owner, "client_id": self._client_id}
            )
            code = created["auth_code"]
        else:
            code = await self._code_by_password(name, password)
        await self._fetch_tokens({"grant_type": "authorization_code", "code": code})

    async def access_token(self) -> str:
        """Return a bearer token that is good for another minute at least."""
        if time.monotonic() > self._expires_at - _TOKEN_MARGIN_S:
            await self._fetch_tokens(
                {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
            )
        return self._access_token

    @property
    def _client_id(self) -> str:
        return f"{self.url}/"

    async def _owner_is_missing(self) -> bool:
        async with self._session.get(f"{self.url}/api/onboarding") as response:
            # Home Assistant drops this address when nothing is left to be done.
            if response.status == 404:
                return False
            steps: list[Json] = await response.json()
        return any(step["step"] == "user" and not step["done"] for step in steps)

    async def _code_by_password(self, name: str, password: str) -> str:
        client = {"client_id": self._client_id}
        flow = await self._send(
            "POST",
            "/auth/login_flow",
            {**client, "handler": ["homeassistant", None], "redirect_uri": self._client_id},
        )
        step = await self._send(
            "POST",
            f"/auth/login_flow/{flow['flow_id']}",
            {**client, "username": name, "password": password},
        )
        if step["type"] != "create_entry":
            raise ApiError(f"login refused: {step.get('errors')}")
        code: str = step["result"]
        return code

    async def _fetch_tokens(self, grant: dict[str, str]) -> None:
        async with self._session.post(
            f"{self.url}/auth/token", data={**grant, "client_id": self._client_id}
        ) as response:
            tokens = await _json(response)
        self._access_token = tokens["access_token"]
        self._refresh_token = tokens.get("refresh_token", self._refresh_token)
        self._expires_at = time.monotonic() + tokens["expires_in"]

    # --- REST

    async def request(self, method: str, path: str, body: Json | None = None) -> Any:
        """Return the JSON answer to an authorized request; ApiError for a status of 400 or more."""
        token = await self.access_token()
        return await self._send(method, path, body, {"Authorization": f"Bearer {token}"})

    async def _send(
        self, method: str, path: str, body: Json | None, headers: Mapping[str, str] | None = None
    ) -> Any:
        async with self._session.request(
            method, self.url + path, json=body, headers=headers
        ) as response:
            return await _json(response)

    async def state(self, entity_id: str) -> Json | None:
        """Return an entity's state object; None where there is no such entity."""
        try:
            state: Json = await self.request("GET", f"/api/states/{entity_id}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return state

    async def states(self) -> dict[str, Json]:
        """Return all state objects by entity id."""
        return {state["entity_id"]: state for state in await self.request("GET", "/api/states")}

    async def set_state(
        self, entity_id: str, state: str | float, attributes: Json | None = None
    ) -> None:
        """Write a state, with these attributes and no others."""
        body = {"state": str(state), "attributes": attributes or {}}
        await self.request("POST", f"/api/states/{entity_id}", body)

    async def call_service(self, domain: str, service: str, data: Json | None = None) -> None:
        """Perform an action and wait until it is done."""
        await self.request("POST", f"/api/services/{domain}/{service}", data or {})

    async def save_automation(self, automation_id: str, config: Json) -> None:
        """Create or change an automation, and have it loaded."""
        await self.request("POST", f"/api/config/automation/config/{automation_id}", config)
        # Home Assistant loads it too, but answers before that is done.
        await self.call_service("automation", "reload", {"id": automation_id})

    # --- flows

    async def config_flow(self, domain: str) -> Flow:
        """Start to add an integration."""
        return await self._start_flow("/api/config/config_entries/flow", {"handler": domain})

    async def options_flow(self, entry_id: str) -> Flow:
        """Start to change an entry's options."""
        return await self._start_flow(
            "/api/config/config_entries/options/flow", {"handler": entry_id}
        )

    async def subentry_flow(
        self, entry_id: str, subentry_type: str, subentry_id: str | None = None
    ) -> Flow:
        """Start to add a subentry; to reconfigure it, where its id is given."""
        body: Json = {"handler": [entry_id, subentry_type]}
        if subentry_id is not None:
            body["subentry_id"] = subentry_id
        return await self._start_flow("/api/config/config_entries/subentries/flow", body)

    async def discovered(self, domain: str) -> list[Json]:
        """Return Home Assistant's account of the discoveries that wait for the user."""
        flows: list[Json] = await self.command("config_entries/flow/progress")
        return [flow for flow in flows if flow["handler"] == domain]

    async def resume_flow(self, flow_id: str) -> Flow:
        """Take up a flow that something else has started, such as a discovery."""
        path = "/api/config/config_entries/flow"
        return Flow(self, path, await self.request("GET", f"{path}/{flow_id}"))

    async def _start_flow(self, path: str, body: Json) -> Flow:
        return Flow(self, path, await self.request("POST", path, body))

    # --- websocket

    async def command(self, command_type: str, **parameters: Any) -> Any:
        """Return a websocket command's result; ApiError where Home Assistant reports an error."""
        return (await self._command(command_type, parameters))[1]

    @contextlib.asynccontextmanager
    async def subscribe(
        self, command_type: str, **parameters: Any
    ) -> AsyncIterator[asyncio.Queue[Any]]:
        """Give the queue of what a command such as "subscribe_events" sends from now on."""
        number, _ = await self._command(command_type, parameters, subscribe=True)
        try:
            yield self._subscriptions[number]
        finally:
            del self._subscriptions[number]
            # A subscription has ended already where its connection has.
            with contextlib.suppress(ApiError, aiohttp.ClientError):
                await self.command("unsubscribe_events", subscription=number)

    async def _command(
        self, command_type: str, parameters: Json, *, subscribe: bool = False
    ) -> tuple[int, Any]:
        async with self._connecting:
            socket = await self._connected()
        self._last_id += 1
        number = self._last_id
        self._answers[number] = asyncio.get_running_loop().create_future()
        if subscribe:
            self._subscriptions[number] = asyncio.Queue()
        try:
            await socket.send_json({"id": number, "type": command_type, **parameters})
            return number, await self._answers[number]
        except ApiError:
            self._subscriptions.pop(number, None)
            raise
        finally:
            del self._answers[number]

    async def _connected(self) -> aiohttp.ClientWebSocketResponse:
        if self._socket is not None and not self._socket.closed:
            return self._socket
        token = await self.access_token()
        socket = await self._session.ws_connect(
            f"{self.url}/api/websocket", heartbeat=30, max_msg_size=0
        )
        await socket.receive_json()  # "auth_required"
        await socket.send_json({"type": "auth", "access_token": token})
        answer = await socket.receive_json()
        if answer["type"] != "auth_ok":
            raise ApiError(f"websocket refused: {answer}")
        self._socket = socket
        self._reader = asyncio.create_task(self._read(socket))
        return socket

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            message = frame.json()
            if message["type"] == "event" and message["id"] in self._subscriptions:
                self._subscriptions[message["id"]].put_nowait(message["event"])
            elif message["type"] == "result" and message["id"] in self._answers:
                answer = self._answers[message["id"]]
                if message["success"]:
                    answer.set_result(message["result"])
                else:
                    answer.set_exception(ApiError(str(message["error"])))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ApiError("Home Assistant closed the connection"))


async def _json(response: aiohttp.ClientResponse) -> Any:
    if response.status >= 400:
        text = f"{response.url.path}: {response.status} {await response.text()}"
        raise ApiError(text, response.status)
    return await response.json()
