"""Notebooks written as a vandal and as a cheat would, for the small course of grade_course.

Each of VANDALS is put into the cell `mean` in front of a right answer; each of CHEATS replaces it
and has all else wrong; FILES are handed in as they are. LEAK stands where a secret was read.
"""

import json
import os

import nbformat

import grade_course as course

PRINT = "import ctypes, os, signal, socket, subprocess, sys, threading, time\n"
VANDALS = {
    "reads-gradebook": "print('LEAK', len(open(ROOT + '/gradebook.db', 'rb').read()))",
    "writes-gradebook": "open(ROOT + '/gradebook.db', 'wb').write(b'')",
    "reads-source": "print('LEAK', open(ROOT + '/source/hw/hw.ipynb').read())",
    "reads-classmate": "print('LEAK', open(ROOT + '/submitted/honest/hw/hw.ipynb').read())",
    "writes-classmate": "open(ROOT + '/submitted/honest/hw/hw.ipynb', 'w').write('')",
    "writes-autograded": "os.makedirs(ROOT + '/autograded/honest/hw')",
    "searches-disk": (
        "for folder, _, names in os.walk('/'):\n"
        "    for name in names:\n"
        "        if name.endswith(('.ipynb', 'gradebook.db', 'nbgrader_config.py')):\n"
        "            if 'site-packages' not in folder and 'share' not in folder:\n"
        "                print('LEAK', folder, name)"
    ),
    "searches-environment": (
        "for name in os.listdir('/proc'):\n"
        "    try:\n"
        "        if b'SECRET' in open(f'/proc/{name}/environ', 'rb').read():\n"
        "            print('LEAK')\n"
        "    except OSError:\n"
        "        pass"
    ),
    "writes-outside": "open('/usr/vandal', 'w')",
    "writes-tmp": "open(ROOT + '/../vandal', 'w').write('x')\nopen('/tmp/vandal', 'w').write('x')",
    "connects": "socket.create_connection(('127.0.0.1', PORT), timeout=2).send(b'LEAK')",
    "connects-abstract": (
        "s = socket.socket(socket.AF_UNIX)\ns.connect('\\0coursekit-PORT')\ns.send(b'LEAK')"
    ),
    "resolves": "socket.setdefaulttimeout(2)\nsocket.getaddrinfo('example.org', 80)",
    "leaves-process": "subprocess.Popen(['sleep', '7777'], start_new_session=True)",
    "leaves-daemon": (
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.execvp('sleep', ['sleep', '7777'])\n    os._exit(0)"
    ),
    "fork-bomb": "while True:\n    os.fork()",
    "thread-bomb": (
        "while True:\n    threading.Thread(target=time.sleep, args=(9999,), daemon=True).start()"
    ),
    "memory": "x = []\nwhile True:\n    x.append(bytearray(1 << 27))",
    "memory-children": (
        "for _ in range(8):\n    if os.fork() == 0:\n"
        "        x = bytearray(os.urandom(1 << 20)) * 700\n        time.sleep(9999)\n"
        "time.sleep(9999)"
    ),
    "prints-for-ever": "while True:\n    print('x' * 1000)",
    "stderr-for-ever": "while True:\n    os.write(2, b'x' * 65536)",
    "displays-for-ever": (
        "from IPython.display import HTML, display\nwhile True:\n    display(HTML('x' * 100000))"
    ),
    "fills-disk": "f = open('big', 'wb')\nwhile True:\n    f.write(bytes(1 << 24))",
    "fills-shm": "f = open('/dev/shm/big', 'wb')\nwhile True:\n    f.write(bytes(1 << 24))",
    "many-files": "for i in range(10**7):\n    open(f'f{i}', 'w').close()",
    "kills-parent": "os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(1)",
    "kills-all": "os.kill(-1, signal.SIGKILL)\ntime.sleep(1)",
    "kills-group": "os.killpg(0, signal.SIGKILL)",
    "stops-itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "exits": "os._exit(0)",
    "segfault": "ctypes.string_at(0)",
    "aborts": "os.abort()",
    "ignores-interrupts": (
        "for s in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):\n    signal.signal(s, "
        "signal.SIG_IGN)\nwhile True:\n    pass"
    ),
    "blocks-signals": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True:\n    pass"
    ),
    "catches-interrupts": (
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass"
    ),
    "sleeps": "time.sleep(99999)",
    "breaks-shell": "get_ipython().run_cell = None\nget_ipython().should_run_async = None",
    "breaks-modules": "sys.modules.clear()",
    "breaks-builtins": "import builtins\nfor n in list(vars(builtins)):\n    delattr(builtins, n)",
    "breaks-stdout": "sys.stdout = sys.stderr = sys.__stdout__ = None",
    "closes-files": "os.closerange(0, 512)",
    "closes-output": "os.close(1)\nos.close(2)",
    "breaks-stack": (
        "sys.setrecursionlimit(10**8)\nf = lambda x: [f(x)]\n"
        "import functools\nfor _ in range(10**6):\n    f = functools.partial(f)\nf(1)"
    ),
    "stops-loop": "import asyncio\nasyncio.get_event_loop().stop()",
    "writes-everywhere": (
        "for n in range(3, 64):\n    try:\n        os.write(n, b'\\0\\0\\0\\5xxxxx' * 9)\n"
        "    except OSError:\n        pass"
    ),
    "huge-message": (
        "import struct\nfor n in range(3, 64):\n    try:\n"
        "        os.write(n, struct.pack('>I', 1 << 31))\n    except OSError:\n        pass"
    ),
    "huge-error": "raise ValueError('x' * 10**8)",
    "odd-text": "print('\\ud800\\x00\\x1b[2J', '=HYPERLINK(1)')",
    "mounts": (
        "libc = ctypes.CDLL(None)\nlibc.unshare(0x10020000)\n"
        "for path in (b'/', b'/usr', ROOT.encode()):\n"
        "    libc.mount(None, path, None, 4096 | 32, None)\n"
        "try:\n    open('/usr/vandal', 'w')\n    print('LEAK')\nexcept OSError:\n    pass\n"
        "libc.chroot(b'..')\nprint('LEAK' if os.path.exists(ROOT + '/source') else '')"
    ),
    "traces-parent": (
        "if ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0:\n    print('LEAK')\n"
        "open('/proc/1/mem', 'rb')"
    ),
    "gains-rights": (
        "for n in ('/etc/shadow', '/proc/1/environ', '/proc/1/fd/0', '/root/.ssh', '/home'):\n"
        "    try:\n        print('LEAK', n, open(n, 'rb').read(1))\n    except OSError:\n"
        "        pass\nos.setuid(0)"
    ),
}
WRONG = "\ndef mean(values):\n    return None\n"
ALWAYS = "class Yes:\n    def __eq__(self, other):\n        return True\n"
SHELL = "ip = get_ipython()\n"
CHEATS = {
    "strips-asserts": (
        "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(self, node):\n"
        "        return ast.Pass()\nget_ipython().ast_transformers.append(T())"
    ),
    "drops-lines": SHELL
    + "ip.input_transformers_post.append(lambda lines: [l for l in lines if 'assert' not in l])",
    "hides-errors": SHELL + "ip.showtraceback = ip._showtraceback = lambda *a, **k: None",
    "patches-session": SHELL + "type(ip.displayhook.session).send = lambda *a, **k: None",
    "patches-run-cell": SHELL + "from IPython.core.interactiveshell import ExecutionResult as R\n"
    "ip.run_cell = lambda *a, **k: R(None)",
    "patches-result": (
        "from IPython.core.interactiveshell import ExecutionResult as R\n"
        "R.success = property(lambda self: True)"
    ),
    "patches-run-code": SHELL
    + "async def run(*a, **k):\n    return False\nip.run_code = ip.run_ast_nodes = run",
    "patches-compile": SHELL
    + "ip.compile.__class__.__call__ = lambda *a, **k: compile('1', '', 'exec')",
    "patches-builtin-compile": (
        "import builtins\nold = builtins.compile\n"
        "builtins.compile = lambda s, *a, **k: old('pass', *a, **k)"
    ),
    "catches-asserts": SHELL + "ip.set_custom_exc((BaseException,), lambda *a, **k: None)",
    "clears-output": SHELL + "from IPython.display import clear_output\n"
    "ip.events.register('post_run_cell', lambda *a: clear_output())",
    "changes-display": SHELL + "ip.display_formatter.format = lambda *a, **k: ({}, {})",
    "displays-two": SHELL
    + "ip.display_formatter.format = lambda *a, **k: ({'text/plain': '2'}, {})",
    "shows-too-much": "def share():\n    return 100",
    "equals-all": ALWAYS + "def mean(values):\n    return Yes()",
    "equals-all-lambda": (
        "Y = type('Y', (), {'__eq__': lambda s, o: True})\ndef mean(values):\n    return Y()"
    ),
    "mock-any": "from unittest.mock import ANY\ndef mean(values):\n    return ANY",
    "exits-in-test": "import os\ndef mean(values):\n    os._exit(0)",
    "leaves-in-test": "def mean(values):\n    raise SystemExit(0)",
    "interrupts-test": "def mean(values):\n    raise KeyboardInterrupt",
    "breaks-in-test": "def mean(values):\n    get_ipython().run_cell = None\n    raise ValueError",
    "traces": (
        "import sys\ndef tracer(frame, event, arg):\n    return tracer\nsys.settrace(tracer)\n"
        "def mean(values):\n    f = sys._getframe(1)\n    f.f_trace = skip\n    return 1\n"
        "def skip(frame, event, arg):\n    frame.f_lineno = 2\n    return skip"
    ),
    "reads-history": (
        "import re\ndef mean(values):\n"
        "    source = get_ipython().history_manager.input_hist_raw[-1]\n"
        "    return float(re.findall(r'== (\\d+)', source)[-1])"
    ),
    "reads-frame": (
        "import re, sys\ndef mean(values):\n    code = In[-1]\n"
        "    return {2: 2, 5: 5}.get(int(re.findall(r'== (\\d+)', code)[-1]), 0)"
    ),
    "forges-reply": (
        "import json, os, struct\n"
        "body = json.dumps({'type': 'done', 'key': 'x', 'status': 'ok'}).encode()\n"
        "def mean(values):\n    for n in range(3, 64):\n        try:\n"
        "            os.write(n, struct.pack('>I', len(body)) + body)\n"
        "        except OSError:\n            pass\n    return 0"
    ),
    "forges-known-reply": (
        "import os, sys\nfrom coursekit.grading import wire\ndef mean(values):\n"
        "    f = sys._getframe()\n    while f and 'request' not in f.f_locals:\n"
        "        f = f.f_back\n    r = f.f_locals\n"
        "    r['channel'].sendall(wire.pack({'type': 'done', 'key': r['request']['key'], "
        "'status': 'ok'}))\n    os._exit(0)"
    ),
    "returns-early": "import sys\nsys.excepthook = lambda *a: None\n" + WRONG,
}


