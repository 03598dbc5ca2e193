"""The playground that ``openline demo`` serves: small applications in the browser, beside the frames of their lines."""

from openline.playground.start import CannotListen as CannotListen
from openline.playground.start import Certificate as Certificate
from openline.playground.start import run as run

__all__ = ["CannotListen", "Certificate", "run"]
