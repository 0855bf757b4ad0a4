"""A sentence for a person that still knows what it was made of, so that it can be said in another language.

Sentences without placeholders need none of this: they are known by themselves.
"""

import string
from collections.abc import Mapping
from typing import Any, Self


class Phrase(str):
    """The English sentence, made of `template` and `values`, which may be phrases themselves.

    A value is put in as it is: what looks like a placeholder in it stays what it is. A number on which the words
    depend is called `count`.
    """

    template: str
    values: Mapping[str, object]

    __slots__ = ("template", "values")

    def __new__(cls, template: str, /, **values: object) -> Self:
        made = super().__new__(cls, fill(template, values))
        made.template = template
        made.values = values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.template,), dict(self.values)


def fill(template: str, values: Mapping[str, object]) -> str:
    """Raises `KeyError` for a placeholder without a value."""
    parts: list[str] = []
    for literal, field, _, _ in string.Formatter().parse(template):
        parts.append(literal)
        if field is not None:
            parts.append(str(values[field]))
    return "".join(parts)
