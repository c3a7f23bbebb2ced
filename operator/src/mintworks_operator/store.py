"""One kind of object in the cache: the newest version of each, by uid, with an index."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

Json = dict[str, Any]

#: Uids of deleted objects that are remembered: an answer to a write may arrive after the deletion was seen.
_REMEMBERED = 50_000


def version(obj: Json) -> int:
    """The object's resourceVersion, which grows with every change (Kubernetes compares them as numbers too)."""
    return int(obj["metadata"]["resourceVersion"])


class Store:
    """Objects of one kind. `index` groups them, so that a pass finds its own without a search."""

    def __init__(self, index: Callable[[Json], Hashable]) -> None:
        self._index = index
        self._objects: dict[str, Json] = {}
        self._groups: dict[Hashable, dict[str, Json]] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._objects)

    def news(self, obj: Json) -> bool:
        """Whether that version is newer than what is known of the object."""
        uid = obj["metadata"]["uid"]
        old = self._objects.get(uid)
        return uid not in self._gone and (old is None or version(old) < version(obj))

    def put(self, obj: Json) -> None:
        """Takes a version in that is `news`."""
        uid = obj["metadata"]["uid"]
        old = self._objects.get(uid)
        if old is not None:
            self._leave(old)
        self._objects[uid] = obj
        self._groups.setdefault(self._index(obj), {})[uid] = obj

    def drop(self, uid: str) -> Json | None:
        """Forgets an object for good. Answers its last version, where it was known."""
        self._gone[uid] = None
        while len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)
        old = self._objects.pop(uid, None)
        if old is not None:
            self._leave(old)
        return old

    def gone(self, uid: str) -> bool:
        """Whether the object of that uid is known to be gone."""
        return uid in self._gone

    def get(self, uid: str) -> Json | None:
        """The object of that uid."""
        return self._objects.get(uid)

    def group(self, key: Hashable) -> list[Json]:
        """The objects with that index."""
        return list(self._groups.get(key, {}).values())

    def one(self, key: Hashable) -> Json | None:
        """The object with that index; of several (one is being replaced) the newest."""
        return max(self.group(key), key=version, default=None)

    def all(self) -> list[Json]:
        """Every object."""
        return list(self._objects.values())

    def _leave(self, obj: Json) -> None:
        key = self._index(obj)
        group = self._groups[key]
        del group[obj["metadata"]["uid"]]
        if not group:
            del self._groups[key]
