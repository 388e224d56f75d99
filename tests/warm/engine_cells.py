"""Cells that use everything a notebook can use, each with a tag of its own; run under both engines and compared."""

# ruff: noqa: E501 - a cell is a line
from __future__ import annotations

import re
from typing import Any

CELLS: dict[str, str] = {
    "expression": "1 + 1",
    "silenced": "1 + 1;",
    "print": "print('a'); print('b', end=''); print('c')",
    "stderr": "import sys\nprint('out'); print('err', file=sys.stderr); print('out again')",
    "flushes": "import time\nfor i in range(3):\n    print(i, flush=True)",
    "write": "import sys\nsys.stdout.write('x' * 10)",
    "write bytes": "import sys\nsys.stdout.write(b'bytes')",
    "stream": "import sys\n(type(sys.stdout).__mro__[-2].__name__, sys.stdout.encoding, sys.stdout.isatty(), sys.stdout.writable())",
    "underscore": "6 * 7",
    "underscore 2": "print(_, __, _i); Out[1], In[1]",
    "display": "from IPython.display import display, HTML, Markdown, Image, SVG, JSON, Latex, Javascript\ndisplay(1, 'two', HTML('<b>3</b>'))",
    "rich result": "HTML('<i>result</i>')",
    "mimebundle": "class B:\n    def _repr_mimebundle_(self, include=None, exclude=None):\n        return {'text/plain': 'plain', 'text/html': '<p>', 'application/x+json': {'a': [1, (2, 3)], 'b': None}}, {'text/html': {'isolated': True}}\nB()",
    "png bytes": "import base64\npng = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==')\nImage(png)",
    "raw publish": "display({'text/plain': 'raw', 'image/png': png}, raw=True)",
    "unserialisable": "display({'text/plain': object()}, raw=True)",
    "display id": "h = display('first', display_id='the-id'); print('between')",
    "update": "h.update('second'); display('third', display_id='the-id')",
    "clear": "from IPython.display import clear_output\nprint('gone'); clear_output(); print('stays')",
    "clear wait": "print('gone'); clear_output(wait=True); print('stays')",
    "clear wait nothing": "print('stays'); clear_output(wait=True)",
    "dataframe": "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
    "repr fails": "class Bad:\n    def __repr__(self): raise ValueError('no repr')\nBad()",
    "html fails": "class BadHtml:\n    def _repr_html_(self): raise ValueError('no html')\n    def __repr__(self): return 'fine'\nBadHtml()",
    "figure": "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(2, 1)); ax.plot([1, 2]); print('drawn')",
    "inline": "%matplotlib inline\nplt.figure(figsize=(1, 1)); plt.plot([2, 1]); plt.show(); print('after')",
    "svg figures": "%config InlineBackend.figure_formats = ['png']\nplt.figure(figsize=(1, 1)); plt.title('t'); plt.show()",
    "two figures": "plt.figure(figsize=(1, 1)); plt.figure(figsize=(1, 2))",
    "figure result": "fig = plt.figure(figsize=(1, 1)); plt.close(fig); fig",
    "backend": "import matplotlib; matplotlib.get_backend()",
    "error": "def f(x):\n    return 1 / x\nf(0)",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('second') from e",
    "syntax": "def (:",
    "indentation": "if True:\nprint(1)",
    "after output": "print('before'); raise RuntimeError('after')",
    "group": "raise ExceptionGroup('g', [ValueError(1), TypeError('x')])",
    "odd name": "class Ünicode(Exception): pass\nraise Ünicode('ä\\n<b>&')",
    "warning": "import warnings\nwarnings.warn('careful'); warnings.warn('old', DeprecationWarning)",
    "library warning": "import numpy as np\nnp.float64(1) / 0",
    "assertion": "assert 1 == 2, 'not equal'",
    "keyboard": "raise KeyboardInterrupt",
    "exit 3": "import sys; sys.exit(3)",
    "exit 0": "sys.exit(0)",
    "input": "input('name? ')",
    "getpass": "import getpass\ngetpass.getpass()",
    "stdin": "sys.stdin.read()",
    "await": "import asyncio\nawait asyncio.sleep(0.01)\nprint('awaited')",
    "gather": "await asyncio.gather(asyncio.sleep(0, 'a'), asyncio.sleep(0, 'b'))",
    "async for": "async def numbers():\n    for i in range(3):\n        yield i\n[i async for i in numbers()]",
    "running loop": "c = asyncio.sleep(0)\ntry:\n    asyncio.run(c)\nfinally:\n    c.close()",
    "task": "async def later():\n    await asyncio.sleep(0.01)\n    return 'task done'\ntask = asyncio.create_task(later())",
    "task result": "await task",
    "loop": "asyncio.get_event_loop().is_running()",
    "thread": "import threading\nt = threading.Thread(target=lambda: print('from a thread')); t.start(); t.join()",
    "thread display": "t = threading.Thread(target=lambda: display('shown by a thread')); t.start(); t.join()",
    "pool": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool:\n    r = list(pool.map(lambda x: x * x, range(4)))\nr",
    "multiprocessing": "import multiprocessing as mp\nwith mp.get_context('fork').Pool(2) as pool:\n    r = pool.map(abs, [-1, -2])\nr",
    "bang": "!echo from the shell; echo more",
    "bang error": "!exit 3",
    "exit code": "_exit_code",
    "bang assign": "lines = !printf 'a\\nb\\n'\nlines",
    "subprocess": "import subprocess\nsubprocess.run(['echo', 'captured'], capture_output=True, text=True).stdout",
    "subprocess fd": "subprocess.run(['echo', 'to the descriptor'])",
    "os system": "import os\nos.system('echo from os.system; echo and err >&2')",
    "os write": "n = os.write(1, b'raw bytes \\xc3\\xa9 \\xff\\n')",
    "bash": "%%bash\necho in bash\necho err >&2",
    "bash error": "%%bash\nexit 4",
    "time": "%%time\nx = 1",
    "line time": "%time 2 + 2",
    "timeit": "%timeit -n1 -r1 pass",
    "capture": "%%capture out\nprint('hidden'); display('hidden too')",
    "captured": "out.stdout, len(out.outputs)",
    "writefile": "%%writefile torture_file.txt\ncontent",
    "run": "%%writefile torture_run.py\nprint(__name__)\ny = 5",
    "run 2": "%run torture_run.py\ny",
    "cd": "%cd /",
    "pwd": "%pwd",
    "who": "a_variable = 1\n%who_ls int",
    "alias": "%alias_magic t timeit",
    "unknown magic": "%nosuchmagic",
    "unknown cell magic": "%%nosuchmagic\nx",
    "usage": "%cd /no/such/folder",
    "precision": "%precision 2\n3.14159",
    "env": "%env TORTURE=1\nos.environ['TORTURE']",
    "environment": "{k: os.environ.get(k) for k in ('TERM', 'PAGER', 'GIT_PAGER', 'CLICOLOR', 'FORCE_COLOR', 'MPLBACKEND')}",
    "ast": "%load_ext autoreload\n%autoreload 0",
    "html magic": "%%html\n<p>x</p>",
    "javascript": "Javascript('1')",
    "latex": "%%latex\n$x$",
    "help": "len?",
    "source": "def documented():\n    'Doc.'\ndocumented??",
    "history": "%history -n -l 2",
    "shell": "type(get_ipython()).__name__, get_ipython().__class__.__module__",
    "kernel": "ip = get_ipython(); ip.kernel.implementation, ip.has_trait('kernel'), ip.kernel.shell is ip",
    "kernel class": "type(get_ipython().kernel).__name__",
    "count": "get_ipython().execution_count",
    "events": "hook = lambda *a: print('hook ran')\nget_ipython().events.register('post_run_cell', hook)",
    "events 2": "print('in cell')\nget_ipython().events.unregister('post_run_cell', hook)",
    "main": "__name__, sys.modules['__main__'].__name__, sys.argv[0]",
    "pickle": "import pickle\nclass P: pass\npickle.loads(pickle.dumps(P())).__class__.__name__",
    "globals": "sorted(k for k in globals() if k in ('__builtins__', '__name__', '__doc__', '__package__', '__loader__', '__spec__', 'In', 'Out', '_dh', 'get_ipython', 'exit', 'quit', 'open', 'display'))",
    "path": "'' in sys.path",
    "display hook": "sys.displayhook('through the hook')",
    "excepthook": "sys.excepthook.__name__",
    "formatter": "class C: pass\nget_ipython().display_formatter.formatters['text/html'].for_type(C, lambda c: '<c>')\nC()",
    "comm": "import comm\nc = comm.create_comm(target_name='t', data={'a': 1}); c.send({'b': 2}); print(c.target_name)",
    "tqdm": "from tqdm import tqdm\nfor _ in tqdm(range(2), bar_format='{n}', file=sys.stdout): pass",
    "rich": "import rich\nfrom rich.console import Console\nConsole().is_jupyter",
    "logging": "import logging\nlogging.getLogger('x').warning('logged')",
    "logging stream": "logging.basicConfig(stream=sys.stdout, force=True); logging.warning('to stdout')",
    "dunder stdout": "import time\nprint('to the original', file=sys.__stdout__, flush=True); time.sleep(0.5)",
    "faulthandler": "import faulthandler\nfaulthandler.enable(); faulthandler.is_enabled()",
    "signal": "import signal\nsignal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGTERM)",
    "big": "print('line\\n' * 50000)",
    "unicode": "print('snow ☃ \\ud83d'.encode('utf-8', 'replace').decode()); '☃'",
    "surrogate": "len('\\ud83d')",
    "nan": "warnings.simplefilter('ignore')\ndisplay({'application/json': {'x': float('nan')}}, raw=True)",
    "dict keys": "display({'application/json': {1: 2}}, raw=True)",
    "last": "print('end')",
}  # fmt: skip

