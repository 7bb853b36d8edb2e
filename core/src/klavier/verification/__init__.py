"""Verify that a Klaviyo account holds what some events should have left in it.

The events are delivered into a sandbox (`prediction`), some of the profiles are chosen (`sampling`), what the account
holds of them is read (`reading`, by way of `account_reader` and `queries`), events are matched (`matching`), what
Klaviyo changes by itself is set aside (`known`), and what differs is gathered as rows (`verify`) with a verdict.
"""
