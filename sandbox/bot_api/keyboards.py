"""reply_markup: keyboards as bots give them, checked as Telegram checks them."""

from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import bad_request

_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
    "disabled",
)
_KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
_DATA_LIMIT = 64


def read_markup(call: Call) -> dict[str, Any] | None:
    given = call.json("reply_markup", "reply keyboard markup")
    if given is None or given == "":
        return None
    if not isinstance(given, dict):
        raise bad_request("object expected as reply markup")
    if not given:
        return None
    if not any(kind in given for kind in _KINDS):
        raise bad_request("can't parse reply keyboard markup JSON object")
    if "inline_keyboard" in given:
        return _inline(given["inline_keyboard"])
    return given


def _inline(rows: Any) -> dict[str, Any] | None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    kept = [[_button(button) for button in row] for row in rows if row]
    return {"inline_keyboard": kept} if kept else None


def _button(button: Any) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise _cant("InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str):
        raise _cant('Can\'t find field "text"')
    if not button["text"].strip():
        raise _cant("Text buttons are unallowed in the inline keyboard")
    if not any(action in button for action in _ACTIONS):
        raise _cant("Text buttons are unallowed in the inline keyboard")
    if len(str(button.get("callback_data", "")).encode()) > _DATA_LIMIT:
        raise bad_request("BUTTON_DATA_INVALID")
    return button


def _cant(problem: str) -> Exception:
    return bad_request(f"can't parse inline keyboard button: {problem}")
