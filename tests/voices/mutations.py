"""Values of a tree replaced by others of another type, for readers that have to notice."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import torch

OTHERS: tuple[Any, ...] = (None, "other", -1, 0.5, float("nan"), True, [], {}, ["x"], {"x": 1}, torch.zeros(2, 3))


def places(tree: Any, depth: int = 3) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a tree of mappings and lists, as keys and indexes, to a depth."""
    if depth:
        pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list | tuple) else ()
        for key, value in list(pairs)[:6]:
            yield (key,)
            yield from ((key, *rest) for rest in places(value, depth - 1))


def mutations(
    tree: dict[str, Any], count: int, *, seed: int = 0, depth: int = 3
) -> Iterator[tuple[str, dict[str, Any]]]:
    """So many copies of a tree, each with one value missing or replaced; and what was done."""
    chance, found = random.Random(seed), list(places(tree, depth))
    for _ in range(count):
        place, other = chance.choice(found), chance.choice((..., *OTHERS))
        changed = _copied(tree, place)
        inner = changed
        for key in place[:-1]:
            inner = inner[key]
        if other is ... and isinstance(inner, dict):
            del inner[place[-1]]
        else:
            inner[place[-1]] = None if other is ... else copy.deepcopy(other)
        yield f"{'.'.join(map(str, place))} = {'(missing)' if other is ... else repr(other)[:40]}", changed


def _copied(tree: Any, place: tuple[Any, ...]) -> Any:
    """A copy of what is on the way to a place; all else is shared."""
    if not place:
        return tree
    made: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    made[place[0]] = _copied(tree[place[0]], place[1:])
    return made
