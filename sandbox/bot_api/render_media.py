"""Files in messages as the Bot API's JSON objects."""

from collections.abc import Callable

from sandbox.bot_api.render import Json
from sandbox.world import Content, File

_THUMBNAIL_SIDE = 90


def media_json(json: Json, content: Content, handle: Callable[[File], str]) -> None:
    """Add the media of the content to the message's object."""
    file = content.file
    if file is None:
        return
    if content.kind == "photo":
        json["photo"] = photo_sizes(file, handle(file))
        return
    media = file_json(file, handle(file))
    if content.kind == "live_photo":
        media["photo"] = photo_sizes(file, handle(file))
        media.pop("file_name", None)
    json[content.kind] = media
    if content.kind == "animation":
        json["document"] = {k: media[k] for k in _ANIMATION_AS_DOCUMENT if k in media}


_ANIMATION_AS_DOCUMENT = ("file_id", "file_unique_id", "file_name", "mime_type", "file_size")


def photo_sizes(file: File, file_id: str) -> list[Json]:
    """The preview and the photo itself, largest last."""
    width, height = file.width, file.height
    scale = _THUMBNAIL_SIDE / max(width, height, 1)
    small: Json = {
        "file_id": f"{file_id}-s",
        "file_unique_id": f"{file.unique_id}-s",
        "width": max(1, round(width * scale)),
        "height": max(1, round(height * scale)),
        "file_size": min(file.size, 1200),
    }
    large: Json = {
        "file_id": file_id,
        "file_unique_id": file.unique_id,
        "width": width,
        "height": height,
        "file_size": file.size,
    }
    return [small, large]


def file_json(file: File, file_id: str) -> Json:
    json: Json = {"file_id": file_id, "file_unique_id": file.unique_id, "file_size": file.size}
    match file.kind:
        case "sticker":
            json |= {"type": "regular", "width": file.width, "height": file.height}
            json |= {"is_animated": False, "is_video": False}
            if file.emoji:
                json["emoji"] = file.emoji
            return json
        case "video_note":
            return json | {"length": file.width, "duration": file.duration}
        case "video" | "animation" | "live_photo":
            json |= {"width": file.width, "height": file.height, "duration": file.duration}
        case "audio" | "voice":
            json["duration"] = file.duration
        case _:
            pass
    if file.mime_type:
        json["mime_type"] = file.mime_type
    if file.name and file.kind != "voice":
        json["file_name"] = file.name
    if file.kind == "audio":
        json |= {k: v for k, v in (("title", file.title), ("performer", file.performer)) if v}
    return json
