"""One declaration of several Tiltfiles: that of the project, and those of the extensions that run beside it. Pure."""

from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.model.resources import Declaration
from pytilt.tiltfile.running.request import EvaluationResult


def merged(main: EvaluationResult, other: EvaluationResult, name: str) -> EvaluationResult:
    """The result of the main Tiltfile with the resources of an extension; settings are those of the main one.

    Args:
        main: what the project's Tiltfile declared; not failed.
        other: what the extension declared; not failed.
        name: of the extension, for messages.

    Raises:
        UserError: both declare a resource of one name.
    """
    first, second = main.declaration, other.declaration
    assert first is not None
    assert second is not None
    twice = {each.name for each in first.resources} & {each.name for each in second.resources}
    if twice:
        raise UserError(f"extension {name} declares a resource that is there already: {', '.join(sorted(twice))}")
    return EvaluationResult(
        declaration=_merged(first, second),
        config_files=(*main.config_files, *other.config_files),
        warnings=(*main.warnings, *other.warnings),
        repositories=(*main.repositories, *other.repositories),
    )


def _merged(first: Declaration, second: Declaration) -> Declaration:
    return replace(
        first,
        resources=(*first.resources, *second.resources),
        enabled=(*first.enabled, *second.enabled),
        objects=(*first.objects, *second.objects),
        ignores=(*first.ignores, *second.ignores),
        secrets=tuple(sorted({*first.secrets, *second.secrets}, key=lambda pair: len(pair[0]), reverse=True)),
    )
