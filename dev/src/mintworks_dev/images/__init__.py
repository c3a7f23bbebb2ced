"""The images of Mintworks and of its development world, built without an engine and without a registry."""

from mintworks_dev.images.building import Image, build, load
from mintworks_dev.images.catalog import PREFIX, RECIPES

__all__ = ["PREFIX", "RECIPES", "Image", "build", "load"]
