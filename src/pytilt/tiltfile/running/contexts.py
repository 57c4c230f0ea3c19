"""Whether the current context may be deployed to, and what is said when not."""

from collections.abc import Collection

from pytilt.tiltfile.running.request import EvaluationRequest


def is_allowed(request: EvaluationRequest, allowed: Collection[str]) -> bool:
    """Is there no context, one for development, or one that the Tiltfile allows?"""
    return request.context is None or request.context_is_dev or request.context in allowed


def refused_deploy(context: str | None) -> str:
    """What is said instead of deploying."""
    return (
        f"Stop! {context} might be production.\n"
        "If you're sure you want to deploy there, add:\n"
        f"\tallow_k8s_contexts('{context}')\n"
        "to your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
    )


def refused_call(name: str, context: str | None) -> str:
    """What is said instead of running a function that may change a cluster."""
    return (
        f"Refusing to run '{name}' because {context} might be a production kube context.\n"
        "If you're sure you want to continue add:\n"
        f"\tallow_k8s_contexts('{context}')\n"
        "before this function call in your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
    )
