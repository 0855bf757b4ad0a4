"""Files of a call: known by file_id, or uploaded; addresses in the web are not fetched here."""

from typing import Any

from sandbox.bot_api.call import Call, Upload
from sandbox.bot_api.errors import bad_request
from sandbox.world import File

_ATTACHED = "attach://"
_TITLES = {
    "photo": "Photo",
    "video": "Video",
    "animation": "Animation",
    "live_photo": "LivePhoto",
    "audio": "Audio",
    "voice": "VoiceNote",
    "video_note": "VideoNote",
    "document": "Document",
    "sticker": "Sticker",
}
_INTERCHANGEABLE = frozenset({"document", "animation", "video", "audio", "voice"})
_NUMBERS = ("width", "height", "duration")
_WORDS = ("title", "performer", "emoji")


def read_file(call: Call, kind: str) -> File:
    """The file under the parameter of the kind's own name."""
    about = {name: call.params.get(name) for name in (*_NUMBERS, *_WORDS, "length")}
    upload = call.uploads.get(kind)
    if upload is not None:
        return _add(call, kind, upload, about)
    value = call.text(kind)
    if not value:
        raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
    return find_file(call, kind, value, about)


def find_file(call: Call, kind: str, value: str, about: dict[str, Any]) -> File:
    if value.startswith(_ATTACHED):
        upload = call.uploads.get(value.removeprefix(_ATTACHED))
        if upload is None:
            raise bad_request(f"can't find file {value} in the multipart body")
        return _add(call, kind, upload, about)
    if "://" in value:
        raise bad_request("failed to get HTTP URL content")
    file = call.world.files.find(call.bot.id, value)
    if file is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if file.kind != kind and not {file.kind, kind} <= _INTERCHANGEABLE:
        raise bad_request(f"can't use file of type {_TITLES[file.kind]} as {_TITLES[kind]}")
    return file


def _add(call: Call, kind: str, upload: Upload, about: dict[str, Any]) -> File:
    if not upload.data:
        raise bad_request("file must be non-empty")
    known: dict[str, str | int] = {}
    if upload.name:
        known["name"] = upload.name
    if upload.mime_type and upload.mime_type != "application/octet-stream":
        known["mime_type"] = upload.mime_type
    for name in _NUMBERS:
        if about.get(name):
            known[name] = int(about[name])
    for name in _WORDS:
        if about.get(name):
            known[name] = str(about[name])
    if about.get("length"):
        known["width"] = known["height"] = int(about["length"])
    return call.world.files.add(kind, upload.data, **known)
