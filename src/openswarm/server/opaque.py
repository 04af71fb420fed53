"""What a client is handed and sends back unread: ids of tool calls, and proofs of reasoning.

Both carry the backend's own value inside, so that it gets back exactly what it gave, and nothing
has to be kept between requests. What is not ours is taken as it is (ids) or dropped (proofs).
"""

import base64
import binascii
import re

_OUR_ID = re.compile(r"[a-z]{1,8}_os\d{1,9}_([A-Za-z0-9_-]*)")
_OUR_PROOF = "openswarm-"


def hand_out_id(prefix: str, number: int, identity: str) -> str:
    """The id of a call, in letters that every client takes: `toolu_os3_Y2FsbF8w`.

    `number` is the call's place in the conversation, since some backends begin anew every turn.
    """
    return f"{prefix}_os{number}_{_encoded(identity)}"


def take_back_id(identity: str) -> str:
    """The backend's id; another server's is taken as it is."""
    match = _OUR_ID.fullmatch(identity)
    return (_decoded(match[1]) if match else None) or identity


def hand_out_proof(signature: str) -> str:
    """A signature as the client sees it; never empty, as clients drop thoughts without one."""
    return _OUR_PROOF + _encoded(signature)


def take_back_proof(proof: str) -> str:
    """The backend's signature; '' where it gave none, or another server did."""
    if not proof.startswith(_OUR_PROOF):
        return ""
    return _decoded(proof.removeprefix(_OUR_PROOF)) or ""


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(text: str) -> str | None:
    padded = text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
