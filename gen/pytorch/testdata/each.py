"""Runs a command of the package for each line of the standard input, a JSON list of arguments, in a process of its own that has PyTorch
loaded already; prints a JSON line with exit code and output of each."""

import io
import json
import os
import runpy
import sys
import traceback

import torch  # noqa: F401


def one(args):
    """Exit code and output of one command, within a child."""
    sys.argv, text = args, io.StringIO()
    sys.stdout = sys.stderr = text
    code = 0
    try:
        runpy.run_path(args[0], run_name="__main__")
    except SystemExit as e:
        code = e.code or 0
    except BaseException:
        traceback.print_exc(file=text)
        code = 1
    return {"code": code, "text": text.getvalue()}


for line in sys.stdin:
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        with os.fdopen(write, "w") as f:
            json.dump(one(json.loads(line)), f)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as f:
        print(f.read(), flush=True)
    os.wait()
