"""Web Push: notifications for a browser that is closed (RFC 8030, 8291, 8292). Needs ``openline[push]``."""

from __future__ import annotations

from openline.notifications.push.endpoints import BadSubscription as BadSubscription
from openline.notifications.push.keys import VapidKeys as VapidKeys
from openline.notifications.push.sender import PushCounters as PushCounters
from openline.notifications.push.sender import WebPush as WebPush

__all__ = ["BadSubscription", "PushCounters", "VapidKeys", "WebPush"]
