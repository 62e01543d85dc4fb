"""Who may do what with a visit."""

from fieldapp.enterprises.access import can_record_visit

__all__ = ["can_record_visit"]
