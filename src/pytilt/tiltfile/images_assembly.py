"""Which image a reference means, which images an image builds upon, and which a resource needs."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pytilt.errors import UserError
from pytilt.images import reference
from pytilt.images.dockerfile import image_uses
from pytilt.model.images import CustomBuild, DockerBuild, Image
from pytilt.model.names import ImageName


class ImageIndex:
    """The images of a Tiltfile, found by reference.

    Args:
        images: as they were declared; the tag counts for those whose repository is declared more than once.
    """

    def __init__(self, images: Sequence[Image]) -> None:
        repositories = [reference.parse(image.name).name for image in images]
        self._by_name: dict[str, ImageName] = {}
        self._by_reference: dict[str, ImageName] = {}
        self._exact = (
            {name for name in repositories if repositories.count(name) > 1} if _has_twins(repositories) else set()
        )
        for image, repository in zip(images, repositories, strict=True):
            self._by_name.setdefault(repository, image.name)
            self._by_reference[reference.parse(image.name).canonical] = image.name
        self.used: dict[ImageName, None] = {}
        """The images that something asked for."""
        self.asked: dict[str, None] = {}
        """Every repository that something asked for, whether it is built here or not."""
        self.images: Mapping[ImageName, Image] = {}
        self.images = self._with_bases(images, repositories)

    def find(self, text: str) -> ImageName | None:
        """The image that a reference means, which counts as used from now on; None when it is not built here."""
        found = reference.try_parse(text)
        if found is None:
            return None
        self.asked[found.familiar_name] = None
        exact = found.name in self._exact
        name = self._by_reference.get(found.canonical) if exact else self._by_name.get(found.name)
        if name is not None:
            self.used[name] = None
        return name

    @property
    def unused(self) -> tuple[ImageName, ...]:
        """The images that nothing asked for."""
        return tuple(name for name in self.images if name not in self.used)

    def _with_bases(self, images: Sequence[Image], repositories: Sequence[str]) -> Mapping[ImageName, Image]:
        uses: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, ...]] = {}
        return {
            image.name: msgspec.structs.replace(
                image, base_images=self._bases(image, uses), match_exact=repository in self._exact
            )
            for image, repository in zip(images, repositories, strict=True)
        }

    def _bases(
        self, image: Image, uses: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, ...]]
    ) -> tuple[ImageName, ...]:
        """In the order of their first use; `uses` remembers what a text that several images share builds upon."""
        if isinstance(image.build, DockerBuild):
            key = (image.build.contents or "", image.build.build_args)
            if key not in uses:
                uses[key] = tuple(use.reference for use in image_uses(key[0], dict(key[1])))
            found = [name for text in uses[key] if (name := self.find(text))]
        else:
            found = [self._dep(image, image.build, dep) for dep in image.build.image_deps]
        return tuple(dict.fromkeys(found))

    def _dep(self, image: Image, _build: CustomBuild, dep: ImageName) -> ImageName:
        name = self.find(dep)
        if name is None:
            raise UserError(
                f'image "{image.name}": image dep "{dep}" not found',
                hint="build it with `docker_build` or `custom_build`",
            )
        return name

    def needed(self, deployed: Iterable[ImageName]) -> tuple[Image, ...]:
        """The images that a resource needs, base images first.

        Args:
            deployed: those that its workload runs.

        Raises:
            UserError: an image builds upon itself.
        """
        wanted = tuple(deployed)
        done: dict[ImageName, None] = {}
        for name in wanted:
            self._visit(name, (), done)
        return tuple(
            msgspec.structs.replace(self.images[name], deployed=False) if name not in wanted else self.images[name]
            for name in done
        )

    def _visit(self, name: ImageName, path: tuple[ImageName, ...], done: dict[ImageName, None]) -> None:
        if name in done:
            return
        if name in path:
            raise UserError(f"Image dependency cycle: {name}", hint=f"{' -> '.join((*path, name))}")
        for base in self.images[name].base_images:
            self._visit(base, (*path, name), done)
        done[name] = None


def _has_twins(repositories: Sequence[str]) -> bool:
    return len(set(repositories)) < len(repositories)
