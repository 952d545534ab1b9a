"""The prompts of a sentence-transformers folder."""

import json

from keras_ctx.convert.sentences.settings import SentenceSettings


def prompt_of(settings: SentenceSettings, prompt: str | None) -> str:
    """Returns the text of a prompt, given by its name or as text.

    Args:
        settings: The settings of the folder.
        prompt: The name of one of its prompts; or a text, such as "query: ";
            or `None` for the default of the folder.

    Raises:
        ValueError: If `prompt` is a single word that names no prompt.

    Example:
        >>> settings = SentenceSettings(prompts=(("query", "query: "),))
        >>> prompt_of(settings, "query")
        'query: '
        >>> prompt_of(settings, "passage: ")
        'passage: '
    """
    if prompt is None:
        return settings.default_prompt
    known = dict(settings.prompts)
    if prompt in known:
        return known[prompt]
    if prompt and prompt.isascii() and prompt.replace("-", "_").isidentifier():
        raise ValueError(
            "`prompt` must be the name of one of the folder's prompts, "
            f"{sorted(known)}, or a text that ends in a blank or a colon, such "
            f"as 'query: '. Received: prompt={prompt!r}"
        )
    return prompt


def prompt_notes(settings: SentenceSettings) -> list[str]:
    """Returns notes on the prompts of an embedder for its clients.

    The text inputs never add a prompt to a text, neither here nor in serving.

    Args:
        settings: The settings of the folder.

    Returns:
        Sentences in Markdown; an empty list if the folder has no prompts.

    Example:
        >>> settings = SentenceSettings(prompts=(("query", "query: "),))
        >>> print(*prompt_notes(settings))
        No prompt is added to a text. The checkpoint has the prompts ...
    """
    known = dict(settings.prompts)
    listed = ", ".join(
        f"`{json.dumps(prompt, ensure_ascii=False)}` ({name})"
        for name, prompt in known.items()
        if prompt
    )
    if settings.default_prompt:
        prompt = json.dumps(settings.default_prompt, ensure_ascii=False)
        more = f" Its prompts: {listed}." if len(known) > 1 else ""
        return [
            "No prompt is added to a text. The checkpoint was trained on "
            f"texts that begin with `{prompt}`: put it before each text, "
            f"unless you use another prompt.{more}"
        ]
    if listed:
        return [
            "No prompt is added to a text. The checkpoint has the prompts "
            f"{listed}: put the one that fits before each text."
        ]
    return []
