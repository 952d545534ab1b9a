"""What may be wrong with a query."""


class QueryError(Exception):
    """A query that has no answer."""


class RefusedQuery(QueryError, ValueError):
    """A query that cannot be asked, or that the server refuses."""


class Unavailable(QueryError, RuntimeError):
    """The server is not to be had now; another try may help."""
