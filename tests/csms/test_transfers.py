"""Files come and go at the port of the chargers, for who has leave and for nobody else."""

import asyncio
from pathlib import Path

import pytest

from custom_components.balanz.csms import transfers
from simulator.http_client import request

from .client import RawCharger, wait_until
from .conftest import Bench, Dial


class Shelf:
    """Where uploads go in these tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stored: list[tuple[Path, int]] = []
        self.names: list[str] = []

    def grant(self, central: Bench) -> str:
        def keep(part: Path, name: str) -> Path:
            self.names.append(name)
            return part.replace(self.folder / "stored")

        path = central.transfers.grant_upload(
            "CP1",
            folder=self.folder,
            name=keep,
            on_stored=lambda path, size: self.stored.append((path, size)),
        )
        return f"http://127.0.0.1:{central.port}{path}"

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*"))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "uploads")


async def raw(central: Bench, text: bytes) -> bytes:
    """Send this and return all that comes back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", central.port)
    writer.write(text)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_file_is_loaded_up_once(central: Bench, shelf: Shelf) -> None:
    url, content = shelf.grant(central), bytes(range(256)) * 2000

    assert (await request("PUT", f"{url}log.txt", content))[0] == 201

    assert (shelf.folder / "stored").read_bytes() == content
    assert shelf.stored == [(shelf.folder / "stored", len(content))]
    assert shelf.names == ["log.txt"]
    assert shelf.files == ["stored"]
    assert (await request("PUT", f"{url}log.txt", b"more"))[0] == 404
    assert (shelf.folder / "stored").read_bytes() == content


async def test_a_file_in_a_form_is_taken_out_of_it(central: Bench, shelf: Shelf) -> None:
    path = shelf.grant(central).partition(f":{central.port}")[2]
    form = b'--B\r\nContent-Disposition: form-data; filename="log.gz"\r\n\r\nlog\r\n--B--\r\n'
    head = f"POST {path} HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\n"

    answer = await raw(central, f"{head}Content-Length: {len(form)}\r\n\r\n".encode() + form)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert (shelf.folder / "stored").read_bytes() == b"log"
    assert shelf.names == ["log.gz"]


async def test_chargers_are_served_meanwhile_and_after(
    central: Bench, charger: RawCharger, dial: Dial, shelf: Shelf
) -> None:
    await request("POST", shelf.grant(central), b"log")

    assert await charger.alive()
    assert await (await dial()).boot()
    assert shelf.stored
    # Nothing is left of the connection.
    await wait_until(lambda: len(central._gate.sockets) == 1)


async def test_a_proxy_may_put_a_prefix_before_the_path(central: Bench, shelf: Shelf) -> None:
    url = shelf.grant(central).replace("/transfers/", "/ocpp/home/transfers/")

    assert (await request("PUT", url, b"log"))[0] == 201


async def test_pieces_and_lines_that_come_one_by_one_are_put_together(
    central: Bench, shelf: Shelf
) -> None:
    path = shelf.grant(central).partition(f":{central.port}")[2]
    reader, writer = await asyncio.open_connection("127.0.0.1", central.port)
    head = f"PUT {path} HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    for piece in (head[:3], head[3:20], head[20:]):
        writer.write(piece.encode())
        await asyncio.sleep(0.01)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")

    assert (await reader.read()).startswith(b"HTTP/1.1 201 Created\r\n")
    assert (shelf.folder / "stored").read_bytes() == b"abcde"
    writer.close()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", "", 405),
        ("PUT", "", 411),
        ("PUT", "Content-Length: -1\r\n", 400),
        ("PUT", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("PUT", "Transfer-Encoding: gzip\r\n", 400),
        ("PUT", f"Content-Length: {transfers.MAX_UPLOAD_BYTES + 1}\r\n", 413),
    ],
)
async def test_an_upload_that_is_not_wanted_is_refused_and_may_be_tried_again(
    central: Bench, shelf: Shelf, method: str, headers: str, status: int
) -> None:
    url = shelf.grant(central)
    path = url.partition(f":{central.port}")[2]

    answer = await raw(central, f"{method} {path} HTTP/1.1\r\n{headers}\r\n".encode())

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert shelf.files == []
    assert (await request("PUT", url, b"log"))[0] == 201


async def test_a_body_without_an_announced_end_is_bounded(
    central: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "MAX_UPLOAD_BYTES", 4)
    path = shelf.grant(central).partition(f":{central.port}")[2]
    head = f"PUT {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()

    too_much = await raw(central, head + b"5\r\nabcde\r\n0\r\n\r\n")
    nonsense = await raw(central, head + b"five\r\n")

    assert too_much.startswith(b"HTTP/1.1 413 ")
    assert nonsense.startswith(b"HTTP/1.1 400 ")
    assert shelf.files == []


