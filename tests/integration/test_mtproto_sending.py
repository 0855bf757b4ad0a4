"""What a bot's MTProto session sends: texts, media, albums, forwards, and how Telegram refuses."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from telethon.tl import functions, types

from sandbox.world import Message
from tests.integration.mtproto_scene import Scene, in_topic, of, open_scene, say, sent

send = functions.messages.SendMessageRequest


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


@pytest.fixture
async def paced() -> AsyncIterator[Scene]:
    async with open_scene(flood_control=True) as opened:
        yield opened


def new(result: Any) -> list[Any]:
    return [update.message for update in result.updates if hasattr(update, "message")]


def ids(result: Any) -> dict[int, int]:
    """By random_id."""
    return {update.random_id: update.id for update in of(result.updates, types.UpdateMessageID)}


async def test_the_two_faces_count_in_one_sequence(scene: Scene) -> None:
    client = await scene.client()
    peer = await scene.peer(client)
    first = await say(client, peer, "one")
    second = (await scene.ok("sendMessage", chat_id=scene.carl.id, text="two"))["message_id"]
    third = await say(client, peer, "three")
    assert [second - first.id, third.id - second] == [1, 1]
    copied = await scene.ok("copyMessage", chat_id=scene.desk.id, from_chat_id=scene.carl.id, message_id=third.id)
    assert scene.desk.messages[copied["message_id"]].text == "three"


async def test_formatting_is_the_same_on_both_faces(scene: Scene) -> None:
    client = await scene.client()
    given = [
        types.MessageEntityBold(0, 2),
        types.MessageEntityTextUrl(3, 4, "https://example.org/"),
        types.MessageEntityPre(8, 4, "python"),
        types.MessageEntityBlockquote(13, 5, collapsed=True),
    ]
    message = await say(client, await scene.peer(client), "🦊 link code quote /help", entities=given)
    entities = message.entities
    assert [type(e) for e in entities] == [*map(type, given), types.MessageEntityBotCommand]
    kinds = [e.type for e in scene.dialog.messages[message.id].content.entities]
    assert kinds == ["bold", "text_link", "pre", "expandable_blockquote", "bot_command"]


@pytest.mark.parametrize("entity", [types.MessageEntityBold(1, 2), types.MessageEntityBold(0, 0)])
async def test_entities_out_of_bounds(scene: Scene, entity: Any) -> None:
    client = await scene.client()
    request = send(await scene.peer(client), "ab", entities=[entity])
    assert await scene.refusal(client, request) == "400 ENTITY_BOUNDS_INVALID"


@pytest.mark.parametrize(("text", "error"), [(" ", "MESSAGE_EMPTY"), ("a" * 4097, "MESSAGE_TOO_LONG")])
async def test_texts_that_are_none(scene: Scene, text: str, error: str) -> None:
    client = await scene.client()
    assert await scene.refusal(client, send(await scene.peer(client), text)) == f"400 {error}"


async def test_buttons_come_back_when_they_are_pressed(scene: Scene) -> None:
    client = await scene.client()
    said = scene.listen(client)
    buttons = [
        types.KeyboardInlineButton("Yes", types.InlineButtonTypeCallback(b"yes")),
        types.KeyboardInlineButton("Site", types.InlineButtonTypeUrl("https://example.org/")),
    ]
    markup = types.ReplyInlineMarkup([types.KeyboardInlineButtonRow(buttons)])
    message = await say(client, await scene.peer(client), "Sure?", reply_markup=markup)
    scene.world.press(scene.carl, scene.dialog.messages[message.id])
    [update] = await scene.until(lambda: of(said, types.UpdateBotCallbackQuery))
    assert update.data == b"yes"
    assert bytes(message.reply_markup) == bytes(markup)


async def test_a_reply_with_a_quote(scene: Scene) -> None:
    client = await scene.client()
    asked = scene.world.send(scene.carl, scene.bot, "red or blue?")
    reply = types.InputReplyToMessage(reply_to_msg_id=asked.id, quote_text="blue", quote_offset=7)
    message = await say(client, await scene.peer(client), "this", reply_to=reply)
    assert message.reply_to.reply_to_msg_id == asked.id
    assert (message.reply_to.quote_text, message.reply_to.quote_offset) == ("blue", 7)
    kept = scene.dialog.messages[message.id]
    assert (kept.reply_to, kept.quote.text if kept.quote else "") == (asked.id, "blue")


async def test_a_reply_in_a_topic(scene: Scene) -> None:
    client = await scene.client()
    asked = scene.world.send(scene.olga, scene.desk, "who?", topic=scene.topic)
    message = await say(client, await scene.group(client), "me", reply_to=in_topic(scene.topic.id, asked.id))
    assert message.reply_to.forum_topic
    assert (message.reply_to.reply_to_msg_id, message.reply_to.reply_to_top_id) == (asked.id, scene.topic.id)


async def test_a_reply_to_nothing(scene: Scene) -> None:
    client = await scene.client()
    request = send(await scene.peer(client), "x", reply_to=types.InputReplyToMessage(reply_to_msg_id=10**6))
    assert await scene.refusal(client, request) == "400 REPLY_MESSAGE_ID_INVALID"


async def test_a_random_id_is_taken_once_in_each_chat(scene: Scene) -> None:
    client = await scene.client()
    peer, group = await scene.peer(client), await scene.group(client)
    await client(send(peer, "once", random_id=77))
    assert await scene.refusal(client, send(peer, "twice", random_id=77)) == "500 RANDOM_ID_DUPLICATE"
    await client(send(group, "elsewhere", random_id=77))
    assert [m.text for m in scene.dialog.messages.values()] == ["/start", "once"]


async def test_a_refused_message_has_not_taken_its_random_id(scene: Scene) -> None:
    client = await scene.client()
    peer = await scene.peer(client)
    scene.world.block(scene.carl, scene.bot)
    assert await scene.refusal(client, send(peer, "x", random_id=5)) == "400 USER_IS_BLOCKED"
    scene.world.unblock(scene.carl, scene.bot)
    assert ids(await client(send(peer, "x", random_id=5)))[5]


async def test_people_who_can_t_be_written_to(scene: Scene) -> None:
    client = await scene.client()
    peer = await scene.peer(client)
    stranger = types.InputPeerUser(scene.world.add_user("Sam").id, 0)
    assert await scene.refusal(client, send(stranger, "x")) == "400 PEER_ID_INVALID"
    scene.world.delete_user(scene.carl)
    assert await scene.refusal(client, send(peer, "x")) == "400 INPUT_USER_DEACTIVATED"


async def test_groups_that_can_t_be_written_to(scene: Scene) -> None:
    client = await scene.client()
    group = await scene.group(client)
    scene.world.demote(scene.desk, scene.bot)
    scene.desk.permissions = frozenset()
    assert await scene.refusal(client, send(group, "x")) == "403 CHAT_WRITE_FORBIDDEN"
    scene.world.remove_member(scene.desk, scene.bot)
    assert "CHANNEL_PRIVATE" in await scene.refusal(client, send(group, "x"))


async def test_both_faces_spend_one_budget(paced: Scene) -> None:
    client = await paced.client()
    group = await paced.group(client)
    for number in range(10):
        await paced.ok("sendMessage", chat_id=paced.desk.id, text=f"program {number}")
        await client(send(group, f"session {number}"))
    error = await paced.refusal(client, send(group, "too much"))
    assert error.startswith("420 FLOOD_WAIT_")
    assert 50 <= int(error.rpartition("_")[2]) <= 60
    refused = await paced.call("sendMessage", chat_id=paced.desk.id, text="too much")
    assert refused["error_code"] == 429


def media_of(message: Message, client_message: Any) -> Any:
    """A reference to what has come, for sending it on."""
    media = client_message.media
    if message.kind == "photo":
        photo = media.photo
        return types.InputMediaPhoto(types.InputPhoto(photo.id, photo.access_hash, photo.file_reference))
    found = media.document
    return types.InputMediaDocument(types.InputDocument(found.id, found.access_hash, found.file_reference))


@pytest.mark.parametrize(
    "kind", ["photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker"]
)
async def test_a_file_of_each_kind_comes_and_goes_by_reference(scene: Scene, kind: str) -> None:
    client = await scene.client()
    said = scene.listen(client)
    content: dict[str, Any] = {kind: b"bytes"}
    came = scene.world.send(scene.carl, scene.bot, **content)
    [update] = await scene.until(lambda: of(said, types.UpdateNewMessage))
    request = functions.messages.SendMediaRequest(
        await scene.peer(client), media_of(came, update.message), message="", reply_to=None
    )
    back = sent(await client(request))
    assert type(back.media) is type(update.message.media)
    kept = scene.dialog.messages[back.id].content
    assert (kept.kind, kept.file) == (kind, came.content.file)


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        (types.InputMediaGeoPoint(types.InputGeoPoint(1.5, 2.5)), "location"),
        (types.InputMediaVenue(types.InputGeoPoint(1.5, 2.5), "Bar", "Street 1", "", "", ""), "venue"),
        (types.InputMediaContact("+100", "Ann", "Lee", ""), "contact"),
        (types.InputMediaDice("🎯"), "dice"),
    ],
)
async def test_what_is_no_file(scene: Scene, media: Any, kind: str) -> None:
    client, other = await scene.client(), await scene.client()
    said = scene.listen(other)
    request = functions.messages.SendMediaRequest(await scene.peer(client), media, message="")
    message = sent(await client(request))
    [update] = await scene.until(lambda: of(said, types.UpdateNewMessage))
    assert update.message.media.to_dict() == message.media.to_dict()
    assert scene.dialog.messages[message.id].kind == kind


async def test_a_poll(scene: Scene) -> None:
    client = await scene.client()
    options = [types.PollAnswer(types.TextWithEntities(text, []), text.encode()) for text in ("yes", "no")]
    poll = types.Poll(id=0, question=types.TextWithEntities("Well?", []), answers=options, hash=0)
    request = functions.messages.SendMediaRequest(await scene.peer(client), types.InputMediaPoll(poll), message="")
    message = sent(await client(request))
    assert [answer.text.text for answer in message.media.poll.answers] == ["yes", "no"]
    assert scene.dialog.messages[message.id].content.details["question"] == "Well?"


async def test_an_album_stays_one_also_where_it_is_forwarded_to(scene: Scene) -> None:
    client = await scene.client()
    said = scene.listen(client)
    came = scene.world.send_album(scene.carl, scene.bot, [{"photo": b"1", "caption": "a"}, {"photo": b"2"}])
    updates = await scene.until(lambda: (got := of(said, types.UpdateNewMessage)) and len(got) == 2 and got)
    assert len({update.message.grouped_id for update in updates}) == 1
    items = [
        types.InputSingleMedia(media_of(m, u.message), message="x", random_id=number)
        for number, (m, u) in enumerate(zip(came, updates, strict=True), 1)
    ]
    peer, group = await scene.peer(client), await scene.group(client)
    result = await client(functions.messages.SendMultiMediaRequest(peer, items))
    assert set(ids(result)) == {1, 2}
    assert len({message.grouped_id for message in new(result)} - {None}) == 1
    again = functions.messages.SendMultiMediaRequest(peer, items)
    assert await scene.refusal(client, again) == "500 RANDOM_ID_DUPLICATE"
    forward = functions.messages.ForwardMessagesRequest(
        peer, [m.id for m in came], group, drop_author=True, random_id=[3, 4], top_msg_id=scene.topic.id
    )
    copies = new(await client(forward))
    assert len({message.grouped_id for message in copies} - {None}) == 1
    assert [message.message for message in copies] == ["a", ""]
    assert {scene.desk.messages[message.id].topic_id for message in copies} == {scene.topic.id}


async def test_a_forward_shows_its_author_unless_it_is_dropped(scene: Scene) -> None:
    client = await scene.client()
    came = scene.world.send(scene.carl, scene.bot, photo=b"1", caption="words")
    peer, group = await scene.peer(client), await scene.group(client)

    def forward(number: int, **how: Any) -> Any:
        return functions.messages.ForwardMessagesRequest(
            peer, [came.id], group, random_id=[number], top_msg_id=scene.topic.id, **how
        )

    plain = sent(await client(forward(1)))
    assert plain.fwd_from.from_id == types.PeerUser(scene.carl.id)
    bare = sent(await client(forward(2, drop_author=True, drop_media_captions=True)))
    assert (bare.fwd_from, bare.message) == (None, "")
    assert await scene.refusal(client, forward(2)) == "500 RANDOM_ID_DUPLICATE"
    assert (
        await scene.refusal(client, functions.messages.ForwardMessagesRequest(peer, [10**6], group, random_id=[9]))
        == "400 MESSAGE_ID_INVALID"
    )


async def test_protected_messages_can_be_copied_and_not_forwarded(scene: Scene) -> None:
    client = await scene.client()
    peer = await scene.peer(client)
    source = scene.world.send(scene.olga, scene.desk, "secret", topic=scene.topic)
    scene.world.set_protected(scene.desk, True)
    group = await scene.group(client)
    forward = functions.messages.ForwardMessagesRequest(group, [source.id], peer, random_id=[1])
    assert await scene.refusal(client, forward) == "400 CHAT_FORWARDS_RESTRICTED"
    forward = functions.messages.ForwardMessagesRequest(group, [source.id], peer, drop_author=True, random_id=[1])
    assert sent(await client(forward)).message == "secret"


async def test_an_edit_and_its_refusals(scene: Scene) -> None:
    client, other = await scene.client(), await scene.client()
    said = scene.listen(other)
    peer = await scene.peer(client)
    mine = await say(client, peer, "one")
    theirs = scene.world.send(scene.carl, scene.bot, "hi")
    edit = functions.messages.EditMessageRequest
    assert await scene.refusal(client, edit(peer, mine.id, message="one")) == "400 MESSAGE_NOT_MODIFIED"
    assert await scene.refusal(client, edit(peer, theirs.id, message="x")) == "403 MESSAGE_AUTHOR_REQUIRED"
    assert await scene.refusal(client, edit(peer, 10**6, message="x")) == "400 MESSAGE_ID_INVALID"
    assert await scene.refusal(client, edit(peer, mine.id, message="a" * 4097)) == "400 MESSAGE_TOO_LONG"
    changed = sent(await client(edit(peer, mine.id, message="two")))
    assert (changed.id, changed.message, changed.edit_date is not None) == (mine.id, "two", True)
    [update] = await scene.until(lambda: of(said, types.UpdateEditMessage))
    assert update.message.message == "two"


async def test_deletions_count_and_name_no_private_chat(scene: Scene) -> None:
    client = await scene.client()
    mine = await say(client, await scene.peer(client), "one")
    theirs = scene.world.send(scene.carl, scene.bot, "two")
    before = await client(functions.updates.GetStateRequest())
    done = await client(functions.messages.DeleteMessagesRequest([mine.id, theirs.id, 10**6], revoke=True))
    assert (done.pts, done.pts_count) == (before.pts + 2, 2)
    assert [m.text for m in scene.dialog.messages.values()] == ["/start"]


async def test_only_with_the_right_others_messages_are_deleted(scene: Scene) -> None:
    client = await scene.client()
    group = await scene.group(client)
    channel = types.InputChannel(group.channel_id, group.access_hash)
    theirs = scene.world.send(scene.olga, scene.desk, "two")
    scene.world.promote(scene.desk, scene.bot, ["manage_topics"])
    request = functions.channels.DeleteMessagesRequest(channel, [theirs.id])
    assert await scene.refusal(client, request) == "403 MESSAGE_DELETE_FORBIDDEN"
    scene.world.promote(scene.desk, scene.bot, ["delete_messages"])
    assert (await client(request)).pts_count == 1
    assert theirs.id not in scene.desk.messages


async def test_messages_are_read_by_id_and_history_is_not(scene: Scene) -> None:
    client = await scene.client()
    came = scene.world.send(scene.carl, scene.bot, "here")
    asked = [types.InputMessageID(came.id), types.InputMessageID(10**6)]
    found = (await client(functions.messages.GetMessagesRequest(asked))).messages
    assert [type(m).__name__ for m in found] == ["Message", "MessageEmpty"]
    assert (found[0].message, found[1].id) == ("here", 10**6)
    group = await scene.group(client)
    channel = types.InputChannel(group.channel_id, group.access_hash)
    said = scene.world.send(scene.olga, scene.desk, "there")
    wanted = [types.InputMessageID(said.id), types.InputMessageID(10**6)]
    answer = await client(functions.channels.GetMessagesRequest(channel, wanted))
    assert [type(m).__name__ for m in answer.messages] == ["Message", "MessageEmpty"]
    history = functions.messages.GetHistoryRequest(group, 0, None, 0, 10, 0, 0, 0)
    assert await scene.refusal(client, history) == "400 BOT_METHOD_INVALID"


async def test_reactions_and_typing(scene: Scene) -> None:
    client = await scene.client()
    peer = await scene.peer(client)
    came = scene.world.send(scene.carl, scene.bot, "hi")
    reaction = [types.ReactionEmoji("👍")]
    await client(functions.messages.SendReactionRequest(peer, came.id, reaction=reaction))
    assert scene.dialog.reactions[came.id] == {scene.bot.id: ("👍",)}
    bad = functions.messages.SendReactionRequest(peer, came.id, reaction=[types.ReactionEmoji("x")])
    assert await scene.refusal(client, bad) == "400 REACTION_INVALID"
    assert await client(functions.messages.SetTypingRequest(peer, types.SendMessageTypingAction()))
