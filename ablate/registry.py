"""Exact-name registries: a duplicate raises, a miss lists the choices."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Components of one kind by their exact names."""

    def __init__(self, kind: str) -> None:
        """Start empty; `kind` names the components in errors."""
        self.kind = kind
        self._items: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that files a component under `name`.

        Raises:
            ValueError: the name is taken.
        """

        def add(item: T) -> T:
            if name in self._items:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._items[name] = item
            return item

        return add

    def __getitem__(self, name: str) -> T:
        """The component called `name`.

        Raises:
            ValueError: no such component; the message lists the names.
        """
        if name not in self._items:
            raise ValueError(f"unknown {self.kind} {name!r}; choose from {', '.join(self)}")
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        """Names in the order of registration."""
        return iter(self._items)
