"""A function of the user's, named as `module:function`."""

import importlib
from collections.abc import Callable
from typing import Any

from configs import InputError
from configs.errors import in_one_line


def load_function(name: str, *, given: str, example: str, signature: str = "") -> Callable[..., Any]:
    """Import the function that a user names as `module:function`.

    Args:
        name: as given by the user.
        given: the option or setting with its value, for messages.
        example: of such a name.
        signature: of the function, for messages.

    Raises:
        InputError: there is no such module or function, the module fails, or the function cannot be called.
    """
    module, _, function = name.partition(":")
    if not (module and function) or module.startswith("."):
        raise InputError(f"{given}: name a module and a function in it, such as {example}")
    try:
        found = getattr(importlib.import_module(module), function)
    except (Exception, SystemExit) as error:  # a module runs when it is imported, and may raise anything
        raise InputError(f"{given}: {in_one_line(error)}: install or correct it, or correct the name") from error
    if not callable(found):
        raise InputError(f"{given}: is no function{signature and f' of {signature}'}, but {found!r}")
    return found
