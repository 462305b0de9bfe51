"""The process that fills photos: JSON lines on its standard input ask, JSON lines on its output answer.

It is started as ``python -P -m retouch.batching.worker``, not through ``multiprocessing``, which would run
the caller's script once more. Only paths and options pass between the processes. It ends at once when its
input ends, which it does however the parent ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from queue import SimpleQueue
from typing import Any, BinaryIO

from retouch.batching.jobs import Job


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may come between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, asked), daemon=True).start()
    begin = asked.get()
    from retouch.batching import filling

    filling.limit_threads(begin["threads"])
    while True:
        request = asked.get()
        if "check" in request:
            _answer(answers, {"error": filling.check(request["check"])})
        elif "needs" in request:
            _answer(answers, _needs(Job(**request["needs"])))
        else:
            job = Job(**request["fill"])
            _answer(answers, filling.fill_job(job, request["out"], request["staging"]))


def _needs(job: Job) -> dict[str, Any]:
    from retouch.batching.memory import needs

    try:
        return {"bytes": needs(job)}
    except MemoryError:
        return {"bytes": 2**62}
    except Exception:
        return {"bytes": 0}  # filling it says what is wrong


def _listen(requests: BinaryIO, asked: SimpleQueue[dict[str, Any]]) -> None:
    for line in requests:
        asked.put(json.loads(line))
    os._exit(0)


def _answer(answers: BinaryIO, content: dict[str, Any]) -> None:
    answers.write(json.dumps(content).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
