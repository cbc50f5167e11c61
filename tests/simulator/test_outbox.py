"""What a charger keeps to say, and what it lets go."""

import pytest

from simulator.car import Car
from simulator.connector import Connector
from simulator.outbox import Message, Outbox


async def test_durable_messages_wait_for_the_connection_and_others_are_given_up() -> None:
    outbox, given_up = Outbox(), list[str]()
    durable = Message(build=lambda: "kept", durable=True)

    outbox.put(Message(build=lambda: "lost", given_up=lambda: given_up.append("offline")))
    outbox.open()
    outbox.put(Message(build=lambda: "lost", given_up=lambda: given_up.append("hung up")))
    outbox.put(Message(build=lambda: "lost"))
    outbox.put(durable)
    outbox.close()

    assert given_up == ["offline", "hung up"]
    assert await outbox.head() is durable


async def test_a_message_stays_until_it_is_removed() -> None:
    outbox, message = Outbox(), Message(build=lambda: "x", durable=True)
    outbox.put(message)

    assert await outbox.head() is await outbox.head()
    outbox.remove(message)
    outbox.remove(message)
    assert len(outbox) == 0


def test_two_cars_do_not_fit_one_connector() -> None:
    connector = Connector(id=1)
    connector.plug_in(Car())

    with pytest.raises(ValueError, match="taken"):
        connector.plug_in(Car())
