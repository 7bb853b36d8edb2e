"""Where the configuration is."""

CONFIG_FILE = "klavier.toml"
"""The configuration file in the working directory, where none is named."""

CONFIG_VARIABLE = "KLAVIER_CONFIG"
"""The environment variable that names the configuration file, where the program names none."""
