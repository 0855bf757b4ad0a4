"""Where ids and tokens come from: a seeded generator, so that two runs tell the same story."""

import base64
import hashlib
from random import Random

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_USER_IDS = (1_000_000_000, 7_900_000_000)
_BOT_IDS = (5_000_000_000, 7_900_000_000)
_CHANNEL_IDS = (1_500_000_000, 2_900_000_000)
_GROUP_IDS = (4_000_000_000, 4_999_999_999)
_FIRST_UPDATE_IDS = (100_000_000, 999_000_000)
_FILE_PREFIXES = {
    "photo": "AgACAgIAAxkB",
    "document": "BQACAgIAAxkB",
    "video": "BAACAgIAAxkB",
    "animation": "CgACAgIAAxkB",
    "audio": "CQACAgIAAxkB",
    "voice": "AwACAgIAAxkB",
    "video_note": "DQACAgIAAxkB",
    "sticker": "CAACAgIAAxkB",
    "live_photo": "LgACAgIAAxkB",
}


class Ids:
    """Every id the World hands out, none of them twice."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._taken: set[int] = set()

    def user(self) -> int:
        return self._fresh(*_USER_IDS)

    def bot(self) -> int:
        return self._fresh(*_BOT_IDS)

    def group(self) -> int:
        return -self._fresh(*_GROUP_IDS)

    def supergroup(self) -> int:
        """-100 followed by the channel's id of ten digits."""
        return -1_000_000_000_000 - self._fresh(*_CHANNEL_IDS)

    def first_update(self) -> int:
        return self._random.randint(*_FIRST_UPDATE_IDS)

    def first_message(self) -> int:
        """Accounts are born with different counters, so that a mixed-up id is seen at once."""
        return self._random.randint(10, 900)

    def token(self, bot_id: int) -> str:
        secret = "".join(self._random.choices(_ALPHABET, k=33))
        return f"{bot_id}:AA{secret}"

    def callback(self) -> str:
        return str(self._random.randint(10**17, 10**18))

    def charge(self) -> str:
        """Of a payment in Stars."""
        return "stx" + "".join(self._random.choices(_ALPHABET, k=40))

    def invoice(self) -> str:
        """What follows the `$` in an invoice's link."""
        return "".join(self._random.choices(_ALPHABET, k=22))

    def album(self) -> str:
        return str(self._random.randint(10**16, 10**17))

    def unique_file(self) -> str:
        return "AQAD" + "".join(self._random.choices(_ALPHABET, k=12))

    def dice(self, highest: int) -> int:
        return self._random.randint(1, highest)

    def take(self, number: int) -> None:
        self._taken.add(abs(number))

    def _fresh(self, low: int, high: int) -> int:
        while True:
            number = self._random.randint(low, high)
            if number not in self._taken:
                self._taken.add(number)
                return number


def file_id(bot_id: int, kind: str, unique_id: str) -> str:
    """One bot's handle of a file: stable, and of no use to another bot."""
    digest = hashlib.blake2b(f"{bot_id}:{unique_id}".encode(), digest_size=33).digest()
    return _FILE_PREFIXES.get(kind, "BQACAgIAAxkB") + base64.urlsafe_b64encode(digest).decode()
