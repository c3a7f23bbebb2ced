"""The keys and certificates of a cluster: one authority, one certificate for each part."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mintworks_dev import private

LIFETIME = datetime.timedelta(days=365)
SKEW = datetime.timedelta(minutes=5)
"""Certificates start this long ago: a clock that steps back must not make them invalid."""

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True)
class Leaf:
    """What a certificate says: its common name, its groups, its uses, and the names it serves under."""

    common_name: str
    organization: str = ""
    usages: tuple[x509.ObjectIdentifier, ...] = (CLIENT,)
    hosts: tuple[str, ...] = ()


def _name(leaf: Leaf) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)]
    if leaf.organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, leaf.organization))
    return x509.Name(attributes)


def _alternatives(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return x509.SubjectAlternativeName(names)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def write_key(key: ec.EllipticCurvePrivateKey, path: Path) -> None:
    """Write the private key as PEM, readable by its owner alone."""
    private.write(
        path,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


class Authority:
    """A certificate authority that signs for `folder` (NAME.crt and NAME.key, as PEM) as of `now` (UTC)."""

    def __init__(self, folder: Path, now: datetime.datetime) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mintworks-dev")])
        self._certificate = self._sign_itself()
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def path(self) -> Path:
        """The authority's own certificate."""
        return self.folder / "ca.crt"

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - SKEW)
            .not_valid_after(self._now + LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            # Newer Pythons verify strictly and refuse a leaf without this.
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def _sign_itself(self) -> x509.Certificate:
        return (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, name: str, leaf: Leaf) -> None:
        """Make a key and a certificate for `leaf` as `name`.key and `name`.crt."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            self._builder(_name(leaf), key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(leaf.usages), critical=False)
        )
        if leaf.hosts:
            builder = builder.add_extension(_alternatives(leaf.hosts), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        write_key(key, self.folder / f"{name}.key")
        (self.folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def write_token_keys(folder: Path) -> None:
    """Make the key pair that service account tokens are signed with: sa.key and sa.pub."""
    key = ec.generate_private_key(ec.SECP256R1())
    write_key(key, folder / "sa.key")
    (folder / "sa.pub").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


API_SERVER_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


SCHEDULER = Leaf("system:kube-scheduler")


def control_plane_leaves(*addresses: str) -> dict[str, Leaf]:
    """The certificates of a control plane whose API server answers at `addresses`."""
    return {
        "apiserver": Leaf("kube-apiserver", usages=(SERVER,), hosts=(*API_SERVER_NAMES, "localhost", *addresses)),
        "admin": Leaf("admin", "system:masters"),
        "controller-manager": Leaf("system:kube-controller-manager"),
    }


def node_leaves(node: str, address: str) -> dict[str, Leaf]:
    """The further certificates of a cluster with one node."""
    return {
        "kubelet": Leaf(f"system:node:{node}", "system:nodes", (SERVER, CLIENT), (node, address)),
        "apiserver-kubelet-client": Leaf("kube-apiserver-kubelet-client", "system:masters"),
        "scheduler": SCHEDULER,
        "proxy": Leaf("system:kube-proxy"),
        "coredns": Leaf("mintworks:coredns"),
        "volumes": Leaf("mintworks:volumes"),
    }
