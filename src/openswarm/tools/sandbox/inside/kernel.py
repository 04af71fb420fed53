"""The interpreter of one sub-agent, inside of its jail.

It is told code and runs it in one namespace, as the interactive Python does. What the code and its
children write goes through descriptors 1 and 2 straight to the runtime; over `control` goes only
how a call ended, under the token that came with it. The functions of this file have builtins of
their own, so that code which replaces some of its own breaks nothing here.
"""

import ast
import builtins
import contextlib
import faulthandler
import io
import json
import linecache
import os
import queue
import signal
import sys
import threading
import traceback
import types
from importlib import import_module
from pathlib import Path
from typing import Any

__builtins__ = dict(vars(builtins))
SHOWN = "<call {}>"
HERE = str(Path(__file__).resolve().parent)


class Kernel:
    """The namespace, and the call that runs in it."""

    def __init__(self, control: int) -> None:
        self._control = control
        self._pid = os.getpid()
        self._main = threading.get_ident()
        self._calls: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._output = (os.dup(1), os.dup(2))
        self._streams = [_writer(1), _writer(2)]
        self._running = ""
        self._count = 0
        self._figures = 0
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self._names = module.__dict__
        self._names["fetch"] = import_module("client").fetch

    def serve(self) -> None:
        """Runs calls, one after another, until the runtime is gone."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._reply({"state": "ready"})
        while True:
            call = self._calls.get()
            token = str(call["token"])
            try:
                state = self._call(token, str(call["code"]))
            except KeyboardInterrupt:
                state = "interrupted"
            self._running = ""
            if os.getpid() != self._pid:
                os._exit(0)  # the code has forked, and this is the child that came back
            self._reply({"state": state, "token": token})
            if state == "exit":
                os._exit(0)

    def _listen(self) -> None:
        with os.fdopen(self._control, "rb", closefd=False) as lines:
            for line in lines:
                message = json.loads(line)
                if "code" in message:
                    self._calls.put(message)
                elif message.get("interrupt") == self._running != "":
                    os.killpg(0, signal.SIGINT)
                    signal.pthread_kill(self._main, signal.SIGINT)
        os._exit(0)

    def _interrupt(self, _: int, __: Any) -> None:
        if self._running and os.getpid() == self._pid:
            self._running = ""
            raise KeyboardInterrupt

    def _reply(self, message: dict[str, str]) -> None:
        rest = json.dumps(message).encode() + b"\n"
        while rest:
            rest = rest[os.write(self._control, rest) :]

    def _call(self, token: str, code: str) -> str:
        self._restore()
        signal.signal(signal.SIGINT, self._interrupt)
        self._running = token
        try:
            self._run(code)
            self._save_figures()
            state = "done"
        except SystemExit as error:
            self._restore()
            self._streams[1].write(f"SystemExit: {error}\n")
            state = "exit"
        except BaseException as error:  # noqa: BLE001 - the code's own, and shown to it
            self._running = ""
            self._restore()
            self._print(error)
            state = "interrupted" if isinstance(error, KeyboardInterrupt) else "error"
        self._flush()
        return state

    def _restore(self) -> None:
        """Gives the code its output back, whatever it has done to it."""
        for index, saved in enumerate(self._output):
            os.dup2(saved, index + 1)
            if self._streams[index].closed:
                self._streams[index] = _writer(index + 1)
        sys.stdout, sys.stderr = self._streams

    def _run(self, code: str) -> None:
        self._count += 1
        name = SHOWN.format(self._count)
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        tree = compile(code, name, "exec", ast.PyCF_ONLY_AST)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), self._names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), self._names)
            if value is not None:
                self._names["_"] = value
                self._streams[0].write(f"{value!r}\n")

    def _save_figures(self) -> None:
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        for number in pyplot.get_fignums() if pyplot else ():
            self._figures += 1
            pyplot.figure(number).savefig(f"figure-{self._figures}.png", bbox_inches="tight")
            pyplot.close(number)

    def _print(self, error: BaseException) -> None:
        """The traceback without the frames of this file."""
        try:
            shown = traceback.TracebackException.from_exception(error)
            for part in _chain(shown):
                own = [frame for frame in part.stack if not frame.filename.startswith(HERE)]
                part.stack = traceback.StackSummary.from_list(own)
            text = "".join(shown.format())
        except BaseException:  # noqa: BLE001 - its own text is code too
            text = f"{type(error).__name__}, which cannot be shown\n"
        self._streams[1].write(text)

    def _flush(self) -> None:
        for stream in self._streams:
            with contextlib.suppress(OSError, ValueError):  # the code may have closed it
                stream.flush()
        ctypes: Any = sys.modules.get("ctypes")
        if ctypes:
            ctypes.CDLL(None).fflush(None)


def _writer(number: int) -> io.TextIOWrapper:
    """A stream over a descriptor that shows at once what is written, even before a crash."""
    raw: Any = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True)


def _chain(shown: traceback.TracebackException | None) -> list[traceback.TracebackException]:
    """An exception and those that it came of."""
    chain: list[traceback.TracebackException] = []
    while shown is not None and len(chain) < 100:
        chain.append(shown)
        shown = shown.__cause__ or shown.__context__
    return chain


def main(control: int) -> None:
    """Serves the runtime at the other end of `control`."""
    os.set_inheritable(control, False)
    if os.getpid() != os.getpgrp():
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    kernel = Kernel(control)
    sys.path[:] = ["", *(entry for entry in sys.path if entry != HERE)]
    sys.argv = [""]
    kernel.serve()
