"""Sends odd requests to a server by gRPC and REST."""

from collections.abc import Mapping

from conversations import rows_in
from cpp_server import Arrays, Signature
from model_server import ModelServer
from served_models import Case
from signature_requests import (
    ODD_TEXTS,
    odd_requests,
    odd_text_requests,
    refused_by_rest,
    request_of,
)


def check_odd_requests(
    server: ModelServer,
    name: str,
    case: Case,
    signatures: Mapping[str, Signature],
    huge_texts: Mapping[str, bytes],
) -> None:
    """Checks every signature of the model `name`; raises on differences."""
    for key, signature in signatures.items():
        good = request_of(key, signature, case, ["好 a", "the number is 7."])
        odd = odd_requests(good) + odd_text_requests(good, ODD_TEXTS)
        odd += odd_text_requests(good, huge_texts)
        for request in odd:
            what = f"{key}, {request.what}"
            answer = server.predict(name, key, request.inputs)
            check_answer(answer, what, request.refused, None)
            answer = server.predict_rest(name, key, signature, request.inputs)
            check_answer(answer, what, refused_by_rest(request), None)
        check_answer(server.predict(name, key, good), "good", False, 2)


def check_answer(
    answer: Arrays | str, what: str, refused: bool | None, rows: int | None
) -> None:
    assert not isinstance(answer, str) or "UNAVAILABLE" not in answer, what
    if refused is not None:
        assert isinstance(answer, str) == refused, (what, answer)
    if rows is not None:
        assert not isinstance(answer, str) and rows_in(answer) == rows
