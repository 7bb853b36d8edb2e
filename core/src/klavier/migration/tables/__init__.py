"""The vocabulary of migrations, as a table."""
