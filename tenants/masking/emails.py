"""E-mail addresses: the first letters and the top-level domain stay (a•••@d•••.com)."""

import re

from tenants.masking.draft import Draft

_LOCAL = r"[\w.!#$%&'*+=?^{|}~-]"
_EMAIL = re.compile(rf"(?<!{_LOCAL})({_LOCAL}+)@((?:\w[\w-]*\.)+)(\w[\w-]*)")


def hide_emails(draft: Draft) -> None:
    for found in _EMAIL.finditer(draft.plain):
        _hide_but_first(draft, *found.span(1))
        begin, end = found.span(2)
        _hide_but_first(draft, begin, end - 1)


def _hide_but_first(draft: Draft, begin: int, end: int) -> None:
    """A single letter is all there is of it."""
    draft.hide(begin + (end - begin > 1), end)
