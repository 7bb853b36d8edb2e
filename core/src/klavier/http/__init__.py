"""Speak HTTP: the transport, the encoding of requests, and the descriptions of failures."""
