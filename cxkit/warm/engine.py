"""papermill's engine `cxkit`: the cells of a notebook in a fresh fork of a warm process.

    papermill --engine cxkit in.ipynb out.ipynb
    papermill.execute_notebook("in.ipynb", "out.ipynb", engine_name="cxkit")

Everything around a cell is papermill's and nbclient's own code, everything inside is ipykernel's; only the ZMQ
sockets between them are replaced. Where the kernel comes from depends on the caller:

- In a child of a warm parent (a task of a `WarmExecutor` that preloads `PRELOAD`) the cells run in that very process,
  once: the child is the notebook's own. A second notebook in the same child takes the other way.
- Anywhere else this process starts a warm parent of its own on first use, keeps it until it exits, and forks a kernel
  per notebook. What a notebook imports from `WARM_LIBRARIES` is imported there first, so the first notebook costs
  what it costs in a kernel and the following ones find their libraries loaded.

A notebook for another language or another interpreter gets its ordinary kernel, and so does every notebook on a
system other than Linux, where forking a process that has loaded numerical libraries is not known to be sound.

What differs from a kernel of its own, each on purpose:

- Output of subprocesses and of C code comes in order with what Python prints; a kernel mixes them as its threads run.
- One stream output per flush, never one more because 0.2 s have passed.
- `sys.stdout.fileno()` is the captured file, so `subprocess.run(..., stdout=sys.stdout)` shows in the notebook.
- After a death or a timeout the cell that was running is marked as failed and those behind it as pending; papermill
  calls them all completed.
- `exit()` fails the cell that it stands in; a kernel dies, which the next cell finds out, if there is one.
- IPython's start-up files and profile are not read and no history file is written: a report depends on its notebook
  only.
- Libraries may be loaded before they are imported; BLAS and OpenMP run one thread
  (`cxkit.warm.child.ENVIRONMENT`).
- Children share the hash seed of their parent; `random` and `numpy.random` are seeded afresh in each.
- Threads that a notebook left running are not waited for. What it registered with `atexit` runs, its open files are
  closed.
- A lone surrogate is printed as `?`; a kernel loses the whole output.
- In tracebacks that pass through the kernel's own code, and in `type(get_ipython().kernel)`, the names are ours.
- No debugger, no `%connect_info`, no subshells.

This module imports nothing at its top: papermill loads the engines of all installed packages whenever it starts.
"""

from __future__ import annotations

from typing import Any

PRELOAD: tuple[str, ...] = (
    f"{__package__}.kernel:prepare",
    "papermill",
    "pandas",
    "scipy.stats",
    "seaborn",
    "matplotlib.pyplot",
    "pyarrow.parquet",
    f"{__package__}.notebooks:rehearse",
)
"""What a warm parent of reports needs, so that `engine_name="cxkit"` runs inside its children at once."""

_HOME = __name__.partition(".")[0]  # the package that this engine comes with
WARM_LIBRARIES = frozenset({_HOME, "matplotlib", "numpy", "pandas", "pyarrow", "scipy", "seaborn"})
"""Packages that are known to start no thread at import, so that a warm parent may import them for a notebook.

Not statsmodels: it imports polars where that is installed, which starts threads.
"""


class WarmEngine:
    """The engine as papermill finds it; the work is in `cxkit.warm.notebooks`, loaded when a notebook is run."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute a notebook with papermill's semantics; options as for papermill's own engine."""
        from cxkit.warm.notebooks import Engine

        return Engine.execute_notebook(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """The kernel that a notebook names, as papermill reads it."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """The language that a notebook names, as papermill reads it."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))
