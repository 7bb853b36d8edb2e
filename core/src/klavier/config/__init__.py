"""The configuration file: `klavier.toml`, read strictly, every mistake named at once."""

from klavier.config.load import load_config
from klavier.config.model import Config, DeliverySection, KlaviyoSection

__all__ = ["Config", "DeliverySection", "KlaviyoSection", "load_config"]
