"""Klaviyo's API as data: requests, replies, endpoints with their limits, revisions."""

from klavier.klaviyo.limits import refusal
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import ApiError, Response
from klavier.klaviyo.revisions import CURRENT
from klavier.values import klaviyo_time

__all__ = ["CURRENT", "ApiError", "Request", "Response", "klaviyo_time", "refusal"]
