"""The people of `make run`: a shop with customers, a team, and a bot that waits to be connected.

The ids are the same at every start, so that a product which remembers them finds everyone again.
The tokens are invented: they open nothing but this sandbox.
"""

from typing import Any

from sandbox.world import Bot, Chat, User, World

SETUP_BOT_TOKEN = "7100000001:AAsandbox_setup_bot_of_this_machine"  # noqa: S105 - it opens nothing else
SHOP_BOT_TOKEN = "7100000002:AAsandbox_acme_shop_of_this_machine"  # noqa: S105
SHOP_RIGHTS = ("can_manage_topics", "can_delete_messages", "can_pin_messages", "can_invite_users")
SHOP_NAME = "Acme Shop"
GROUP_TITLE = "Acme Support"


def populate(world: World) -> dict[str, Any]:
    """Fill an empty world; what a program needs to know to connect the shop's bot."""
    owner = world.add_user("Olivia", last_name="Owner", username="olivia_owner")
    team = [
        world.add_user("Max", last_name="Moreno", username="max_acme"),
        world.add_user("Nora", last_name="Nilsson", username="nora_acme"),
    ]
    _add_customers(world)
    setup_bot = world.add_bot("Backline Setup", "backline_setup_bot", token=SETUP_BOT_TOKEN, can_manage_bots=True)
    setup_bot.description = "Connects your bot to your team’s group. Press START and follow the steps."
    shop = world.add_bot(SHOP_NAME, "acme_shop_bot", owner=owner, token=SHOP_BOT_TOKEN)
    shop.description = "Questions about an order? Write to us, a person answers."
    group = _add_group(world, owner, team, shop)
    world.add_group("Friends", owner)
    return {
        "setup_bot_token": setup_bot.token,
        "demo": {
            "owner_id": owner.id,
            "bot_id": shop.id,
            "bot_token": shop.token,
            "bot_username": shop.username,
            "bot_name": shop.name,
            "group_id": group.id,
            "group_title": group.title,
        },
    }


def _add_customers(world: World) -> None:
    world.add_user("Anna", last_name="Petrova", username="anna_petrova")
    world.add_user("Boris")
    world.add_user("Chen Wei", username="chen_wei", language_code="zh")
    world.add_user("عبد الرحمن بن عبد العزيز", last_name="آل إبراهيم الأنصاري", language_code="ar")


def _add_group(world: World, owner: User, team: list[User], shop: Bot) -> Chat:
    group = world.add_forum(GROUP_TITLE, owner)
    for operator in team:
        world.add_member(group, operator, by=owner)
    world.promote(group, shop, SHOP_RIGHTS, by=owner)
    return group
