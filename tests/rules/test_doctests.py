"""Whoever reads a transform sees what it does: every public function and class of ``transforms/`` has an example that runs."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import transforms


def public() -> Iterator[tuple[str, Any]]:
    """Every public function and class, by module and name."""
    for found in pkgutil.iter_modules(transforms.__path__):
        module = importlib.import_module(f"transforms.{found.name}")
        for name, each in inspect.getmembers(
            module, lambda one: inspect.isfunction(one) or inspect.isclass(one)
        ):
            if each.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{found.name}.{name}", each


def test_every_public_function_and_class_of_the_transforms_has_an_example() -> None:
    examples = {name: doctest.DocTestParser().get_examples(each.__doc__ or "") for name, each in public()}
    assert examples["outcomes.outcomes"]
    assert [name for name, found in examples.items() if not found] == []
