"""Compile an array function to machine code once and keep the result on disk.

The functions release the interpreter lock and are called from ordinary Python threads. Numba's own parallel loops
are avoided on purpose: two web requests that start one at the same time can end the whole process.
"""

import os
import shutil
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

_ENGINES = Path(__file__).parent


@cache
def _cache_folder(engine: str) -> str:
    """A folder for exactly the sources of one engine: Numba itself does not see when a function of another file has changed."""
    digest = sha256()
    for path in [Path(__file__), *sorted((_ENGINES / engine).rglob("*.py"))]:
        digest.update(path.read_bytes())
    folder = _ENGINES / "__pycache__" / f"compiled-{engine}-{digest.hexdigest()[:16]}"
    for former in folder.parent.glob(f"compiled-{engine}-*"):
        if former != folder:
            shutil.rmtree(former, ignore_errors=True)
    return str(folder)


Args = ParamSpec("Args")
Result = TypeVar("Result")


def compiled(
    signature: str | None = None, *, allocates: bool = True
) -> Callable[[Callable[Args, Result]], Callable[Args, Result]]:
    """Compile for exactly one `signature` (arrays that are only read are declared read-only there).

    Without a signature the function is compiled for what it is called with. `allocates=False`, for functions that make
    no arrays: these do not count who else uses an array, which two threads would do to each other's cost.
    """
    options: dict[str, Any] = {"nogil": True} if allocates else {"nogil": True, "_nrt": False, "error_model": "numpy"}

    def compile_function(function: Callable[Args, Result]) -> Callable[Args, Result]:
        njit: Any = numba.njit
        if "NUMBA_CACHE_DIR" not in os.environ:
            engine = function.__module__.removeprefix("epipolis.engines.").partition(".")[0]
            numba.config.CACHE_DIR = _cache_folder(engine)  # type: ignore[attr-defined]  # -- numba makes its settings at run time
        arguments = () if signature is None else (_types(signature),)
        try:
            return cast("Callable[Args, Result]", njit(*arguments, cache=True, **options)(function))
        except RuntimeError:  # no folder can be written to: compile again in every process
            return cast("Callable[Args, Result]", njit(*arguments, **options)(function))

    return compile_function


def _types(signature: str) -> Any:
    """Read `"int64(In64, Out32)"`: In… is an array only read, Out… one written, both one-dimensional and contiguous."""
    array: Any = numba.types.Array
    names: dict[str, Any] = {"int64": numba.int64, "void": numba.void}
    for short, item in {"64": numba.int64, "32": numba.uint32}.items():
        names[f"In{short}"] = array(item, 1, "C", readonly=True)
        names[f"Out{short}"] = array(item, 1, "C")
    names["InTable"] = array(numba.int64, 2, "C", readonly=True)
    names["OutTable"] = array(numba.int64, 2, "C")
    returned, _, arguments = signature.removesuffix(")").partition("(")
    return names[returned](*(names[name.strip()] for name in arguments.split(",")))
