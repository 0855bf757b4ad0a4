"""One of each kind of message that is more than words and files, with the Bot API's fields.

What a test or the page leaves out is taken from here. Dates are seconds since 1970.
"""

from collections.abc import Mapping
from typing import Any

_PLACE = {"latitude": 52.52, "longitude": 13.405}
_CHANNEL = {"id": -1001987654321, "title": "Harbour News", "username": "harbour_news", "type": "channel"}
_SOMEBODY = {"id": 777123456, "is_bot": False, "first_name": "Nina"}
_NEXT_YEAR = 1_798_761_600
_PICTURE = {"file_id": "AgACAgIAAxkBsample", "file_unique_id": "AQADsample", "width": 320, "height": 180}

CONTENTS: Mapping[str, Mapping[str, Any]] = {
    "location": _PLACE,
    "venue": {**_PLACE, "title": "Café am Ufer", "address": "Uferstraße 1, Berlin"},
    "contact": {"phone_number": "+49301234567", "first_name": "Nina"},
    "poll": {"question": "When shall we deliver?", "options": ["In the morning", "In the evening"]},
    "game": {"title": "Lumberjack", "description": "Cut the tree", "photo": [_PICTURE]},
    "story": {"chat": _CHANNEL, "id": 12},
    "checklist": {
        "title": "For the move",
        "tasks": [{"id": 1, "text": "Boxes"}, {"id": 2, "text": "Tape"}],
        "others_can_mark_tasks_as_done": True,
    },
    "rich_message": {
        "blocks": [
            {"type": "heading", "text": "My order", "size": 2},
            {"type": "paragraph", "text": "Two lamps, to be delivered on Friday."},
        ]
    },
    "paid_media": {
        "star_count": 25,
        "paid_media": [{"type": "preview", "width": 1280, "height": 720, "duration": 12}],
    },
    "invoice": {
        "title": "Two lamps",
        "description": "With bulbs",
        "start_parameter": "lamps",
        "currency": "EUR",
        "total_amount": 4990,
    },
    "giveaway": {"chats": [_CHANNEL], "winners_selection_date": _NEXT_YEAR, "winner_count": 3},
    "giveaway_winners": {
        "chat": _CHANNEL,
        "giveaway_message_id": 7,
        "winners_selection_date": _NEXT_YEAR,
        "winner_count": 1,
        "winners": [_SOMEBODY],
    },
}
"""`live_period` makes a location live; `{"type": "quiz", "correct_option_id": 0}` makes a poll a quiz."""

_GIFT_STICKER = {
    "file_id": "CAACAgIAAxkBsample",
    "file_unique_id": "AgADsample",
    "type": "regular",
    "width": 512,
    "height": 512,
    "is_animated": False,
    "is_video": False,
}
_PAYMENT = {"currency": "XTR", "total_amount": 100, "invoice_payload": "lamps", "telegram_payment_charge_id": "t1"}

SERVICES: Mapping[str, Any] = {
    "users_shared": {"request_id": 1, "users": [{"user_id": 777123456, "first_name": "Nina"}]},
    "chat_shared": {"request_id": 1, "chat_id": -1001987654321, "title": "Harbour News"},
    "web_app_data": {"data": "{}", "button_text": "Choose"},
    "successful_payment": {**_PAYMENT, "provider_payment_charge_id": "p1"},
    "refunded_payment": _PAYMENT,
    "write_access_allowed": {"from_request": True},
    "boost_added": {"boost_count": 1},
    "gift": {"gift": {"id": "5170145012310081615", "sticker": _GIFT_STICKER, "star_count": 15}},
    "giveaway_created": {},
    "giveaway_completed": {"winner_count": 1},
    "checklist_tasks_done": {"marked_as_done_task_ids": [1]},
    "checklist_tasks_added": {"tasks": [{"id": 3, "text": "Labels"}]},
    "chat_background_set": {"type": {"type": "chat_theme", "theme_name": "🏠"}},
    "chat_owner_left": {},
    "chat_owner_changed": {"new_owner": _SOMEBODY},
    "connected_website": "example.org",
    "message_auto_delete_timer_changed": {"message_auto_delete_time": 86400},
    "proximity_alert_triggered": {"traveler": _SOMEBODY, "watcher": _SOMEBODY, "distance": 100},
    "new_chat_photo": [_PICTURE],
    "delete_chat_photo": True,
    "channel_chat_created": True,
    "video_chat_scheduled": {"start_date": _NEXT_YEAR},
    "video_chat_started": {},
    "video_chat_ended": {"duration": 60},
    "video_chat_participants_invited": {"users": [_SOMEBODY]},
}
"""Service messages that need nobody else in the World; the value is the message's field of that name."""
