"""Speak HTTP: the transport over httpx, the encoding of requests, and the descriptions of failures."""
