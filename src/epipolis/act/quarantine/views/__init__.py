from .person import mine

__all__ = ["mine"]
