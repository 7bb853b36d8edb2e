"""Translations made in one go, for events with the members that other events had before.

An event's shape is the names of its members.  Where a shape comes again and again, the general way is gone once more
with a marker in the place of each value; where the markers come out is then written down as one function.  So every
rule stands in one place, and most events cost little more than their own members.  What a rule asks of a value is a
guard in the function: where one does not hold, the general way is gone.
"""
