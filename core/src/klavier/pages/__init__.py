"""What klavier's HTML pages share: the template environment and the look."""
