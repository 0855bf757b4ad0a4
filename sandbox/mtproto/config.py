"""What Telegram says of itself, without any World: where its data centres are, what an app may assume."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from telethon.tl import TLRequest, functions, types

DC = 2
_EXPIRES = timedelta(hours=1)
_LIMITS = {
    "chat_size_max": 200,
    "megagroup_size_max": 200_000,
    "forwarded_count_max": 100,
    "online_update_period_ms": 210_000,
    "offline_blur_timeout_ms": 5000,
    "offline_idle_timeout_ms": 30_000,
    "online_cloud_timeout_ms": 300_000,
    "notify_cloud_delay_ms": 30_000,
    "notify_default_delay_ms": 1500,
    "push_chat_period_ms": 60_000,
    "push_chat_limit": 2,
    "edit_time_limit": 172_800,
    "revoke_time_limit": 2_147_483_647,
    "revoke_pm_time_limit": 2_147_483_647,
    "rating_e_decay": 2_419_200,
    "stickers_recent_limit": 200,
    "channels_read_media_period": 604_800,
    "call_receive_timeout_ms": 20_000,
    "call_ring_timeout_ms": 90_000,
    "call_connect_timeout_ms": 30_000,
    "call_packet_timeout_ms": 10_000,
    "caption_length_max": 1024,
    "message_length_max": 4096,
    "webfile_dc_id": 4,
}
"""As in the example of core.telegram.org/constructor/config."""


class Config:
    """Answers the requests that are no business of the World's: this DC is the only one."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.centres = [DC]
        """The numbers of the data centres that it names. All of them are this one."""
        self._now = now
        self._answers: dict[type[TLRequest], Callable[[Any], object]] = {
            functions.help.GetConfigRequest: self._config,
            functions.help.GetNearestDcRequest: self._nearest_dc,
            functions.help.GetAppConfigRequest: self._app_config,
            functions.langpack.GetLangPackRequest: self._lang_pack,
            functions.langpack.GetDifferenceRequest: self._lang_pack,
            functions.langpack.GetStringsRequest: self._nothing,
            functions.langpack.GetLanguagesRequest: self._nothing,
        }

    def knows(self, request: TLRequest) -> bool:
        return type(request) in self._answers

    def answer(self, request: TLRequest) -> object:
        return self._answers[type(request)](request)

    def _config(self, _: TLRequest) -> object:
        now = self._now()
        named = [
            types.DcOption(id=number, ip_address=self.host, port=self.port, static=True, this_port_only=True)
            for number in self.centres
        ]
        return types.Config(
            date=now,
            expires=now + _EXPIRES,
            test_mode=False,
            this_dc=DC,
            dc_options=named,
            dc_txt_domain_name="",
            me_url_prefix="https://t.me/",
            **_LIMITS,
        )

    def _nearest_dc(self, _: TLRequest) -> object:
        return types.NearestDc(country="ES", this_dc=DC, nearest_dc=DC)

    def _app_config(self, _: TLRequest) -> object:
        return types.help.AppConfig(hash=1, config=types.JsonObject(value=[]))

    def _lang_pack(self, request: Any) -> object:
        return types.LangPackDifference(lang_code=request.lang_code, from_version=0, version=1, strings=[])

    def _nothing(self, _: TLRequest) -> object:
        return []
