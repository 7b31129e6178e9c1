"""The pages on a stage: a console's web server in a process of its own, whose events are played from outside.

``python -m tests.browser.stage PORT`` serves QQCONSOLE_HOME and reads cues as JSON lines from standard input:
``{"do": "message", "session": 1, "content": "…"}``; each is answered with one JSON line. No engine and no bot runs.
"""

from __future__ import annotations

import json
import os
import sys
import threading

import django


def play() -> None:
    from django.db import connection

    from tests.browser.cues import CUES

    for line in sys.stdin:
        cue = json.loads(line)
        try:
            answer = {"is": CUES[cue.pop("do")](**cue)}
        except Exception as error:  # noqa: BLE001 - the test that gave the cue is told
            answer = {"error": f"{type(error).__name__}: {error}"}
        finally:
            connection.close()
        print(json.dumps(answer), flush=True)
    os._exit(0)  # whoever held the stage is gone


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qqconsole.settings")
    django.setup()
    import daphne.server
    from django.core.management import call_command

    from qqconsole.asgi import application

    call_command("migrate", verbosity=0)
    threading.Thread(target=play, daemon=True).start()
    server = daphne.server.Server(
        application,
        endpoints=[f"tcp:port={sys.argv[1]}:interface=127.0.0.1"],
        signal_handlers=False,
        ready_callable=lambda: print(json.dumps({"is": "ready"}), flush=True),
    )
    server.run()


if __name__ == "__main__":
    main()
