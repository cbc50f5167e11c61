"""Figures, each by one command: script/benchmark NAME."""
