"""What is written below the pieces of an album, which come one by one: filters and comments are about all of it."""

from collections import OrderedDict

from sessions.events import Incoming, Message
from tenants.ids import ChatId, MessageId

REMEMBERED = 100
"""Albums of one tenant. Telegram hands the pieces of one over within seconds, often in two batches."""


class Albums:
    """Captions by album, as long as a session runs: a piece that comes after a crash stands for itself."""

    def __init__(self) -> None:
        self._captions: OrderedDict[tuple[ChatId, str], dict[MessageId, str]] = OrderedDict()

    def note(self, incoming: Incoming) -> None:
        """Before anything is decided about the batch that it came with."""
        message = incoming.event
        if not isinstance(message, Message) or message.album is None:
            return
        self._captions.setdefault((message.chat.id, message.album), {})[message.id] = message.words
        while len(self._captions) > REMEMBERED:
            self._captions.popitem(last=False)

    def captions(self, message: Message) -> list[str]:
        """Of its album, in order; of a message that stands alone its own words."""
        known = {} if message.album is None else self._captions.get((message.chat.id, message.album), {})
        return [words for _, words in sorted({**known, message.id: message.words}.items()) if words]
