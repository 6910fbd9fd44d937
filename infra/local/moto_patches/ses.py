"""SES v2 in moto: what was sent, with both bodies, tags and headers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.sesv2.responses import SESV2Response

from infra.local.patching import Patches

Sent = Callable[[dict[str, Any], str], None]


def install(patches: Patches, on_sent: Sent) -> None:
    """`on_sent(request, message id)` is called after SES accepted a mail."""
    send = SESV2Response.send_email

    def send_email(self: SESV2Response) -> str:
        answer = send(self)
        on_sent(json.loads(self.body), json.loads(answer)["MessageId"])
        return answer

    patches.replace(SESV2Response, "send_email", send_email)
