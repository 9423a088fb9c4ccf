"""The rules of the diagnosis: each is a pure function of a run's curves, settings and corpus."""
