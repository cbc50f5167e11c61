"""The staircase: one running site, which needs no Home Assistant."""

from .site import BalanzSite

__all__ = ["BalanzSite"]
