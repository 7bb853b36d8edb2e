"""Migrate settings from one vendor to another, through a vocabulary that belongs to no vendor."""

from klavier.migration.migrate import migrate
from klavier.migration.model import Carried, Migration, NotCarried
from klavier.migration.portable import Decision, Portable, Written
from klavier.migration.table import Asks, Chooses, Does, Names, Needs, Sets, Table
from klavier.migration.tables.terms import TERMS
from klavier.migration.terms import Reading, Term

__all__ = [
    "TERMS",
    "Asks",
    "Carried",
    "Chooses",
    "Decision",
    "Does",
    "Migration",
    "Names",
    "Needs",
    "NotCarried",
    "Portable",
    "Reading",
    "Sets",
    "Table",
    "Term",
    "Written",
    "migrate",
]
