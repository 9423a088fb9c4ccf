"""What can be said of a run: each rule a pure function of its curves, settings and corpus."""
