"""Files: bytes everyone shares, and a handle for each bot that saw them."""

from dataclasses import dataclass

from sandbox.world.ids import Ids, file_id


@dataclass(frozen=True, slots=True)
class File:
    unique_id: str
    kind: str
    data: bytes
    name: str = ""
    mime_type: str = ""
    width: int = 0
    height: int = 0
    duration: int = 0
    emoji: str = ""
    title: str = ""
    performer: str = ""

    @property
    def size(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name or self.unique_id} {self.size} bytes>"


_MIME_TYPES = {
    "photo": "image/jpeg",
    "live_photo": "video/mp4",
    "video": "video/mp4",
    "animation": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "video_note": "video/mp4",
    "sticker": "image/webp",
}
_EXTENSIONS = {
    "photo": "jpg",
    "live_photo": "mp4",
    "video": "mp4",
    "animation": "mp4",
    "audio": "mp3",
    "voice": "oga",
    "video_note": "mp4",
    "sticker": "webp",
}
_FOLDERS = {
    "photo": "photos",
    "live_photo": "live_photos",
    "video": "videos",
    "animation": "animations",
    "audio": "music",
    "voice": "voice",
    "video_note": "video_notes",
    "sticker": "stickers",
}


class FileStore:
    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._by_unique: dict[str, File] = {}
        self._by_handle: dict[tuple[int, str], File] = {}
        self._handles: dict[tuple[int, str], str] = {}

    def add(self, kind: str, data: bytes, **about: str | int) -> File:
        about.setdefault("mime_type", _MIME_TYPES.get(kind, "application/octet-stream"))
        if kind in {"photo", "video", "animation", "live_photo"}:
            about.setdefault("width", 1280)
            about.setdefault("height", 720)
        if kind in {"sticker", "video_note"}:
            about.setdefault("width", 512)
            about.setdefault("height", 512)
        if kind in {"video", "animation", "live_photo", "audio", "voice", "video_note"}:
            about.setdefault("duration", 1)
        file = File(self._ids.unique_file(), kind, data, **about)  # type: ignore[arg-type]
        self._by_unique[file.unique_id] = file
        return file

    def handle(self, bot_id: int, file: File) -> str:
        """The file_id by which this bot may use the file; made when the bot first sees it."""
        key = (bot_id, file.unique_id)
        handle = self._handles.get(key)
        if handle is None:
            handle = self._handles[key] = file_id(bot_id, file.kind, file.unique_id)
            self._by_handle[bot_id, handle] = file
        return handle

    def find(self, bot_id: int, handle: str) -> File | None:
        """Also by the handle of a photo's preview, which ends in `-s`."""
        return self._by_handle.get((bot_id, handle.removesuffix("-s")))

    def find_unique(self, unique_id: str) -> File | None:
        return self._by_unique.get(unique_id)

    def path(self, file: File) -> str:
        """Where getFile says that it lies."""
        extension = file.name.rpartition(".")[2] if "." in file.name else _EXTENSIONS.get(file.kind, "bin")
        return f"{_FOLDERS.get(file.kind, 'documents')}/{file.unique_id}.{extension}"
