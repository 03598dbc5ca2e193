"""WebSocket for programs with threads: the names and signatures of ``websockets.sync``, on the engine of openline."""

from openline.sync.client import connect as connect
from openline.sync.client import reconnect as reconnect
from openline.sync.client import unix_connect as unix_connect
from openline.sync.connection import ClientConnection as ClientConnection
from openline.sync.connection import Connection as Connection
from openline.sync.connection import ServerConnection as ServerConnection
from openline.sync.connection import broadcast as broadcast
from openline.sync.server import Server as Server
from openline.sync.server import serve as serve
from openline.sync.server import unix_serve as unix_serve
from openline.websocket.basic_auth import basic_auth as basic_auth
