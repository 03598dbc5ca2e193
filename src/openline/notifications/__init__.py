"""Notifications: an inbox for each user of a hub, which outlives the connection, and Web Push for closed browsers.

`Inbox` is the way in; what sends Web Push stands in `openline.notifications.push`.
"""

from __future__ import annotations

from openline.notifications.inbox import Inbox as Inbox
from openline.notifications.options import InboxOptions as InboxOptions
from openline.notifications.results import InboxCounters as InboxCounters
from openline.notifications.results import Page as Page
from openline.notifications.results import Receipt as Receipt
from openline.notifications.results import Tally as Tally

__all__ = ["Inbox", "InboxCounters", "InboxOptions", "Page", "Receipt", "Tally"]
