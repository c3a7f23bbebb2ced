"""Manifests for the tests of the CLI."""

from __future__ import annotations

from mintworks_cli.references import Supplies
from mintworks_cli.resources import Resources, manifests, sort
from mintworks_cli.yamlfile import parse

METADATA = """\
apiVersion: mintworks.dev/v1alpha1
kind: MetadataJob
metadata: {name: meta}
spec:
  rows: {configMap: {name: rows, key: rows.csv}}
  images: {cid: bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq}
  collection: {name: Lights}
"""
MINT = """\
apiVersion: mintworks.dev/v1alpha1
kind: MintJob
metadata: {name: mint}
spec:
  solana:
    rpcUrls: ["http://chain:8899"]
  wallet: {secret: {name: key, key: id.json}}
  tree: {create: {capacity: 8}}
  metadataFrom: {job: meta}
"""
ROWS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: rows}
data:
  rows.csv: |
    name,image_filename
    One,light-01.png
    Two,light-02.png
"""
KEY = """\
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {id.json: "[1]"}
"""
ALL = (METADATA, MINT, ROWS, KEY)


def resources(*texts: str) -> Resources:
    """The manifests in the texts, validated."""
    return sort(manifests(parse("---\n".join(texts), "f.yaml")))


def supplies(*texts: str) -> Supplies:
    """The manifests in the texts, ready to serve references."""
    return Supplies(resources(*texts))
