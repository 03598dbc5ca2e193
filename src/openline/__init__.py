"""WebSocket for Python, from the wire up.

What programs need is here; the rest of the exceptions are in `openline.exceptions`, and the same for threads in
`openline.sync`.
"""

from openline.exceptions import ConcurrencyError as ConcurrencyError
from openline.exceptions import ConnectionClosed as ConnectionClosed
from openline.exceptions import ConnectionClosedError as ConnectionClosedError
from openline.exceptions import ConnectionClosedOK as ConnectionClosedOK
from openline.exceptions import InvalidHandshake as InvalidHandshake
from openline.exceptions import InvalidOrigin as InvalidOrigin
from openline.exceptions import InvalidProxy as InvalidProxy
from openline.exceptions import InvalidState as InvalidState
from openline.exceptions import InvalidStatus as InvalidStatus
from openline.exceptions import InvalidURI as InvalidURI
from openline.exceptions import NegotiationError as NegotiationError
from openline.exceptions import PayloadTooBig as PayloadTooBig
from openline.exceptions import ProtocolError as ProtocolError
from openline.exceptions import SecurityError as SecurityError
from openline.exceptions import WebSocketException as WebSocketException
from openline.protocol.close_codes import Close as Close
from openline.protocol.close_codes import CloseCode as CloseCode
from openline.protocol.frames import Opcode as Opcode
from openline.protocol.headers import Headers as Headers
from openline.protocol.http11 import Request as Request
from openline.protocol.http11 import Response as Response
from openline.protocol.states import State as State
from openline.version import __version__ as __version__
from openline.websocket.basic_auth import basic_auth as basic_auth
from openline.websocket.broadcast import broadcast as broadcast
from openline.websocket.client import connect as connect
from openline.websocket.client import unix_connect as unix_connect
from openline.websocket.client_connection import ClientConnection as ClientConnection
from openline.websocket.connection import Connection as Connection
from openline.websocket.http import HTTPRequest as HTTPRequest
from openline.websocket.http import HTTPRequestError as HTTPRequestError
from openline.websocket.http import HTTPResponse as HTTPResponse
from openline.websocket.listener import Listener as Listener
from openline.websocket.reconnect import backoff as backoff
from openline.websocket.reconnect import process_exception as process_exception
from openline.websocket.router import Router as Router
from openline.websocket.router import route as route
from openline.websocket.router import unix_route as unix_route
from openline.websocket.server import Server as Server
from openline.websocket.server import serve as serve
from openline.websocket.server import unix_serve as unix_serve
from openline.websocket.server_connection import ServerConnection as ServerConnection
