"""The configuration: `klavier.toml` or a mapping, read strictly, every mistake named at once."""