async def test_an_upload_that_breaks_off_leaves_nothing_and_may_be_tried_again(
    central: Bench, shelf: Shelf
) -> None:
    url = shelf.grant(central)
    path = url.partition(f":{central.port}")[2]
    _, writer = await asyncio.open_connection("127.0.0.1", central.port)
    writer.write(f"PUT {path} HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc".encode())
    await wait_until(lambda: len(shelf.files) == 1)
    # While it runs there cannot be a second one.
    assert (await request("PUT", url, b"other"))[0] == 409
    writer.close()

    await wait_until(lambda: shelf.files == [])
    assert (await request("PUT", url, b"again"))[0] == 201


async def test_who_sends_nothing_is_not_waited_for(
    central: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "IDLE_TIMEOUT_S", 0.05)
    monkeypatch.setattr(transfers, "HEAD_TIMEOUT_S", 0.05)
    path = shelf.grant(central).partition(f":{central.port}")[2]

    assert (
        await raw(central, f"PUT {path} HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc".encode()) == b""
    )
    assert await raw(central, f"PUT {path} HTTP/1.1\r\n".encode()) == b""
    assert shelf.files == []


async def test_a_full_disk_is_told(
    central: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left")

    url = shelf.grant(central)
    monkeypatch.setattr("os.write", full)

    assert (await request("PUT", url, b"log"))[0] == 507
    assert shelf.stored == []


@pytest.mark.parametrize(
    "path",
    ["/transfers/" + "x" * 32 + "/", "/transfers/" + "x" * 32, "/a/transfers/" + "x" * 32 + "/b?c"],
)
async def test_without_leave_there_is_nothing(central: Bench, path: str) -> None:
    for method in ("GET", "PUT"):
        assert (await request(method, f"http://127.0.0.1:{central.port}{path}", b""))[0] == 404


async def test_leave_ends_with_time_and_with_the_one_who_gave_it(
    central: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked = shelf.grant(central)
    central.transfers.revoke(revoked)
    monkeypatch.setattr(transfers, "LIFETIME_S", 0.0)
    expired = shelf.grant(central)

    assert (await request("PUT", revoked, b"log"))[0] == 404
    assert (await request("PUT", expired, b"log"))[0] == 404


async def test_only_so_many_run_at_once(
    central: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "MAX_TRANSFERS", 0)

    assert (await request("PUT", shelf.grant(central), b"log"))[0] == 503


async def test_a_file_is_loaded_down_as_a_whole_and_in_parts(
    central: Bench, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "fw.bin").write_bytes(content)
    path = central.transfers.grant_download("CP1", tmp_path / "fw.bin")
    url = f"http://127.0.0.1:{central.port}{path}"
    assert path.endswith("/fw.bin")

    assert await request("GET", url) == (200, content)
    assert await request("HEAD", url) == (200, b"")
    assert (await request("PUT", url, b"evil"))[0] == 405

    async def part(asked: str) -> bytes:
        return await raw(central, f"GET {path} HTTP/1.1\r\nRange: bytes={asked}\r\n\r\n".encode())

    rest = await part("255990-")
    assert rest.startswith(b"HTTP/1.1 206 ")
    assert b"Content-Range: bytes 255990-255999/256000\r\n" in rest
    assert rest.endswith(content[255990:])
    assert (await part("0-3")).endswith(b"\r\n\r\n" + content[:4])
    assert (await part("256000-")).startswith(b"HTTP/1.1 416 ")
    (tmp_path / "fw.bin").unlink()
    assert (await request("GET", url))[0] == 404


async def test_what_is_no_request_for_a_file_is_left_to_websocket(central: Bench) -> None:
    for line in (b"GET /transfers/short/ HTTP/1.1", b"nonsense", b"GET /CP1 HTTP/1.1"):
        answer = await raw(central, line + b"\r\n\r\n")
        assert b" 404 " not in answer
        assert b"201" not in answer


async def test_a_first_line_without_an_end_is_refused(central: Bench) -> None:
    assert b"414" in await raw(central, b"GET /" + b"x" * 9000)


async def test_a_stop_breaks_off_what_runs(central: Bench, shelf: Shelf) -> None:
    path = shelf.grant(central).partition(f":{central.port}")[2]
    reader, writer = await asyncio.open_connection("127.0.0.1", central.port)
    writer.write(f"PUT {path} HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc".encode())
    await wait_until(lambda: len(shelf.files) == 1)

    async with asyncio.timeout(5):
        await central.stop()

    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


async def test_how_a_charger_reaches_the_server_is_learnt_from_how_it_came(
    central: Bench, charger: RawCharger
) -> None:
    assert central.stations["CP1"].dialled == f"http://127.0.0.1:{central.port}/ocpp"


@pytest.mark.parametrize(
    ("headers", "dialled"),
    [
        ({"X-Forwarded-Proto": "wss"}, "https://127.0.0.1:{port}/ocpp"),
        ({"X-Forwarded-Proto": "http"}, "http://127.0.0.1:{port}/ocpp"),
    ],
)
async def test_behind_a_proxy_it_counts_how_the_proxy_was_reached(
    central: Bench, dial: Dial, headers: dict[str, str], dialled: str
) -> None:
    await dial(additional_headers=headers)
    await wait_until(lambda: central.stations["CP1"].connected)

    assert central.stations["CP1"].dialled == dialled.format(port=central.port)
