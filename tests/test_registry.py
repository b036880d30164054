"""Registries take exact names, refuse duplicates and list the choices."""

import pytest

from ablate.registry import Registry


def test_registry() -> None:
    registry: Registry[type] = Registry("shape")
    registry.register("ring")(int)
    registry.register("cross")(str)
    assert registry["ring"] is int and list(registry) == ["ring", "cross"]
    with pytest.raises(ValueError, match="shape 'ring' is registered twice"):
        registry.register("ring")(float)
    for near in ("Ring", "rin", "rings", ""):
        with pytest.raises(ValueError, match=r"unknown shape .*; choose from ring, cross"):
            registry[near]
