"""Which image a reference means, which images an image builds upon, and which a resource needs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.images.dockerfile import image_uses
from pytilt.model import references
from pytilt.model.images import DockerBuild, Image
from pytilt.model.names import ImageName


class ImageIndex:
    """The images of a Tiltfile, found by reference.

    Args:
        images: as they were declared; the tag counts for those that have one, and for all of a repository that is
            declared more than once.

    Raises:
        UserError: an image depends on one that is not built here.
    """

    def __init__(self, images: Sequence[Image]) -> None:
        self._by_repository: dict[str, ImageName] = {}
        self._by_reference: dict[str, ImageName] = {}
        repositories = Counter(references.parse(image.name).name for image in images)
        self._shared = {repository for repository, count in repositories.items() if count > 1}
        for image in images:
            parsed = references.parse(image.name)
            if self._is_exact(image):
                self._by_reference[parsed.canonical] = image.name
            else:
                self._by_repository[parsed.name] = image.name
        # A Dockerfile that names one of them builds upon the image of that name, which is none of ours.
        self._not_built = {image.name for image in images if image.live_update_only}
        self._used: set[ImageName] = set()
        self._asked: dict[str, None] = {}
        self.images: Mapping[ImageName, Image] = {image.name: self._completed(image) for image in images}

    def find(self, text: str) -> ImageName | None:
        """The image that a reference means, which counts as used from now on; None when it is not built here."""
        found = references.try_parse(text)
        if found is None:
            return None
        self._asked[found.familiar_name] = None
        name = self._by_reference.get(found.canonical) or self._by_repository.get(found.name)
        if name is not None:
            self._used.add(name)
        return name

    @property
    def unused(self) -> tuple[ImageName, ...]:
        """The images that nothing asked for."""
        return tuple(name for name in self.images if name not in self._used)

    @property
    def asked(self) -> tuple[str, ...]:
        """Every repository that something asked for, whether it is built here or not."""
        return tuple(self._asked)

    def needed(self, deployed: Sequence[ImageName]) -> tuple[Image, ...]:
        """The images that a resource needs, base images first.

        Args:
            deployed: those that its workload runs.

        Raises:
            UserError: an image builds upon itself.
        """
        done: dict[ImageName, None] = {}
        for name in deployed:
            self._visit(name, (), done)
        return tuple(
            self.images[name] if name in deployed else replace(self.images[name], deployed=False) for name in done
        )

    def _completed(self, image: Image) -> Image:
        bases = tuple(dict.fromkeys(self._bases(image)))
        files = replace(image.files, follow=image.live_update.followed) if image.live_update else image.files
        return replace(image, base_images=bases, match_exact=self._is_exact(image), files=files)

    def _is_exact(self, image: Image) -> bool:
        parsed = references.parse(image.name)
        return bool(parsed.tag) or parsed.name in self._shared

    def _bases(self, image: Image) -> Iterable[ImageName]:
        if isinstance(image.build, DockerBuild):
            uses = _references(image.build.contents or "", image.build.build_args)
            return [name for text in uses if (name := self.find(text)) and name not in self._not_built]
        return [self._dep(image.name, dep) for dep in image.build.image_deps]

    def _dep(self, image: ImageName, dep: ImageName) -> ImageName:
        name = self.find(dep)
        if name is None:
            raise UserError(
                f'image "{image}": image dep "{dep}" not found', hint="build it with `docker_build` or `custom_build`"
            )
        return name

    def _visit(self, name: ImageName, path: tuple[ImageName, ...], done: dict[ImageName, None]) -> None:
        if name in done:
            return
        if name in path:
            raise UserError(f"Image dependency cycle: {name}", hint=" -> ".join([*path, name]))
        for base in self.images[name].base_images:
            self._visit(base, (*path, name), done)
        done[name] = None


@lru_cache(maxsize=256)  # many images share one Dockerfile
def _references(dockerfile: str, build_args: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(use.reference for use in image_uses(dockerfile, dict(build_args)))
