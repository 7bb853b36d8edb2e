"""Read events from files and pipes, and deliver them through the worker."""
