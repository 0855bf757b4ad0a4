"""Everything the setup bot says, in one catalogue keyed by name, so that other languages can stand beside it.

Placeholders are filled with values that nothing interprets: names and titles come from strangers.
"""

import string

from aiogram.utils.formatting import Text

from tenants.dialogs import clean_name

ENGLISH = {
    # the list of connections
    "home.title": "Your connections",
    "home.none": "You have none yet. Connect a bot: its customers will be served from a Telegram group with topics.",
    "home.some": "Choose one to manage it.",
    "home.new": "➕ New connection",
    "home.connection": "{sign} {name} (@{bot})",
    "home.earlier": "◀️ Earlier",
    "home.later": "Later ▶️",
    "help": "I know /start (your connections) and /cancel (leave what you are doing).",
    "cancelled": "Left. Here are your connections.",
    "nothing_to_cancel": "There is nothing to leave. Here are your connections.",
    "text_expected": "Send it as text, please.",
    "command.start": "Your connections",
    "command.cancel": "Leave what you are doing",
    # buttons that lead on
    "back": "◀️ Back",
    "cancel": "✖️ Cancel",
    "old_button": "This button is old: here is the current state.",
    "not_yours": "That is not your connection.",
    # a new connection
    "token.title": "New connection",
    "token.how": (
        "Send me the token of the bot whose customers you want to serve.\n\n"
        "1. Open @BotFather and send /mybots (or /newbot for a new one).\n"
        "2. Choose the bot and press API Token.\n"
        "3. Copy the line that looks like 123456789:AAE… and send it here.\n\n"
        "I delete your message with the token at once and keep the token encrypted."
    ),
    "token.left": "⚠️ I could not delete your message with the token: delete it yourself, please.",
    "token.own": "That is my own token. Send the token of the bot that your customers write to.",
    "token.revoked": (
        "Telegram does not accept this token: it was revoked, or the bot was deleted. "
        "Copy the current one in @BotFather: /mybots → your bot → API Token."
    ),
    "token.silent": "Telegram did not answer just now, so the token could not be checked. Send it again in a minute.",
    "token.joins_no_groups": (
        "@{bot} may not join groups. Send /setjoingroups to @BotFather, choose the bot, press Enable, "
        "then send me the token again."
    ),
    "token.mine_already": "@{bot} is connected already: here it is.",
    # alone, or beside another program
    "mode.question": "Is another program already running @{bot}?",
    "mode.why": (
        "Telegram hands a bot's messages to one program only. If @{bot} has one already (a shop, a menu, a "
        "newsletter), Backline can run beside it without taking anything away."
    ),
    "mode.only_us": "No, only Backline",
    "mode.another": "Yes, run beside it",
    "mode.webhook": "🔎 @{bot} has a webhook at {host}: another program receives its messages.",
    "mode.webhook_refused": (
        "@{bot} has a webhook at {host}: another program receives its messages, so nothing would come here. "
        "Run beside it, or let that program delete its webhook first, then press again."
    ),
    "mode.webhook_not_offered": (
        "⚠️ @{bot} has a webhook at {host}: another program receives its messages, so nothing comes here. "
        "Let that program delete its webhook, or ask whoever runs this Backline to switch parallel mode on."
    ),
    "mode.not_offered": (
        "Running beside another program is switched off here: stop that program and let Backline run alone, "
        "or ask whoever runs this Backline to switch parallel mode on."
    ),
    "mode.beside_title": "Run beside the program of @{bot}",
    "mode.beside_how": (
        "Your program keeps receiving everything and answers as before. Customers' messages and what your program "
        "sends appear in the topics, marked with 🤖, and your team can step in at any time."
    ),
    "mode.beside_effects": (
        "What you should know:\n"
        "• Your program does not see what the team answers.\n"
        "• The bot is in your group, so your program does see what is written there, commands too, and service "
        "messages about topics: let it ignore that group.\n"
        "• If your program checks who has joined a channel (“subscribe first”), it may get an old answer for half an "
        "hour or longer.\n"
        "• That somebody blocked the bot or reacted may be told to only one of the two.\n"
        "• Telegram's developers call two sessions of one bot unsupported and do not promise that each receives "
        "everything. Stop on the connection's card ends ours at once."
    ),
    "mode.beside": "🔀 Run in parallel",
    "mode.alone_title": "Run @{bot} without another program",
    "mode.alone_how": (
        "Stop your own program first: Telegram hands a bot's messages to one program only, and would refuse both by "
        "turns. Dialogs, topics and what waits are kept."
    ),
    "mode.poll": "🔀 It is stopped: go on",
    "mode.now_beside": "Runs beside your program.",
    "mode.now_alone": "Runs alone.",
    "mode.changed": "✅ Changed. Dialogs, topics and what waits are kept.",
    # its group
    "link.title": "Choose the group for @{bot}",
    "link.how": (
        "@{bot} needs a group with Topics switched on: every customer gets a topic there, "
        "and everyone in the group can answer.\n\n"
        "1. Make a group, or take one of yours, and switch Topics on in its settings.\n"
        "2. Press the button below and choose the group. It adds @{bot} as an administrator who may manage topics, "
        "delete and pin messages and invite people: nothing else.\n\n"
        "I notice it by myself. The button works for ten minutes, once, and for you only."
    ),
    "link.add": "➕ Add @{bot} to a group",
    "link.new": "🔄 New link",
    "link.check": "✅ Done, check",
    "link.later": "Later",
    "link.nothing": "No group has come yet. Press the first button and choose the group.",
    "link.expired": (
        "The link for @{bot} has expired: no group has come in ten minutes. Press New link and choose the group "
        "again. It must be you who adds the bot, under your own name: turn “Remain anonymous” off for that moment."
    ),
    # what became of the group
    "group.found": "Group «{title}» found",
    "group.unsuited": "The group can't be used yet",
    "group.confirm": "Is this the group in which your team answers the customers of @{bot}?",
    "group.use": "✅ Use this group",
    "group.another": "🔄 Another group",
    "group.again": "🔁 Check again",
    "group.is_basic": (
        "It is a basic group without topics. Switch Topics on in the group's settings (Telegram then makes it a new "
        "kind of group), press Another group and choose it again."
    ),
    "group.no_topics": "Topics are off. Open the group's settings, switch Topics on, then press Check again.",
    "group.no_bot": "@{bot} is not in the group. Press Another group and add it with the new link.",
    "group.bot_no_admin": (
        "@{bot} is not an administrator. Open the group's settings → Administrators → Add administrator → @{bot}, "
        "allow it to manage topics, then press Check again."
    ),
    "group.bot_no_topics": (
        "@{bot} may not manage topics, so it can't open one for a customer. Open the group's settings → "
        "Administrators → @{bot}, allow Manage Topics, then press Check again."
    ),
    "group.you_no_admin": (
        "You are not an administrator of this group, so I can't take your word for it. "
        "Let its owner make you one, then press Check again."
    ),
    "group.token_revoked": "The token of @{bot} is not valid any more, so the group can't be checked.",
    "group.silent": (
        "Telegram did not answer just now, so the group could not be checked. Press Check again in a minute."
    ),
    "group.refused": "The group could not be checked. {reason}",
    "group.no_delete": (
        "⚠️ @{bot} may not delete messages: what you delete for a customer will stay in the group. "
        "You can allow it later."
    ),
    "group.no_pin": "⚠️ @{bot} may not pin messages: a customer's card can't be pinned. You can allow it later.",
    "group.is_public": (
        "⚠️ The group is public (@{name}): anyone can read your customers' messages there. "
        "Make it private in the group's settings."
    ),
    "done.title": "Done",
    "done.how": (
        "@{bot} now relays to «{title}». Write to @{bot} from another account to test it: a topic appears in the "
        "group, and what you answer there reaches the customer."
    ),
    "done.write": "💬 Write to @{bot}",
    "done.manage": "⚙️ Manage the connection",
    # the card
    "card.state": "Status: {state}",
    "card.bot": "Bot: @{bot}",
    "card.group": "Group: {group}",
    "card.no_group": "none yet",
    "card.id": "Id: {id}",
    "card.plan": "Plan: {plan}",
    "card.polling": "Runs: alone, Backline receives the bot's messages",
    "card.parallel": "Runs: beside your own program. Stop ends our session beside it at once",
    "card.parallel_ended": "Runs: beside your own program; our session beside it is ended",
    "card.undecided": "Runs: not chosen yet, so nothing is received",
    "card.choose": "▶️ Go on: how does this bot run?",
    "card.run_beside": "🔀 Run beside another program",
    "card.run_alone": "🔀 Run without another program",
    "card.settings": "⚙️ Settings",
    "card.start": "▶️ Start",
    "card.stop": "⏹ Stop",
    "card.connect_group": "👥 Connect a group",
    "card.change_group": "👥 Change group",
    "card.delete": "🗑 Delete",
    "card.all": "◀️ All connections",
    "card.started": "Started.",
    "card.stopped": "Stopped.",
    "state.setup": "🟡 waits for its group",
    "state.running": "🟢 running",
    "state.stopped": "⏸ stopped: nothing is relayed until you start it",
    "state.undecided": "⏸ stopped: press Go on and say how this bot runs",
    "state.revoked": (
        "🔴 the token is not valid any more. Delete this connection and connect the bot anew with its current token"
    ),
    "sign.setup": "🟡",
    "sign.running": "🟢",
    "sign.stopped": "⏸",
    "sign.revoked": "🔴",
    "told.revoked": "⚠️ Telegram does not accept the token of @{bot} any more, so its connection is stopped.",
    "told.conflict": (
        "⚠️ Not all messages to @{bot} reach me. {problem}\n\n"
        "Until then the other program gets some of what your customers write."
    ),
    "told.group_trouble": (
        "⚠️ Messages of @{bot} do not get into «{group}». {problem}\n\n"
        "They wait, in order, and go out when it is mended."
    ),
    "told.deaf": (
        "🔇 @{bot} hears only commands, mentions and replies in «{chat}». Make it an administrator of that group, or "
        "switch its privacy mode off in @BotFather (/setprivacy), remove it from the group and add it again."
    ),
    "told.behind": (
        "🐢 More messages come to @{bot} than Telegram lets it show in «{group}»: the oldest one has waited for "
        "{minutes} minutes. Nothing is lost. Choose what is relayed with keywords or WHITE_LIST in its settings."
    ),
    "told.group_mended": "✅ Messages of @{bot} get into «{group}» again.",
    # settings
    "settings.title": "Settings of @{bot}",
    "settings.how": "Choose a section. What you change takes effect at once.",
    "section.dialogs": "💬 Dialogs",
    "section.team": "👥 The team",
    "section.filters": "🚦 Filters",
    "section.automation": "🔗 Automation",
    "section.history": "📜 History",
    "setting.now": "Now: ",
    "setting.stored": "You set {stored}, but the {plan} plan uses what is shown above.",
    "setting.locked": "🔒 On the {plan} plan: {limit}. A higher plan allows more.",
    "setting.hint": "To change it: {hint}",
    "setting.example": "Example: ",
    "setting.more": "… and {count} characters more",
    "setting.on": "Switch on",
    "setting.off": "Switch off",
    "setting.reset": "↩️ Reset to default",
    "setting.saved": "✅ Saved: {title}.",
    "setting.was_reset": "✅ Reset to the default: {title}.",
    "setting.saved_above": "✅ Saved: {title}. Above is what customers will see.",
    "setting.bad_markdown": (
        "Telegram can't read this formatting. Put a backslash before each of _ * [ ] ( ) ~ ` > # + - = | {{ }} . ! "
        "that you mean as itself, and send the text again."
    ),
    "setting.refused": "Telegram would not send this text: it is too long. Send a shorter one.",
    # the end
    "delete.title": "Delete the connection of @{bot}?",
    "delete.what": (
        "Erased for ever: the token and the settings at once; the list of dialogs with their topics, messages that "
        "still wait, and the links between messages within minutes. Not touched: your group with everything written "
        "there, and @{bot} itself."
    ),
    "delete.sure_title": "Really delete the connection of @{bot}?",
    "delete.sure": "This can't be undone. Customers who write to @{bot} will not be heard.",
    "delete.go_on": "🗑 Yes, delete",
    "delete.for_ever": "🗑 Delete for ever",
    "delete.keep": "◀️ Keep it",
    "delete.done": "✅ The connection of @{bot} is deleted. You can remove the bot from its group now.",
    # trouble of ours
    "trouble.away": "I can't reach a part of my own memory right now. Try again in a minute.",
    "trouble.unexpected": "Something went wrong on our side. Try again; if it stays, tell us the number {reference}.",
    "trouble.telegram": "Telegram did not answer just now. Try again in a minute.",
    "trouble.slow": "That took too long, so I gave up. Try again in a minute.",
    "trouble.busy": "Telegram asks me to slow down. Try again in a minute.",
}

NAME_LENGTH = 64


def say(name: str, /, **values: object) -> Text:
    """One entry of the catalogue with its placeholders filled; values may be formatted themselves."""
    parts: list[object] = []
    for literal, field, _, _ in string.Formatter().parse(ENGLISH[name]):
        parts.append(literal)
        if field is not None:
            parts.append(values[field])
    return Text(*parts)


def words(name: str, /, **values: object) -> str:
    """The same as a plain string, for buttons and short answers."""
    return say(name, **values).render()[0]


def plain(name: str) -> str:
    """A stranger's name or title: short, on one line, nothing in it that turns the writing direction."""
    tidy = clean_name(name, "…")
    return tidy if len(tidy) <= NAME_LENGTH else tidy[: NAME_LENGTH - 1] + "…"
