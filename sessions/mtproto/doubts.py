"""What became of a sending whose answer nobody recorded: it is looked for among the newest messages, by id.

Bots may not read histories, but they may read messages by id, and ids grow.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from telethon.tl import TLRequest, types

from sessions.mtproto.mailbox import PRIVATE, READ_AT_ONCE, Mailbox
from sessions.port import Doubt
from tenants.ids import MessageId, TopicId

Call = Callable[[TLRequest], Awaitable[Any]]

CLOCKS_DIFFER = timedelta(seconds=30)
"""Between our database and Telegram."""
FARTHEST = 200
"""Pages of messages to look back through: what a busy bot sends and gets while a row waits to be tried again."""


class Doubts:
    def __init__(self, call: Call, mailbox: Mailbox) -> None:
        self._call = call
        self._mailbox = mailbox

    async def find(
        self, peer: Any, topic: TopicId | None, doubt: Doubt, same: Callable[[Any], bool], size: int
    ) -> list[MessageId]:
        """The ids of our own messages there that are the same, oldest first, or none."""
        newest = self._newest(peer, doubt)
        found = [message async for message in newest if _is_ours(message, peer, topic) and same(message)]
        found.sort(key=lambda message: message.id)
        return [MessageId(message.id) for message in found[:size]]

    async def find_topic(self, peer: Any, name: str) -> int | None:
        """The newest topic of ours with this name, by its service message."""
        async for message in self._newest(peer, None):
            action = getattr(message, "action", None)
            if message.out and isinstance(action, types.MessageActionTopicCreate) and action.title == name:
                return int(message.id)
        return None

    async def _newest(self, peer: Any, doubt: Doubt | None) -> Any:
        """Newest first, page by page, until they are too old."""
        box = peer.channel_id if isinstance(peer, types.InputPeerChannel) else PRIVATE
        await self._mailbox.until_begun()
        after = 0 if doubt is None or doubt.after is None else doubt.after
        high = await self._top(box, after)
        for _ in range(FARTHEST):
            low = max(after, high - READ_AT_ONCE)
            page = await self._page(box, range(low + 1, high + 1))
            for message in reversed(page):
                yield message
            too_old = doubt is not None and page and page[0].date < doubt.since - CLOCKS_DIFFER
            if low <= after or too_old:
                return
            high = low

    async def _top(self, box: int, after: int) -> int:
        """The newest id there is: what came since we last heard is tried until nothing is found."""
        top = max(self._mailbox.tops.get(box, 0), after)
        while page := await self._page(box, range(top + 1, top + 1 + READ_AT_ONCE)):
            top = page[-1].id
        return top

    async def _page(self, box: int, ids: Sequence[int]) -> list[Any]:
        if not ids:
            return []
        answer = await self._mailbox.read(self._call, box, ids)
        return [message for message in answer.messages if not isinstance(message, types.MessageEmpty)]


def _is_ours(message: Any, peer: Any, topic: TopicId | None) -> bool:
    if not isinstance(message, types.Message) or not message.out:
        return False
    if isinstance(peer, types.InputPeerUser):
        return isinstance(message.peer_id, types.PeerUser) and message.peer_id.user_id == peer.user_id
    header = message.reply_to
    place = None if header is None else header.reply_to_top_id or header.reply_to_msg_id
    return topic is None or place == topic
