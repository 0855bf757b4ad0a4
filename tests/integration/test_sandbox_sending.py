"""Everything a bot can say, and how it arrives: in the World and in the answer."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from tests.integration.scene import Scene, open_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def say(scene: Scene, **params: Any) -> dict[str, Any]:
    result: dict[str, Any] = await scene.ok("sendMessage", chat_id=scene.carl.id, **params)
    return result


def marks(message: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(e["type"], e["offset"], e["length"]) for e in message.get("entities", [])]


class TestParameters:
    """The same call in the four ways in which programs make it."""

    @pytest.fixture
    def url(self, scene: Scene) -> str:
        return f"{scene.sandbox.url}/bot{scene.bot.token}/sendMessage"

    @pytest.fixture
    def params(self, scene: Scene) -> dict[str, str]:
        markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
        reply_markup = orjson.dumps(markup).decode()
        return {"chat_id": str(scene.carl.id), "text": "hello & more", "reply_markup": reply_markup}

    async def sent(self, response: aiohttp.ClientResponse) -> None:
        result = (await response.json())["result"]
        assert result["text"] == "hello & more"
        assert result["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "yes"

    async def test_query(self, scene: Scene, url: str, params: dict[str, str]) -> None:
        async with scene.http.get(url, params=params) as response:
            await self.sent(response)

    async def test_form(self, scene: Scene, url: str, params: dict[str, str]) -> None:
        async with scene.http.post(url, data=params) as response:
            await self.sent(response)

    async def test_json(self, scene: Scene, url: str, params: dict[str, str]) -> None:
        async with scene.http.post(url, json=params) as response:
            await self.sent(response)

    async def test_multipart(self, scene: Scene, url: str, params: dict[str, str]) -> None:
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in params.items():
            form.add_field(name, value)
        async with scene.http.post(url, data=form) as response:
            await self.sent(response)


class TestMarkup:
    async def test_html(self, scene: Scene) -> None:
        text = (
            "😀 <b>bold <i>both</i></b> <u>u</u> <s>s</s> <tg-spoiler>x</tg-spoiler> "
            "<code>&lt;c&gt;</code> <pre><code class='language-python'>pre</code></pre>"
        )
        sent = await say(scene, text=text, parse_mode="HTML")
        assert sent["text"] == "😀 bold both u s x <c> pre"
        assert marks(sent) == [
            ("bold", 3, 9),
            ("italic", 8, 4),
            ("underline", 13, 1),
            ("strikethrough", 15, 1),
            ("spoiler", 17, 1),
            ("code", 19, 3),
            ("pre", 23, 3),
        ]
        assert sent["entities"][-1]["language"] == "python"

    async def test_links_and_mentions(self, scene: Scene) -> None:
        text = f'<a href="https://x.org/?a=1&amp;b">x</a> <a href="tg://user?id={scene.carl.id}">Carl</a>'
        sent = await say(scene, text=text, parse_mode="html")
        link, mention = sent["entities"]
        assert (link["type"], link["url"]) == ("text_link", "https://x.org/?a=1&b")
        assert (mention["type"], mention["user"]["id"]) == ("text_mention", scene.carl.id)

    async def test_markdown_v2(self, scene: Scene) -> None:
        text = r"*bold _both_* __u__ ~s~ ||x|| `c\`` [x](https://x.org) \. \*"
        sent = await say(scene, text=text, parse_mode="MarkdownV2")
        assert sent["text"] == "bold both u s x c` x . *"
        assert marks(sent) == [
            ("bold", 0, 9),
            ("italic", 5, 4),
            ("underline", 10, 1),
            ("strikethrough", 12, 1),
            ("spoiler", 14, 1),
            ("code", 16, 2),
            ("text_link", 19, 1),
        ]

    async def test_markdown_v2_quotes_and_code(self, scene: Scene) -> None:
        sent = await say(scene, text=">one\n>two\n```python\nprint()```", parse_mode="MarkdownV2")
        assert sent["text"] == "one\ntwo\nprint()"
        assert [e["type"] for e in sent["entities"]] == ["blockquote", "pre"]

    async def test_old_markdown(self, scene: Scene) -> None:
        sent = await say(scene, text=r"*b* _i_ `c` [x](https://x.org) \_", parse_mode="Markdown")
        assert sent["text"] == "b i c x _"
        assert [e["type"] for e in sent["entities"]] == ["bold", "italic", "code", "text_link"]

    async def test_given_entities_and_trimmed_spaces(self, scene: Scene) -> None:
        entities = [
            {"type": "bold", "offset": 2, "length": 3},
            {"type": "italic", "offset": 5, "length": 2},
        ]
        sent = await say(scene, text="  abc  ", entities=entities)
        assert (sent["text"], marks(sent)) == ("abc", [("bold", 0, 3)])

    async def test_commands_are_found_but_not_inside_code(self, scene: Scene) -> None:
        sent = await say(scene, text="/start <code>/stop</code>", parse_mode="HTML")
        assert [e["type"] for e in sent["entities"]] == ["bot_command", "code"]


class TestKinds:
    @pytest.mark.parametrize(
        "kind", ["photo", "video", "animation", "audio", "voice", "document", "video_note", "sticker"]
    )
    async def test_a_file_is_uploaded_and_sent_again_by_its_id(self, scene: Scene, kind: str) -> None:
        method = "send" + "".join(part.title() for part in kind.split("_"))
        form = aiohttp.FormData()
        form.add_field("chat_id", str(scene.carl.id))
        form.add_field(kind, b"bytes", filename="file.bin")
        async with scene.http.post(f"{scene.sandbox.url}/bot{scene.bot.token}/{method}", data=form) as response:
            sent = (await response.json())["result"]
        file = sent[kind][-1] if kind == "photo" else sent[kind]
        again = await scene.ok(method, chat_id=scene.carl.id, **{kind: file["file_id"]})
        assert again["message_id"] == sent["message_id"] + 1
        messages = scene.world.history(scene.dialog)[-2:]
        assert [m.kind for m in messages] == [kind, kind]
        assert messages[0].content.file is messages[1].content.file

    async def test_a_file_can_be_downloaded(self, scene: Scene) -> None:
        scene.world.send(scene.carl, scene.bot, document=b"contract", file_name="contract.pdf")
        [update] = await scene.updates()
        document = update["message"]["document"]
        assert (document["file_name"], document["file_size"]) == ("contract.pdf", 8)
        path = (await scene.ok("getFile", file_id=document["file_id"]))["file_path"]
        async with scene.http.get(f"{scene.sandbox.url}/file/bot{scene.bot.token}/{path}") as response:
            assert await response.read() == b"contract"
        async with scene.http.get(f"{scene.sandbox.url}/file/bot{scene.bot.token}/documents/no.pdf") as response:
            assert response.status == 404

    async def test_spoiler_and_caption_above_arrive(self, scene: Scene) -> None:
        handle = scene.world.files.handle(scene.bot.id, scene.world.files.add("photo", b"jpeg"))
        sent = await scene.ok(
            "sendPhoto",
            chat_id=scene.carl.id,
            photo=handle,
            caption="<b>look</b>",
            parse_mode="HTML",
            has_spoiler=True,
            show_caption_above_media=True,
        )
        assert (sent["caption"], sent["has_media_spoiler"], sent["show_caption_above_media"]) == ("look", True, True)
        assert sent["caption_entities"] == [{"type": "bold", "offset": 0, "length": 4}]

    async def test_an_album_shares_its_id(self, scene: Scene) -> None:
        form = aiohttp.FormData()
        media = [
            {"type": "photo", "media": "attach://one", "caption": "first"},
            {"type": "video", "media": "attach://two"},
        ]
        form.add_field("chat_id", str(scene.carl.id))
        form.add_field("media", orjson.dumps(media).decode())
        form.add_field("one", b"1", filename="1.jpg")
        form.add_field("two", b"2", filename="2.mp4")
        url = f"{scene.sandbox.url}/bot{scene.bot.token}/sendMediaGroup"
        async with scene.http.post(url, data=form) as response:
            first, second = (await response.json())["result"]
        assert first["media_group_id"] == second["media_group_id"]
        assert (first["caption"], "photo" in first, "video" in second) == ("first", True, True)

    async def test_places_contacts_polls_and_dice(self, scene: Scene) -> None:
        where = {"chat_id": scene.carl.id}
        place = {"latitude": 1.5, "longitude": 2.5}
        location = await scene.ok("sendLocation", **where, **place)
        venue = await scene.ok("sendVenue", **where, **place, title="Shop", address="Street 1")
        contact = await scene.ok("sendContact", **where, phone_number="+1", first_name="C")
        poll = await scene.ok("sendPoll", **where, question="?", options=["a", {"text": "b"}])
        dice = await scene.ok("sendDice", **where, emoji="🎯")
        assert location["location"] == place
        assert venue["venue"]["location"] == venue["location"] == place
        assert contact["contact"]["phone_number"] == "+1"
        assert [option["text"] for option in poll["poll"]["options"]] == ["a", "b"]
        assert 1 <= dice["dice"]["value"] <= 6


class TestReplies:
    async def test_a_reply_with_a_quote(self, scene: Scene) -> None:
        message = scene.customer_says("😀 good morning")
        reply = {"message_id": message.id, "quote": "morning"}
        sent = await say(scene, text="hi", reply_parameters=reply)
        assert sent["reply_to_message"]["text"] == "😀 good morning"
        assert sent["quote"] == {"text": "morning", "position": 8, "is_manual": True}

    async def test_the_older_form_of_a_reply(self, scene: Scene) -> None:
        message = scene.customer_says("hello")
        sent = await say(scene, text="hi", reply_to_message_id=message.id)
        assert sent["reply_to_message"]["message_id"] == message.id

    async def test_a_reply_without_a_topic_goes_to_the_topic_of_what_it_answers(self, scene: Scene) -> None:
        message = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
        reply = {"message_id": message.id}
        sent = await scene.ok("sendMessage", chat_id=scene.desk.id, text="hi", reply_parameters=reply)
        assert sent["message_thread_id"] == scene.topic.id

    async def test_a_reply_into_another_topic_is_external(self, scene: Scene) -> None:
        message = scene.world.send(scene.olga, scene.desk, "general")
        where = {"chat_id": scene.desk.id, "message_thread_id": scene.topic.id}
        sent = await scene.ok("sendMessage", text="hi", reply_parameters={"message_id": message.id}, **where)
        assert sent["message_thread_id"] == scene.topic.id
        assert sent["external_reply"]["message_id"] == message.id

    async def test_a_reply_to_another_chat_is_external(self, scene: Scene) -> None:
        message = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
        reply = {"message_id": message.id, "chat_id": scene.desk.id}
        sent = await say(scene, text="hi", reply_parameters=reply)
        assert "reply_to_message" not in sent
        assert sent["external_reply"]["message_id"] == message.id
        assert sent["external_reply"]["origin"]["sender_user"]["id"] == scene.olga.id


class TestEditing:
    async def test_text_and_keyboard(self, scene: Scene) -> None:
        keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
        sent = await say(scene, text="old", reply_markup=keyboard)
        where = {"chat_id": scene.carl.id, "message_id": sent["message_id"]}
        edited = await scene.ok("editMessageText", text="new", **where)
        assert edited["text"] == "new"
        assert "edit_date" in edited
        assert "reply_markup" not in edited
        edited = await scene.ok("editMessageReplyMarkup", reply_markup=keyboard, **where)
        assert edited["reply_markup"] == keyboard

    async def test_caption_and_media(self, scene: Scene) -> None:
        files = scene.world.files
        old, new = (files.handle(scene.bot.id, files.add("photo", data)) for data in (b"old", b"new"))
        sent = await scene.ok("sendPhoto", chat_id=scene.carl.id, photo=old, caption="a")
        where = {"chat_id": scene.carl.id, "message_id": sent["message_id"]}
        assert (await scene.ok("editMessageCaption", caption="b", **where))["caption"] == "b"
        media = {"type": "photo", "media": new, "caption": "c"}
        edited = await scene.ok("editMessageMedia", media=media, **where)
        assert (edited["caption"], edited["photo"][-1]["file_id"]) == ("c", new)

    async def test_deleting_several_skips_what_is_gone(self, scene: Scene) -> None:
        sent = await say(scene, text="one")
        await scene.ok("deleteMessages", chat_id=scene.carl.id, message_ids=[sent["message_id"], 4711])
        assert "one" not in scene.said(scene.dialog)


class TestChats:
    async def test_members_and_administrators(self, scene: Scene) -> None:
        where = {"chat_id": scene.desk.id}
        owner = await scene.ok("getChatMember", user_id=scene.olga.id, **where)
        assert owner["status"] == "creator"
        me = await scene.ok("getChatMember", user_id=scene.bot.id, **where)
        assert (me["status"], me["can_manage_topics"], me["can_restrict_members"]) == ("administrator", True, False)
        stranger = await scene.ok("getChatMember", user_id=scene.carl.id, **where)
        assert stranger["status"] == "left"
        administrators = await scene.ok("getChatAdministrators", **where)
        assert {a["user"]["id"] for a in administrators} == {scene.olga.id, scene.bot.id}
        assert await scene.ok("getChatMemberCount", **where) == 2

    async def test_other_bots_are_not_among_the_administrators(self, scene: Scene) -> None:
        other = scene.world.add_bot("Other", "other_bot")
        scene.world.promote(scene.desk, other)
        administrators = await scene.ok("getChatAdministrators", chat_id=scene.desk.id)
        assert {a["user"]["id"] for a in administrators} == {scene.olga.id, scene.bot.id}

    async def test_a_ban_and_its_end(self, scene: Scene) -> None:
        scene.world.promote(scene.desk, scene.bot, ["restrict_members"])
        scene.world.join(scene.carl, scene.desk)
        who = {"chat_id": scene.desk.id, "user_id": scene.carl.id}
        await scene.ok("banChatMember", **who)
        assert scene.desk.member(scene.carl).status == "kicked"
        await scene.ok("unbanChatMember", **who)
        assert scene.desk.member(scene.carl).status == "left"

    async def test_pins(self, scene: Scene) -> None:
        message = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
        await scene.forget_updates()
        await scene.ok("pinChatMessage", chat_id=scene.desk.id, message_id=message.id)
        [update] = await scene.updates()
        assert update["message"]["pinned_message"]["message_id"] == message.id
        chat = await scene.ok("getChat", chat_id=scene.desk.id)
        assert chat["pinned_message"]["text"] == "hello"
        await scene.ok("unpinChatMessage", chat_id=scene.desk.id, message_id=message.id)
        assert "pinned_message" not in await scene.ok("getChat", chat_id=scene.desk.id)

    async def test_commands_by_scope(self, scene: Scene) -> None:
        commands = [{"command": "help", "description": "Help"}]
        scope = {"type": "chat", "chat_id": scene.desk.id}
        await scene.ok("setMyCommands", commands=commands, scope=scope)
        assert await scene.ok("getMyCommands", scope=scope) == commands
        assert await scene.ok("getMyCommands") == []
        await scene.ok("deleteMyCommands", scope=scope)
        assert await scene.ok("getMyCommands", scope=scope) == []

    async def test_a_manager_reads_and_replaces_the_token_of_its_bot(self, scene: Scene) -> None:
        """(Bot API: managed bots.)"""
        manager = scene.world.add_bot("Setup", "setup_bot", can_manage_bots=True)
        scene.world.open_link(scene.carl, "https://t.me/newbot/setup_bot/carls_bot?name=Carl")
        made = scene.world.bot("carls_bot")
        old = await scene.ok("getManagedBotToken", bot=manager, user_id=made.id)
        new = await scene.ok("replaceManagedBotToken", bot=manager, user_id=made.id)
        assert (old != new, new) == (True, made.token)
        kinds = [next(iter(set(u) - {"update_id"})) for u in await scene.updates(bot=manager)]
        assert kinds == ["managed_bot", "message", "managed_bot"]
        refusal = await scene.refusal("getManagedBotToken", user_id=made.id)
        assert refusal == "400 Bad Request: BOT_INVALID"
