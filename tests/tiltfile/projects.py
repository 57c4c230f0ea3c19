"""Texts that the projects of these tests are made of."""

DOCKERFILE = "FROM busybox\n"


def deployment(name: str, image: str, *, kind: str = "Deployment", more: str = "") -> str:
    """A workload of one container."""
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
        f"spec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n"
        f"    metadata: {{labels: {{app: {name}}}}}\n"
        f"    spec: {{containers: [{{name: c, image: {image}{more}}}]}}\n"
    )


def service(name: str, app: str) -> str:
    """A Service that leads to the pods of a workload."""
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{selector: {{app: {app}}}, ports: [{{port: 80}}]}}\n"
    )


def secret(name: str, key: str, value: str) -> str:
    """A Secret with one value."""
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{{key}: {value}}}\n"


def config_map(name: str) -> str:
    """A ConfigMap."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def documents(*texts: str) -> str:
    """One YAML text of several."""
    return "---\n".join(texts)
