"""Shared documents: Yjs editors of the browser on a hub, with `pycrdt` on the server. See docs/documents.md."""

from openline.documents.access import Access as Access
from openline.documents.codes import CloseDocument as CloseDocument
from openline.documents.counters import DocumentCounters as DocumentCounters
from openline.documents.documents import Documents as Documents
from openline.documents.options import DocumentOptions as DocumentOptions
from openline.documents.storage import Version as Version
