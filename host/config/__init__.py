"""The configuration file: read, checked and explained. Public to plugins: ``SecretField`` and ``Secret``, for their schemas."""

from host.config.faults import ConfigFault
from host.config.file import Config, load_config
from host.config.secret import Secret, SecretField
from host.config.settings import HostSettings

__all__ = ["Config", "ConfigFault", "HostSettings", "Secret", "SecretField", "load_config"]