OURS = {"kernel class": "CellKernel"}
"""Cells whose result names our class, on purpose."""

FRAMES = {"write bytes", "unserialisable"}
"""Cells whose traceback passes through the kernel's own files; type and text of the error are compared."""

RACY = {"subprocess fd", "os system", "os write", "bang", "bash"}
"""Cells in which a kernel's own threads decide what comes first."""

_NOISE = [
    (re.compile(r"0x[0-9a-f]+"), "0x"),
    (re.compile(r"ipykernel_\d+/\d+\.py"), "ipykernel_/.py"),
    (re.compile(r"\d[\d.e+]* (ns|µs|μs|us|ms|s)\b"), "time"),
]


def clean(value: Any) -> Any:
    """An output without what differs between two runs of one kernel."""
    if isinstance(value, str):
        for pattern, text in _NOISE:
            value = pattern.sub(text, value)
        return value
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, list) else value


def comparable(name: str, outputs: list[Any]) -> list[Any]:
    """Outputs of a cell with the pieces of a stream put together: when a kernel flushes depends on the clock."""
    merged: list[Any] = []
    streams: dict[str, Any] = {}
    for output in outputs:
        output = clean(dict(output))
        if output["output_type"] == "stream" and output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
            continue
        if output["output_type"] == "stream":
            streams[output["name"]] = output
        if name in FRAMES:
            output.pop("traceback", None)
        merged.append(output)
    return sorted(merged, key=str) if name in RACY else merged
