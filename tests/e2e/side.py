# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases that run side by side, and are told one after another.

Whoever waits most of the time need not wait alone. A case writes its checks down
in Notes, which look like a Tap; they are printed when all that were before it are.
"""

import concurrent.futures


class Notes:
    def __init__(self):
        self.checks = []

    def equal(self, *arguments):
        self.checks.append(("equal", arguments))
        return arguments[1] == arguments[2]

    def true(self, *arguments):
        self.checks.append(("true", arguments))
        return bool(arguments[1])

    def comment(self, *arguments):
        self.checks.append(("comment", arguments))

    def tell(self, tap_, section):
        tap_.section(section)
        for method, arguments in self.checks:
            getattr(tap_, method)(*arguments)
        tap_.section("")


def run(tap_, cases, check, at_once=6):
    """check(notes, case) for each of them; a case has a name. One that breaks off
    fails, and what it had noted until then is told."""
    noted = [(case, Notes()) for case in cases]
    with concurrent.futures.ThreadPoolExecutor(at_once) as threads:
        running = [threads.submit(check, notes, case) for case, notes in noted]
        for (case, notes), future in zip(noted, running):
            error = future.exception()
            notes.tell(tap_, case.name)
            if error:
                tap_.section(case.name)
                tap_.broken(error)
                tap_.section("")
