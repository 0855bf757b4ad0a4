"""What goes wrong with an embedded server is told in one sentence for the person at the keyboard."""

from backline.failure import Failure


class EmbeddedError(Failure):
    """The message says what to do."""
