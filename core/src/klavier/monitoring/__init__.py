"""What monitors ask of a running process: health, readiness and metrics over HTTP."""
