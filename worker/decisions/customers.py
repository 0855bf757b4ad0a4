"""What customers do: they write, they block the bot and let it write again."""

from typing import Literal

from sessions.events import Incoming, Message, ReachChanged
from tenants.dialogs import Dialog, clean_name
from tenants.identity import rename
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewRow
from tenants.plans import Plan
from tenants.settings.kinds import find_word, matches
from worker.card import introduce
from worker.decisions.edits import body_of
from worker.decisions.keeping import keep
from worker.decisions.work import Work

BLOCKED = "🚫 The customer has blocked the bot. Answers reach them again once they unblock it."
UNBLOCKED = "✅ The customer has unblocked the bot: answers reach them again."
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in r"\_*[]()~`>#+-=|{}.!"})


def customer_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    settings, chat = work.desk.settings, message.chat
    dialog = work.dialogs.by_chat.get(chat.id)
    reason = _why_not(message, dialog, work)
    if reason is not None:
        return Ignored(reason)
    dialog = _meet(message, dialog, work)
    introduce(dialog, work)
    opened = dialog.customer_wrote(leave_closed="private" in settings.LEAVE_CLOSED)
    body = body_of(message)
    keep(message, dialog, body, work)
    work.rows.append(
        NewRow(
            lane=dialog.topic_lane,
            kind=shown_as(message),
            body=body,
            update_id=incoming.id,
            source=(chat.id, message.id),
            reply_to=message.reply_to,
            album=message.album,
            joinable=message.joinable,
            digest=message.digest,
        )
    )
    if opened and settings.WELCOME:
        work.rows.append(_welcome(dialog, work))
    return Queued()


def _why_not(message: Message, dialog: Dialog | None, work: Work) -> str | None:
    """Which filter keeps a message out. A dialog that the team opened passes those that choose customers."""
    settings, chat = work.desk.settings, message.chat.id
    is_open = dialog is not None and dialog.is_open
    chosen = dialog is not None and dialog.opened_by_team
    if work.is_ignored(chat):
        return "ignored_chat"
    if not settings.MONITOR_PRIVATE and not chosen:
        return "not_monitored"
    if not work.is_welcome(chat):
        return "not_on_white_list"
    if settings.PRIVATE_KEYWORDS and not is_open and not matches(settings.PRIVATE_KEYWORDS, work.words(message)):
        return "no_keyword"
    if find_word(settings.RESTRICTED_KEYWORDS_FRONTEND, work.words(message)) is not None:
        return "restricted_keyword"
    return None


def _meet(message: Message, dialog: Dialog | None, work: Work) -> Dialog:
    """Whoever writes has a dialog; one who has another name now has it in the topic's title, too."""
    chat, sender = message.chat, message.sender
    if dialog is None:
        dialog = work.dialogs.open(chat.id, chat.title, None)
    elif dialog.name != chat.title:
        rename(dialog, chat.title, work.desk.settings)
    if sender is not None:
        dialog.username, dialog.language = sender.username, sender.language or dialog.language
    return dialog


def shown_as(message: Message) -> Literal["line", "forward", "copy"]:
    """A copied dice falls anew, and bots may not copy a quiz without its answer (telegram.md: content matrix)."""
    if message.described:
        return "line"
    if message.origin is not None or message.content in {"dice", "quiz"}:
        return "forward"
    return "copy"


def _welcome(dialog: Dialog, work: Work) -> NewRow:
    name = clean_name(dialog.name, str(dialog.chat_id))
    text = work.desk.settings.WELCOME.replace("{title}", name.translate(_MARKDOWN))
    if work.desk.plan is Plan.FREE:
        link = work.brand_link.replace("\\", "\\\\").replace(")", "\\)")
        text = f"{text}\n\n_Answered with [Backline]({link})_"
    return NewRow(lane=dialog.customer_lane, kind="welcome", body=Body(text, markdown=True))


def reach_changed(event: ReachChanged, work: Work) -> Disposition:
    dialog = work.dialogs.by_chat.get(event.chat.id)
    if dialog is None:
        return Ignored("no_dialog")
    if work.is_ignored(event.chat.id):
        return Ignored("ignored_chat")
    if event.reachable == (dialog.unreachable_at is None):
        return Ignored("nothing_changed")
    dialog.unreachable_at = None if event.reachable else work.desk.now
    words = UNBLOCKED if event.reachable else BLOCKED
    work.rows.append(NewRow(dialog.topic_lane, "notice", Body(words)))
    return Handled("unblocked" if event.reachable else "blocked")
