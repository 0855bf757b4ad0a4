"""What customers do: they write, they block the bot and let it write again."""

from sessions.events import Incoming, Message, ReachChanged
from tenants.dialogs import Dialog
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewRow
from tenants.plans import Plan
from tenants.settings.kinds import matches
from worker.decisions.work import Work

BLOCKED = "🚫 The customer has blocked the bot. Answers reach them again once they unblock it."
UNBLOCKED = "✅ The customer has unblocked the bot: answers reach them again."
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in r"\_*[]()~`>#+-=|{}.!"})


def customer_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    settings, chat = work.desk.settings, message.chat
    if not work.is_welcome(chat.id):
        return Ignored("not_on_white_list")
    dialog = work.dialogs.by_chat.get(chat.id)
    is_open = dialog is not None and dialog.is_open
    if settings.PRIVATE_KEYWORDS and not is_open and not matches(settings.PRIVATE_KEYWORDS, message.text):
        return Ignored("no_keyword")
    username = message.sender.username if message.sender else None
    if dialog is None:
        dialog = work.dialogs.open(chat.id, chat.title, username)
    dialog.name, dialog.username = chat.title, username
    opened = dialog.customer_wrote()
    work.rows.append(
        NewRow(
            lane=dialog.topic_lane,
            kind="copy",
            body=Body(message.text, content=message.content, entities=message.entities),
            update_id=incoming.id,
            source=(chat.id, message.id),
            reply_to=message.reply_to,
            album=message.album,
            joinable=message.joinable,
        )
    )
    if opened and settings.WELCOME:
        work.rows.append(_welcome(dialog, work))
    return Queued()


def _welcome(dialog: Dialog, work: Work) -> NewRow:
    text = work.desk.settings.WELCOME.replace("{title}", dialog.name.translate(_MARKDOWN))
    if work.desk.plan is Plan.FREE:
        link = work.brand_link.replace("\\", "\\\\").replace(")", "\\)")
        text = f"{text}\n\n_Answered with [Backline]({link})_"
    return NewRow(lane=dialog.customer_lane, kind="welcome", body=Body(text, markdown=True))


def reach_changed(event: ReachChanged, work: Work) -> Disposition:
    dialog = work.dialogs.by_chat.get(event.chat.id)
    if dialog is None:
        return Ignored("no_dialog")
    if event.reachable == (dialog.unreachable_at is None):
        return Ignored("nothing_changed")
    dialog.unreachable_at = None if event.reachable else work.desk.now
    words = UNBLOCKED if event.reachable else BLOCKED
    work.rows.append(NewRow(dialog.topic_lane, "notice", Body(words)))
    return Handled("unblocked" if event.reachable else "blocked")
