"""More than the group's twenty a minute, under flood control: joined, complete, in order, and never refused."""

from sandbox.world.entities import User
from tests.e2e.conftest import Stage

EACH = 15


async def test_sixty_texts_of_four_customers_stand_in_the_group_before_the_minute_is_over(desk: Stage) -> None:
    desk.sandbox.flood.rules.enabled = True
    world = desk.world
    customers: list[User] = [desk.customer, *(world.add_user(name) for name in ("Boris", "Chen", "Dora"))]
    for number in range(EACH):
        for customer in customers:
            world.send(customer, desk.bot, f"{number} of {customer.name}")

    def arrived(customer: User) -> list[str]:
        return "\n".join(m.text for m in desk.in_topic(customer.name) if m.sender is desk.bot).split("\n")

    said = {customer.id: [f"{number} of {customer.name}" for number in range(EACH)] for customer in customers}
    await desk.until(lambda: all(arrived(customer) == said[customer.id] for customer in customers), "all of it", 50)
    refused = [call for call in desk.sandbox.journal.calls if call.code == 429]
    assert refused == []
    assert set(await desk.dispositions()) <= {"relayed", "waiting", "ignored"}
