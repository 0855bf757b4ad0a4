"""Groups and channels as customers: what their members write, and the bot's coming and going there.

A group or a channel that is not the team's has one topic, as a person has. What differs: each message says who wrote
it, nobody is welcomed, and answers go into the topic of the group in which was written.
"""

from dataclasses import replace

from sessions.events import Chat, ChatKind, GroupMoved, Incoming, Message, StandingChanged
from tenants.dialogs import Dialog, clean_name
from tenants.identity import author_name, rename
from tenants.ids import MessageId
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewRow
from tenants.settings.kinds import find_word, matches
from worker.decisions.customers import shown_as
from worker.decisions.edits import body_of
from worker.decisions.keeping import keep
from worker.decisions.work import Work
from worker.hearing import question_about

LONGEST_NAME = 64
"""Characters of a member's name before a message."""
OUT = {
    "group": "🚪 The bot was removed from this group. Answers reach it again once somebody adds the bot back.",
    "channel": "🚪 The bot was removed from this channel. Answers reach it again once it is an administrator there.",
}
BACK = {
    "group": "✅ The bot is in this group again: answers reach it.",
    "channel": "✅ The bot is in this channel again: answers reach it.",
}
MOVED = "🔀 This group became a supergroup. What was written there before can't be replied to any more."
MOVED_TWICE = "🔀 This group became a supergroup, which has a topic of its own already: it goes on there."


def kind_of(chat: Chat) -> str:
    return "channel" if chat.kind is ChatKind.CHANNEL else "group"


def group_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    chat, kind = message.chat, kind_of(message.chat)
    dialog = work.dialogs.by_chat.get(chat.id)
    reason = _why_not(message, dialog, work)
    if reason is not None:
        return Ignored(reason)
    dialog = _meet(chat, dialog, work)
    dialog.customer_wrote(leave_closed=kind in work.desk.settings.LEAVE_CLOSED)
    shown = _shown(incoming, message, dialog, work)
    keep(message, dialog, shown.body, work)
    work.rows.append(shown)
    return Queued()


def _shown(incoming: Incoming, message: Message, dialog: Dialog, work: Work) -> NewRow:
    settings = work.desk.settings
    author, name = author_of(message)
    kind = "copy" if message.automatic else shown_as(message)
    is_text = (message.content == "text" and kind == "copy") or kind == "line"
    return NewRow(
        lane=dialog.topic_lane,
        kind=kind,
        body=replace(
            body_of(message), by=author_name(dialog, settings, author, name), hides_author=message.hides_author
        ),
        update_id=incoming.id,
        source=(message.chat.id, message.id),
        reply_to=message.reply_to,
        album=message.album,
        joinable=message.joinable,
        loose=is_text and not message.joinable,
        author=author,
        thread=message.topic_id,
    )


def is_monitored(chat: Chat, work: Work) -> bool:
    settings = work.desk.settings
    return settings.MONITOR_CHANNELS if chat.kind is ChatKind.CHANNEL else settings.MONITOR_GROUPS


def _why_not(message: Message, dialog: Dialog | None, work: Work) -> str | None:
    """Which filter keeps a message out."""
    settings, chat = work.desk.settings, message.chat
    keywords = settings.CHANNELS_KEYWORDS if chat.kind is ChatKind.CHANNEL else settings.GROUPS_KEYWORDS
    is_open = dialog is not None and dialog.is_open
    reasons = {
        "ignored_chat": chat.id in settings.IGNORE_CHATS,
        "not_monitored": not is_monitored(chat, work),
        "not_on_white_list": not work.is_welcome(chat.id),
        "seen_in_channel": _is_shown_elsewhere(message, work),
        "no_keyword": bool(keywords) and not is_open and not matches(keywords, work.words(message)),
        "restricted_keyword": find_word(settings.RESTRICTED_KEYWORDS_FRONTEND, work.words(message)) is not None,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _is_shown_elsewhere(message: Message, work: Work) -> bool:
    """A channel's post that comes into its group by itself is relayed once: where the channel has a topic, there."""
    if not message.automatic or message.as_chat is None or not work.desk.settings.MONITOR_CHANNELS:
        return False
    channel = work.dialogs.by_chat.get(message.as_chat.id)
    return channel is not None and channel.is_open


def _meet(chat: Chat, dialog: Dialog | None, work: Work) -> Dialog:
    """A new group's topic begins with whether the bot hears everything there, which only Telegram knows."""
    if dialog is None:
        dialog = work.dialogs.open(chat.id, chat.title, None, kind_of(chat))
        if dialog.kind == "group":
            question = Body(question_about(chat.id, chat.title))
            work.rows.append(NewRow(dialog.topic_lane, "lookup", question, source=(chat.id, MessageId(0))))
    elif dialog.name != chat.title:
        rename(dialog, chat.title, work.desk.settings)
    return dialog


def author_of(message: Message) -> tuple[int | None, str]:
    """Who wrote it, by id and by name. A post of a channel that nobody signed is the channel's, as its topic says."""
    chat, speaks_as = message.chat, message.as_chat
    if chat.kind is ChatKind.CHANNEL:
        return (chat.id, _name(message.signature, chat.id)) if message.signature else (None, "")
    if speaks_as is not None and speaks_as.id == chat.id:
        return chat.id, _name(message.signature or chat.title, chat.id)
    if speaks_as is not None:
        return speaks_as.id, _name(speaks_as.title, speaks_as.id)
    if message.sender is None:
        return None, ""
    return message.sender.id, _name(message.sender.name, message.sender.id)


def _name(name: str, number: int) -> str:
    return clean_name(name, str(number))[:LONGEST_NAME].rstrip()


def standing_changed(event: StandingChanged, work: Work) -> Disposition:
    chat = event.chat
    if chat.id == work.desk.group_id:
        return Ignored("own_group")
    dialog = work.dialogs.by_chat.get(chat.id)
    if dialog is None:
        return _came_to_strangers(event, work)
    if event.is_present == (dialog.unreachable_at is None):
        return Ignored("nothing_changed")
    dialog.unreachable_at = None if event.is_present else work.desk.now
    words = (BACK if event.is_present else OUT)[dialog.kind]
    work.rows.append(NewRow(dialog.topic_lane, "notice", Body(words)))
    return Handled("added" if event.is_present else "removed")


def _came_to_strangers(event: StandingChanged, work: Work) -> Disposition:
    """Nothing may ever be heard from a group in which the bot hears next to nothing: its owner is told now."""
    if not event.is_present or event.is_administrator or event.chat.kind is ChatKind.CHANNEL:
        return Ignored("no_dialog")
    if work.general is None or not is_monitored(event.chat, work) or not work.is_welcome(event.chat.id):
        return Ignored("not_monitored")
    question = Body(question_about(event.chat.id, event.chat.title))
    work.rows.append(NewRow(work.general, "lookup", question, source=(event.chat.id, MessageId(0))))
    return Handled("added")


def group_moved(event: GroupMoved, work: Work) -> Disposition:
    """A basic group that becomes a supergroup keeps its dialog."""
    dialog = work.dialogs.by_chat.get(event.chat.id)
    if dialog is None:
        return Ignored("no_dialog")
    if event.to in work.dialogs.by_chat:
        dialog.unreachable_at = work.desk.now
        work.rows.append(NewRow(dialog.topic_lane, "notice", Body(MOVED_TWICE)))
        return Handled("group_moved_twice")
    work.dialogs.move(dialog, event.to)
    work.rows.append(NewRow(dialog.topic_lane, "notice", Body(MOVED)))
    return Handled("group_moved")
