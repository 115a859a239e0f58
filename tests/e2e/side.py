# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases that run side by side, and are told one after another.

Whoever waits most of the time need not wait alone. A case writes its checks down
in Notes, which look like a Tap; they are printed when all that were before it are.
"""

import concurrent.futures


class Stopped(Exception):
    """A case's checks are not wanted any more."""


class Notes:
    def __init__(self):
        self.checks = []
        self.is_stopped = False

    def _note(self, *check):
        if self.is_stopped:
            raise Stopped
        self.checks.append(check)

    def equal(self, *arguments):
        self._note("equal", arguments)
        return arguments[1] == arguments[2]

    def true(self, *arguments):
        self._note("true", arguments)
        return bool(arguments[1])

    def comment(self, *arguments):
        self._note("comment", arguments)

    def tell(self, tap_, section):
        tap_.section(section)
        for method, arguments in self.checks:
            getattr(tap_, method)(*arguments)
        tap_.section("")


def run(tap_, cases, check, at_once=6):
    """check(notes, case) for each of them; a case has a name. One that breaks off
    fails, and what it had noted until then is told. SIGTERM and Ctrl-C (see tap.py)
    let no other case begin; those that run end with their next check."""
    noted = [(case, Notes()) for case in cases]
    n_told = 0
    threads = concurrent.futures.ThreadPoolExecutor(at_once)
    try:
        running = [threads.submit(check, notes, case) for case, notes in noted]
        for (case, notes), future in zip(noted, running):
            error = future.exception()
            n_told += 1
            _tell(tap_, case, notes, error)
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        for _, notes in noted:
            notes.is_stopped = True
        threads.shutdown()
        for case, notes in noted[n_told:]:
            notes.tell(tap_, case.name)
        raise
    threads.shutdown()


def _tell(tap_, case, notes, error):
    notes.tell(tap_, case.name)
    if error:
        tap_.section(case.name)
        tap_.broken(error)
        tap_.section("")