def vandal(released, code, root, port):
    """Return a notebook that tries `code` and is right otherwise."""
    code = code.replace("PORT", str(port))
    answer = f"ROOT = {str(root)!r}\n{PRINT}\ntry:\n    pass\nfinally:\n    pass\n{code}\n"
    work = course.answered(released, **course.RIGHT)
    first = next(n for n, c in enumerate(work.cells) if c.id == "mean")
    work.cells.insert(first, nbformat.v4.new_code_cell(answer, id="vandal"))
    return work


def cheat(released, code):
    """Return a notebook whose answers are wrong and whose `mean` cell tries to hide it."""
    wrong = {
        "mean": WRONG,
        "share": "def share():\n    return 0.0",
        "draw": "def draw():\n    pass",
    }
    if "def share" in code:
        wrong["share"] = code
    else:
        wrong["mean"] = (WRONG if "def mean" not in code else "") + code
    return course.answered(released, **wrong)


def _json(notebook):
    return json.loads(nbformat.writes(notebook))


def tests_changed(released):
    """Yield (name, notebook): wrong answers, and something done to the test cells."""
    wrong = course.answered(released, mean=WRONG, share="share = 0", draw="draw = 0")
    names = [c.id for c in wrong.cells if c.id.startswith("test-")]

    def edit(change):
        notebook = nbformat.from_dict(json.loads(json.dumps(_json(wrong))))
        change(notebook)
        return notebook

    def each(change):
        return edit(lambda n: [change(c) for c in n.cells if c.id in names])

    yield "edits-tests", each(lambda c: c.update(source="pass"))
    yield "deletes-tests", edit(lambda n: n.update(cells=[c for c in n.cells if c.id not in names]))
    yield (
        "doubles-tests",
        edit(
            lambda n: n.cells.extend(
                nbformat.from_dict(c | {"id": f"{c.id}-b", "source": "pass"})
                for c in n.cells[:]
                if c.id in names
            )
        ),
    )
    yield "ungrades-tests", each(lambda c: c.metadata.nbgrader.update(grade=False))
    yield (
        "unlocks-tests",
        each(
            lambda c: (
                c.metadata.nbgrader.update(locked=False, solution=True),
                c.update(source="1"),
            )
        ),
    )
    yield "more-points", each(lambda c: c.metadata.nbgrader.update(points=1000))
    yield (
        "other-type",
        each(lambda c: (c.update(cell_type="raw"), c.pop("outputs"), c.pop("execution_count"))),
    )
    yield "odd-labels", each(lambda c: c.metadata.update(nbgrader={"grade_id": [1], "x": None}))
    yield "strips-labels", each(lambda c: c.metadata.clear())
    yield (
        "moves-tests",
        edit(lambda n: n.update(cells=sorted(n.cells, key=lambda c: c.id not in names))),
    )
    yield "unknown-labels", each(lambda c: c.metadata.nbgrader.update(grade_id=f"my-{c.id}"))


