"""Run with `python -I -S`: imports each function with nothing but its layers on the path.

Reads {"shared": [paths], "functions": [{"name", "folder", "paths"}]} from standard input and prints
{"name": the traceback, or null when the import went well}.
"""

import json
import os
import runpy
import sys
import traceback


def failure(function):
    """In a child, so that no function sees what another one has imported."""
    read, write = os.pipe()
    if os.fork() == 0:
        sys.path[:0] = [function["folder"], *function["paths"]]
        answer = None
        try:
            runpy.run_path(function["folder"] + "/app.py", run_name="app")
        except BaseException:
            answer = traceback.format_exc()
        with os.fdopen(write, "w") as out:
            json.dump(answer, out)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        found = json.load(answer)
    os.wait()
    return found


wanted = json.load(sys.stdin)
sys.path[:0] = wanted["shared"]
import parcelway.http.api  # noqa: E402, F401  what all functions share is imported once

print(json.dumps({each["name"]: failure(each) for each in wanted["functions"]}))
