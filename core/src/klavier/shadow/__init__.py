"""The shadow: a second vendor whose results are compared with the delivering one's, live and without sending."""
