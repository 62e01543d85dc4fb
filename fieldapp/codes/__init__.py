"""The code on an enterprise's door: issued, printed, read."""

from fieldapp.codes.blueprint import bp
from fieldapp.codes.models import QrCode
from fieldapp.codes.routes import init

__all__ = ["QrCode", "bp", "init"]
