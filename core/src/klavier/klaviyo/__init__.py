"""Klaviyo's API as data: requests, replies, endpoints with their limits, revisions."""

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import ApiError, Response

__all__ = ["ApiError", "Request", "Response"]