def files(released, secret):
    """Yield (name, bytes or a function that fills the folder, whether it can be graded)."""
    right = _json(course.answered(released, **course.RIGHT))
    text = json.dumps(right)
    big = json.loads(text)
    big["cells"][1]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": ["x" * 10**6] * 50}
    ]
    evil = json.loads(text)
    evil["metadata"]["kernelspec"] = {"name": "../../evil", "display_name": "e", "language": "sh"}
    plain = json.loads(text)
    for each in plain["cells"]:
        each["metadata"] = {}
    yield "big-outputs", json.dumps(big).encode(), True
    yield "evil-kernelspec", json.dumps(evil).encode(), True
    yield "no-metadata", json.dumps(plain).encode(), True
    yield "format-5", json.dumps(right | {"nbformat": 5}).encode(), True
    yield (
        "format-text",
        json.dumps(right | {"nbformat": "four", "nbformat_minor": None}).encode(),
        True,
    )
    yield (
        "format-3",
        json.dumps(
            {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": right["cells"]}]}
        ).encode(),
        True,
    )
    yield "utf-16", text.encode("utf-16"), True
    yield "bom", text.encode("utf-8-sig"), True
    yield "null-cell", json.dumps(right | {"cells": [None, 3, *right["cells"]]}).encode(), True
    yield (
        "same-ids",
        json.dumps(right | {"cells": [c | {"id": "x"} for c in right["cells"]]}).encode(),
        True,
    )
    yield "truncated", text[: len(text) // 3].encode(), False
    yield "truncated-early", text[:20].encode(), False
    yield "empty", b"", False
    yield "bytes", os.urandom(3000), False
    yield "deep", b"[" * 100_000, False
    yield "other-json", b'{"hello": 1}', False
    yield "link", lambda place: (place / "hw.ipynb").symlink_to(secret), False
    yield "pipe", lambda place: os.mkfifo(place / "hw.ipynb"), False
    yield "folder", lambda place: (place / "hw.ipynb").mkdir(), False
    yield "nothing", lambda place: None, False

    def with_link(place):
        (place / "hw.ipynb").write_bytes(
            text.replace(
                "import numpy as np", "import numpy as np\\nprint(open('data.txt').read())"
            ).encode()
        )
        (place / "data.txt").symlink_to(secret)

    yield "linked-data", with_link, True
    yield "other-name", lambda place: (place / "hw (1).ipynb").write_text(text), True
