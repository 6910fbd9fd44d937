"""Run with `python -I -S`: imports each function with nothing but its layers on the path.

Reads [{"name", "folder", "paths"}] from standard input and prints {"name": [modules] or "error"}.
"""

import json
import os
import runpy
import sys
import traceback


def report(function):
    sys.path[:0] = [function["folder"], *function["paths"]]
    before = set(sys.modules)
    runpy.run_path(os.path.join(function["folder"], "app.py"), run_name="app")
    return sorted(
        {
            name.split(".")[0]
            for name, module in sys.modules.items()
            if name not in before and (getattr(module, "__file__", None) or "/").startswith("/")
        }
    )


def in_a_child(function):
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            answer = report(function)
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


print(json.dumps({each["name"]: in_a_child(each) for each in json.load(sys.stdin)}))
