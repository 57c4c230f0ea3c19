"""A service of Docker Compose as a text, which differs when the service does."""

from pytilt.tiltfile.compose.paths import Config


def service_text(config: Config) -> str:
    """The YAML of a service in its normal form."""
    import yaml

    return yaml.safe_dump(config, sort_keys=False, default_flow_style=False, allow_unicode=True, indent=4)
