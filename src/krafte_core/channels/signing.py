"""Whether a webhook is genuine: the channels' signatures, checked over the raw bytes, in constant time, before anything is parsed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from krafte_core.errors import BadSignature, ChannelError, InvalidInput, Replayed

WINDOW = timedelta(minutes=5)
"""How far the signed time of a webhook may be from ours."""
MAX_HEADER = 16_384


def headers_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers by their names in small letters.

    >>> headers_of({"X-Shop": "1"})
    {'x-shop': '1'}
    """
    return {str(name).lower(): value for name, value in headers.items() if isinstance(value, str) and len(value) <= MAX_HEADER}


def raw(channel: str, body: bytes) -> bytes:
    """The body as it came over the wire: text is refused, because printing it again would change what was signed.

    Raises:
        ChannelError: (`channel_error`)
    """
    if isinstance(body, bytearray | memoryview):
        return bytes(body)
    if not isinstance(body, bytes):
        raise ChannelError(channel, type(body).__name__, "the raw bytes of the body")
    return body


def secrets_of(secret: str | Iterable[str]) -> tuple[str, ...]:
    """One secret or several: while a secret is changed, the old and the new one are good.

    Raises:
        InvalidInput: (`invalid_input`) none, or an empty one.
    """
    found = (secret,) if isinstance(secret, str) else tuple(secret)
    if not found or not all(isinstance(one, str) and one for one in found):
        raise InvalidInput("secret", f"{len(found)} secrets", "one secret or several, none of them empty")
    return found


def check_hmac(channel: str, body: bytes, signature: str | None, secrets: Iterable[str]) -> None:
    """A signature that is the Base64 text of HMAC-SHA256 over the body (Shopify, WooCommerce).

    Raises:
        BadSignature: (`bad_signature`) missing, or by no secret.
    """
    given = (signature or "").encode("utf-8", "replace")
    good = False
    for secret in secrets:  # all of them, so that time tells nothing
        wanted = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
        good |= hmac.compare_digest(wanted, given)
    if not good:
        raise BadSignature(
            channel, "a signature that does not fit" if signature else "no signature", "HMAC-SHA256 of the body, Base64"
        )


def check_standard(channel: str, body: bytes, headers: Mapping[str, str], keys: Iterable[bytes], now: datetime) -> datetime:
    """The scheme of standardwebhooks.com (Etsy, BigCommerce); gives the signed time.

    Raises:
        BadSignature: (`bad_signature`) missing or by no key. Replayed: (`replayed`) signed too long ago, or in the future.
    """
    name, stamp, given = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    signed = b".".join((name.encode("utf-8", "replace"), stamp.encode("utf-8", "replace"), body))
    offered = [row[3:].encode("utf-8", "replace") for row in given.split(" ") if row.startswith("v1,")]
    good = False
    for key in keys:
        wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        for one in offered[:16]:
            good |= hmac.compare_digest(wanted, one)
    if not (good and name and stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise BadSignature(
            channel, "a signature that does not fit" if given else "no signature", "a signature v1 of id, time and body"
        )
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(stamp))
    if abs(now - at) > WINDOW:
        raise Replayed(channel, at.isoformat(), f"a time within {WINDOW} of {now.isoformat()}")
    return at


def standard_key(secret: str) -> bytes:
    """The key of a secret in the spelling `whsec_...`.

    Raises:
        InvalidInput: (`invalid_input`)

    >>> standard_key("whsec_c2VjcmV0")
    b'secret'
    """
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise InvalidInput("secret", "a secret that is no Base64", "'whsec_' and Base64") from problem


def challenge(code: str, token: str, endpoint: str) -> str:
    """EBay's question whether an endpoint is ours: the hex SHA-256 of code, token and URL, in this order.

    >>> challenge("a", "b", "https://example.org")[:12]
    '9615776959dc'
    """
    return hashlib.sha256(f"{code}{token}{endpoint}".encode()).hexdigest()


def ebay_key_id(headers: Mapping[str, str]) -> str:
    """The name of the public key that is asked for with `GET /commerce/notification/v1/public_key/{kid}`.

    Raises:
        BadSignature: (`bad_signature`) no readable signature header.
    """
    return str(_ebay_header(headers)["kid"])


def _ebay_header(headers: Mapping[str, str]) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(headers_of(headers)["x-ebay-signature"], validate=True))
        if isinstance(found, dict) and all(isinstance(found.get(name), str) for name in ("kid", "signature", "digest")):
            return found
    except (KeyError, ValueError, RecursionError):
        pass
    raise BadSignature("ebay", "no readable signature", "Base64 of JSON with kid, signature and digest")


def check_ebay(body: bytes, headers: Mapping[str, str], public_key: str) -> None:
    """A signature by ECDSA over the body; needs the package `cryptography` (extra `channels`).

    Raises:
        BadSignature: (`bad_signature`) it does not fit, or the key is none.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415 - an extra, needed for one channel
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    told = _ebay_header(headers)
    digest = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}.get(told["digest"].replace("-", "").upper())
    try:
        inner = public_key.replace("-----BEGIN PUBLIC KEY-----", "").replace("-----END PUBLIC KEY-----", "")
        key = load_der_public_key(base64.b64decode("".join(inner.split()), validate=True))
        if digest is not None and isinstance(key, EllipticCurvePublicKey):
            key.verify(base64.b64decode(told["signature"], validate=True), body, ECDSA(digest()))
            return
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as problem:
        raise BadSignature("ebay", "a signature that does not fit", "ECDSA over the body") from problem
    raise BadSignature("ebay", told["digest"][:20], "SHA1 or SHA256 with an elliptic-curve key")
