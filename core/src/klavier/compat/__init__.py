"""Interfaces of vendors' own libraries, so that a program changes one import."""
