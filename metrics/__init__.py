"""Objective speech metrics, as pure functions of arrays."""
