"""Freshpaint's tables, to be held beside its document."""
