"""What the three parse modes share: text that grows, and the marks that lie on it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.bot_api.errors import ApiError, bad_request
from sandbox.world import Entity, User
from sandbox.world.messages import utf16_length

FindUser = Callable[[int], User | None]


def cant_parse(problem: str) -> ApiError:
    return bad_request(f"can't parse entities: {problem}")


def byte_offset(source: str, position: int) -> int:
    """Telegram counts the bytes of UTF-8 when it complains."""
    return len(source[:position].encode())


@dataclass(slots=True)
class Marked:
    """Text without its markup, and its entities."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    """In UTF-16 units."""
    entities: list[Entity] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.length += utf16_length(text)

    def mark(self, kind: str, start: int, **about: str | User | None) -> None:
        if self.length > start:
            self.entities.append(Entity(kind, start, self.length - start, **about))  # type: ignore[arg-type]

    def finish(self) -> tuple[str, tuple[Entity, ...]]:
        return "".join(self.parts), tuple(sorted(self.entities, key=lambda e: (e.offset, -e.length)))


def mark_link(marked: Marked, start: int, url: str, find_user: FindUser) -> None:
    """A link; `tg://user?id=` mentions a person, if the bot may."""
    prefix = "tg://user?id="
    if url.startswith(prefix):
        number = url.removeprefix(prefix)
        user = find_user(int(number)) if number.isdigit() else None
        if user is not None:
            marked.mark("text_mention", start, user=user)
    elif url:
        marked.mark("text_link", start, url=url if "://" in url or url.startswith("tg:") else f"http://{url}/")
