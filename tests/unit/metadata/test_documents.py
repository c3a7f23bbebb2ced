"""Documents: their exact bytes, the images' URIs and types, and the map from names to CIDs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_api.metadatajob import CollectionData
from mintworks_runners.metadata.documents import Documents, document_uri
from mintworks_runners.metadata.images import ImageFolder, category, mime_type
from mintworks_runners.metadata.rows import Attribute, Row
from mintworks_runners.solana.metadata import MAX_URI_BYTES
from support.specs import ADDRESS, CID

GENESIS = CollectionData.model_validate(
    {
        "name": "Genesis",
        "symbol": "GEN",
        "sellerFeeBasisPoints": 500,
        "creators": [{"address": ADDRESS, "share": 100}],
        "externalUrl": "https://genesis.example/",
    }
)
ROW = Row(2, 0, "Genesis #0", 'a "b"\né🎌', "0.png", ADDRESS, (Attribute("Level", 3), Attribute("Colour", "red")))


def test_the_bytes_of_a_document() -> None:
    image = ImageFolder(CID).uri("0.png")
    assert image is not None
    assert Documents(GENESIS).document(ROW, image).decode() == (
        '{"name":"Genesis #0","symbol":"GEN","description":"a \\"b\\"\\né🎌","seller_fee_basis_points":500,'
        f'"image":"ipfs://{CID}/0.png","external_url":"https://genesis.example/",'
        '"attributes":[{"trait_type":"Level","value":3},{"trait_type":"Colour","value":"red"}],'
        '"collection":{"name":"Genesis"},'
        f'"properties":{{"files":[{{"uri":"ipfs://{CID}/0.png","type":"image/png"}}],"category":"image",'
        f'"creators":[{{"address":"{ADDRESS}","share":100}}]}}}}'
    )


def test_what_is_not_given_is_not_there() -> None:
    row = Row(2, 0, "One", "", "clip.mp4", ADDRESS, ())
    value = json.loads(Documents(CollectionData(name="G")).document(row, "ipfs://x/clip.mp4"))
    assert set(value) == {
        "name", "symbol", "description", "seller_fee_basis_points", "image", "attributes", "collection", "properties"
    }  # fmt: skip
    assert value["properties"] == {
        "files": [{"uri": "ipfs://x/clip.mp4", "type": "video/mp4"}],
        "category": "video",
    }
    assert value["attributes"] == []


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_and_recipients_stay_out(description: str, value: str) -> None:
    row = Row(2, 0, "One", description, "1.png", ADDRESS, (Attribute("C", value),))
    data = Documents(CollectionData(name="G")).document(row, "x")
    found = json.loads(data)
    assert (found["description"], found["attributes"][0]["value"]) == (description, value)
    assert ADDRESS.encode() not in data


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
attributes = st.builds(
    Attribute,
    texts,
    texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
    st.none() | st.sampled_from(["number", "date"]),
)


@given(texts, texts, st.lists(attributes, max_size=4), st.none() | texts, st.none() | texts)
def test_the_bytes_are_those_of_the_standard_library(
    name: str, image: str, found: list[Attribute], animation: str | None, external: str | None
) -> None:
    row = Row(2, 0, name, "", image, None, tuple(found), animation, external)
    data = Documents(GENESIS).document(row, image, animation)
    assert json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":")).encode() == data


@pytest.mark.parametrize(
    ("animation", "mime", "kind"),
    [
        (f"ipfs://{CID}/clip.mp4", "video/mp4", "video"),
        ("https://a.example/x?ext=glb#t", "model/gltf-binary", "vr"),
        ("https://a.example/song.mp3?v=2", "audio/mpeg", "audio"),
        ("https://a.example/player", "application/octet-stream", "image"),
    ],
)
def test_an_animation_stands_beside_the_image(animation: str, mime: str, kind: str) -> None:
    row = Row(2, 0, "One", "", "1.png", None, (), animation, "https://one.example/")
    made = json.loads(Documents(GENESIS).document(row, "ipfs://x/1.png", animation))
    assert (made["animation_url"], made["external_url"]) == (animation, "https://one.example/")
    assert made["properties"]["files"] == [
        {"uri": "ipfs://x/1.png", "type": "image/png"},
        {"uri": animation, "type": mime},
    ]
    assert made["properties"]["category"] == kind


def test_a_type_does_not_depend_on_other_rows() -> None:
    """What is remembered of one name must not be taken for another's."""
    names = ["a.png", "png", "x.d/png", ".png", "b.PNG", "b.", "b"]
    rows = [Row(2, 0, "One", "", name, None, ()) for name in names]
    made = Documents(GENESIS)
    together = [made.document(row, "x") for row in rows]
    assert together == [Documents(GENESIS).document(row, "x") for row in rows]
    types = [json.loads(one)["properties"]["files"][0]["type"] for one in together]
    assert types == [mime_type(name) for name in names]


def test_uris_fit_the_chain() -> None:
    assert document_uri(CID, 7) == f"ipfs://{CID}/7.json"
    assert len(document_uri("b" + "a" * 110, 1 << 30)) <= MAX_URI_BYTES


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("0.png", "0.png"),
        ("set a/ä (1).png", "set%20a/%C3%A4%20(1).png"),
        ("50%#?.png", "50%25%23%3F.png"),
    ],
)
def test_image_uris_are_encoded(name: str, uri: str) -> None:
    assert ImageFolder(CID).uri(name) == f"ipfs://{CID}/{uri}"


@pytest.mark.parametrize(
    ("name", "mime", "kind"),
    [
        ("a.PNG", "image/png", "image"),
        ("a.b.jpeg", "image/jpeg", "image"),
        ("folder.d/a.mp3", "audio/mpeg", "audio"),
        ("a.glb", "model/gltf-binary", "vr"),
        ("a.html", "text/html", "html"),
        ("folder.png/a", "application/octet-stream", "image"),
        ("a.unknown", "application/octet-stream", "image"),
    ],
)
def test_types_by_extension(name: str, mime: str, kind: str) -> None:
    assert (mime_type(name), category(mime_type(name))) == (mime, kind)
