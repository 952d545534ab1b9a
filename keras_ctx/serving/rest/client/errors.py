"""The errors of a query."""


class QueryError(Exception):
    """A query without an answer."""


class RefusedQuery(QueryError, ValueError):
    """A query that cannot be sent, or that the server refuses."""


class Unavailable(QueryError, RuntimeError):
    """The server is unavailable; a retry may help."""
