"""What the team does in its group: it answers, it types commands, it renames, closes and reopens topics."""

from sessions.events import Incoming, Message, TopicEvent
from tenants.dialogs import Dialog, Status, clean_name, strip_square, topic_title
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewRow
from tenants.settings.kinds import find_word
from worker.decisions.acts import note_status
from worker.decisions.claiming import claim
from worker.decisions.command import read_command
from worker.decisions.edits import body_of
from worker.decisions.keeping import keep
from worker.decisions.orders import ordered_in_general, ordered_in_topic
from worker.decisions.work import Work

BANNED = "⚠️ Not sent: this customer is banned. /unban lets them write again."


def team_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    if message.sender is not None and not message.anonymous:
        work.operators[message.sender.id] = message.sender
    typed = read_command(message.text)
    if typed is not None and not typed.is_for(work.desk.bot_username):
        return Ignored("for_another_bot")
    if message.topic_id is None:
        return Ignored("general") if typed is None else ordered_in_general(typed, incoming, message, work)
    dialog = work.dialogs.by_topic.get(message.topic_id)
    if dialog is None:
        return Ignored("not_a_dialog")
    if typed is not None:
        return ordered_in_topic(typed, incoming, message, dialog, work)
    if _is_kept_here(message, work):
        return Handled("comment")
    return _why_not(message, dialog, work) or _answered(incoming, message, dialog, work)


def _is_kept_here(message: Message, work: Work) -> bool:
    """A comment or a command below one piece of an album keeps all of it from the customer."""
    return any(read_command(words) is not None for words in work.albums.captions(message))


def _why_not(message: Message, dialog: Dialog, work: Work) -> Disposition | None:
    """What keeps an answer from the customer. The operator is told, but of a setting that says so of all."""
    settings = work.desk.settings
    if work.is_ignored(dialog.chat_id):
        _tell(BANNED, message, dialog, work)
        return Handled("banned")
    if settings.REPLY_ONLY and message.reply_to is None:
        return Handled("no_reply")
    word = find_word(settings.RESTRICTED_KEYWORDS_BACKEND, work.words(message))
    if word is not None:
        words = f"⚠️ Not sent: it holds “{word}”, which this connection does not let through."
        _tell(words, message, dialog, work)
        return Handled("restricted_keyword")
    return None


def _answered(incoming: Incoming, message: Message, dialog: Dialog, work: Work) -> Disposition:
    dialog.team_answered(work.desk.now, work.desk.settings.AUTOCLOSE)
    claim(message, dialog, work)
    keep(message, dialog, body_of(message), work)
    work.rows.append(
        NewRow(
            lane=dialog.customer_lane,
            kind="answer",
            body=Body(message.text, content=message.content, quote=message.quote),
            update_id=incoming.id,
            source=(message.chat.id, message.id),
            reply_to=message.reply_to,
            reply_at=message.reply_at,
            album=message.album,
            digest=message.digest,
        )
    )
    return Queued()


def _tell(words: str, message: Message, dialog: Dialog, work: Work) -> None:
    """Once for an album."""
    notice = NewRow(dialog.topic_lane, "notice", Body(words), reply_to=message.id)
    if message.album is None or not any(row.body == notice.body and row.lane == notice.lane for row in work.rows):
        work.rows.append(notice)


def topic_event(event: TopicEvent, work: Work) -> Disposition:
    if event.chat.id != work.desk.group_id:
        return Ignored("not_the_desk")
    if event.actor is not None and event.actor.id == work.desk.bot_id:
        return _adopt(event, work) if event.what == "created" else Ignored("own_service")
    if event.actor is not None and event.actor.is_bot:  # the housekeeper
        return Ignored("bot")
    dialog = work.dialogs.by_topic.get(event.topic_id)
    if dialog is None:
        return Ignored("not_a_dialog")
    before = dialog.status
    if event.what == "closed":
        dialog.close()
        dialog.topic_open = False
    elif event.what == "reopened":
        dialog.topic_open = True
        if dialog.status is Status.CLOSED:
            dialog.hold()
    elif event.name is not None:
        _rename(dialog, event.name)
    note_status(work, dialog, before, event.actor, "topic")
    return Handled(f"topic_{event.what}")


def _rename(dialog: Dialog, title: str) -> None:
    """An operator's own name is kept; only the square in front of it is ours."""
    dialog.named_by_team = True
    dialog.topic_name = clean_name(strip_square(title), dialog.topic_name)
    if title != topic_title(dialog.status, dialog.topic_name):
        dialog.topic_status = None


def _adopt(event: TopicEvent, work: Work) -> Disposition:
    """A creation whose answer was lost turns up as our own service message: that topic is the one."""
    if event.topic_id in work.dialogs.by_topic or event.name is None:
        return Ignored("own_service")
    dialog = work.dialogs.find_asked(event.name)
    if dialog is None:
        return Ignored("own_service")
    work.dialogs.adopt(dialog, event.topic_id, event.name)
    return Handled("topic_adopted")
