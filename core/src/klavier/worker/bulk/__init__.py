"""Send many requests in one call: what can be combined, how a bulk body is built, what its reply means for each."""
