"""A child ends with its parent, however the parent ends: the kernel's parent-death signal, armed before the program.

The signal follows the *thread* that started the child: start children from the main thread.
"""

import os
import shutil
import signal
from collections.abc import Sequence

from backline.embedded.errors import EmbeddedError

# A parent that died before the signal was armed would leave an orphan: `sh` looks at its parent once more.
GUARD = ("/bin/sh", "-c", 'test "$PPID" = "$0" && exec "$@"')


def bound_to_us(command: Sequence[str], dies_by: signal.Signals, *, identity: Sequence[str] = ()) -> list[str]:
    """The command, wrapped. `identity` are options of setpriv that change the user."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedError("The program setpriv is missing. Install with: apt install util-linux")
    armed = ("--pdeathsig", dies_by.name.removeprefix("SIG"))
    return [setpriv, *identity, *armed, "--", *GUARD, str(os.getpid()), *command]
