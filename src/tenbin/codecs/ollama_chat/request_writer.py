"""Stage 2, a conversation is written as a request to Ollama's /api/chat.

Ollama cuts what does not fit and says nothing, and by itself opens a context of only 4096 tokens on most machines. So
the context is asked for here, by a count of the prompt, and a prompt that is too long is refused here.
"""

from base64 import b64decode

import msgspec

from tenbin.codecs.lowering import document_words, effort_of, most_output, offered, reminder
from tenbin.codecs.ollama_chat import wire
from tenbin.codecs.thinking import same_model, unmark
from tenbin.codecs.tokens import count_conversation
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    Opaque,
    OutputFormat,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
)
from tenbin.core.problems import ContextExceeded, Inexpressible
from tenbin.core.target import Target

SMALLEST_CONTEXT = 16_384
"""Tokens. Short side requests of a conversation (a title, a summary) get no less, since a model is loaded anew, its
prompt cache lost, at each change of the context's size."""
MOST_RESERVED = 16_384
"""Tokens kept free for the answer at most. Clients ask for as many output tokens as a large model can give (32 000
and more), and each token of context costs memory; an answer that grows beyond ends with ``max_tokens``."""
RESERVED = 4_096
"""Tokens kept free for the answer when the client names no limit."""
MARGIN = 8
"""One part in so many is added to the prompt's count: the model's own tokenizer may count more than ours."""

_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


def write(conversation: Conversation, target: Target) -> bytes:
    """The request's body.

    Raises ContextExceeded when the prompt does not fit ``target.context``, and Inexpressible for a forced tool
    choice, images by URL, documents that are not text, and tools that the provider is to run.
    """
    _refuse_inexpressible(conversation, target)
    sampling = conversation.sampling if target.quirks.sampling else None
    most = most_output(conversation, target)
    request = wire.Request(
        model=target.model,
        messages=_messages(conversation, target),
        stream=conversation.stream,
        tools=_tools(conversation) or None,
        think=_think(conversation, target),
        format=_format(conversation.output_format),
        options=wire.Options(
            num_ctx=context_size(conversation, target),
            num_predict=most if most is None else max(most, 1),  # nought would be no limit
            temperature=sampling.temperature if sampling else None,
            top_p=sampling.top_p if sampling else None,
            top_k=sampling.top_k if sampling else None,
            seed=conversation.sampling.seed,
            presence_penalty=sampling.presence_penalty if sampling else None,
            frequency_penalty=sampling.frequency_penalty if sampling else None,
            stop=list(conversation.stop) or None,
        ),
        truncate=False,
        shift=False,
        logprobs=conversation.sampling.logprobs or None,
        top_logprobs=conversation.sampling.top_logprobs if conversation.sampling.logprobs else None,
    )
    return msgspec.json.encode(request)


def context_size(conversation: Conversation, target: Target) -> int:
    """``num_ctx``: room for the prompt and its answer, rounded up to a power of two so that it seldom changes while a
    conversation grows, and at most ``target.context``. Raises ContextExceeded when the prompt leaves no room.
    """
    prompt = count_conversation(conversation)
    most = most_output(conversation, target)
    answer = min(RESERVED if most is None else most, MOST_RESERVED)
    if target.context is not None:
        maximum = target.context - min(answer, target.context // 16)
        if prompt > maximum:
            raise ContextExceeded(prompt, maximum)
    needed = max(prompt + prompt // MARGIN + answer, SMALLEST_CONTEXT)
    size = 1 << (needed - 1).bit_length()
    return size if target.context is None else min(size, target.context)


def _refuse_inexpressible(conversation: Conversation, target: Target) -> None:
    choice = conversation.tool_choice
    if choice is not None and choice.mode in ("any", "tool"):
        raise Inexpressible("forced_tool_choice", "Ollama cannot be made to call a tool: use tool_choice auto.")
    if conversation.server_tools:
        kind = conversation.server_tools[0].kind
        raise Inexpressible(kind, f"Ollama runs no tools of its own, so it cannot be given {kind}.")
    if _tools(conversation) and not target.quirks.tools:
        raise Inexpressible("tools", f"{target.name} takes no tools.")


def _format(output_format: OutputFormat | None) -> msgspec.Raw | msgspec.UnsetType:
    """A schema as it is, or the word ``json``."""
    if output_format is None:
        return msgspec.UNSET
    if output_format.mode == "json_schema" and output_format.schema is not None:
        return output_format.schema
    return msgspec.Raw(b'"json"')


def _think(conversation: Conversation, target: Target) -> bool | str | None:
    """``think``. A model that cannot think answers 400 to true but takes false; without the field, those that can do.

    So thinking is asked for only where the target's quirks say that it can be: levels (``reasoning_effort``) for
    models that know them, else on or off.
    """
    thought, effort = effort_of(conversation)
    if thought is None:
        return None
    if thought.mode == "off":
        return False
    how = target.quirks.reasoning_request
    if how == "none":
        return None
    if how == "reasoning_effort" and effort is not None:
        return _LEVELS.get(effort, True)
    return True


def _tools(conversation: Conversation) -> list[wire.Tool]:
    """The tools on offer; none under tool_choice none, which is how Ollama is told."""
    if conversation.tool_choice is not None and conversation.tool_choice.mode == "none":
        return []
    return [wire.Tool(wire.ToolFunction(tool.name, tool.description, tool.schema)) for tool in offered(conversation)]


def _messages(conversation: Conversation, target: Target) -> list[wire.Message]:
    messages: list[wire.Message] = []
    system = [_words(part) for part in conversation.system]
    turns = list(conversation.turns)
    while turns and turns[0].role == "system":
        system += [_words(part) for part in turns.pop(0).parts]
    if system:
        messages.append(wire.Message(role="system", content="\n\n".join(system)))
    calls: dict[str, str] = {}
    order: list[str] = []
    for turn in turns:
        if turn.role == "assistant":
            order = [part.id for part in turn.parts if isinstance(part, ToolCall)]
            calls.update((part.id, part.name) for part in turn.parts if isinstance(part, ToolCall))
            _add_assistant(messages, turn, target)
        elif turn.role == "system":
            # Several of Ollama's renderers keep only the first system message and drop the others unsaid.
            said = "\n\n".join(_words(part) for part in turn.parts)
            _add_user(messages, reminder(said), [])
        else:
            _add_user_turn(messages, turn, calls, order, target)
    return messages


def _add_assistant(messages: list[wire.Message], turn: Turn, target: Target) -> None:
    content, thinking, calls = "", "", []
    for part in turn.parts:
        if isinstance(part, ToolCall):
            function = wire.Function(part.name, _arguments(part.arguments))
            calls.append(wire.ToolCall(function, part.id))
        elif isinstance(part, Thinking):
            if _own_thinking(part, target):
                thinking += part.text
        else:
            content += _words(part)
    if content or thinking or calls:
        messages.append(
            wire.Message(role="assistant", content=content, thinking=thinking or None, tool_calls=calls or None)
        )


def _own_thinking(part: Thinking, target: Target) -> bool:
    """Signed or redacted thinking is another provider's own, and marked thinking another model's: neither is shown."""
    if part.redacted:
        return False
    writer, opaque = unmark(part.signature)
    return not opaque and (writer is None or same_model(writer, target.model))


def _arguments(text: str) -> msgspec.Raw:
    """The arguments as an object. What a model once wrote amiss goes back inside an object, not lost."""
    try:
        msgspec.json.decode(text or "{}", type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return msgspec.Raw(msgspec.json.encode({"arguments": text}))
    return msgspec.Raw((text or "{}").encode())


def _add_user_turn(
    messages: list[wire.Message], turn: Turn, names: dict[str, str], order: list[str], target: Target
) -> None:
    """Tool results first, in the order of the calls (older servers pair them by order), then the user's own words."""
    results = [part for part in turn.parts if isinstance(part, ToolResult)]
    results.sort(key=lambda result: order.index(result.call_id) if result.call_id in order else len(order))
    said: list[str] = []
    images: list[str] = []
    for result in results:
        name = names.get(result.call_id)
        pictures = [_image(part, target) for part in result.content if isinstance(part, Image)]
        words = [_words(part) for part in result.content if not isinstance(part, Image)]
        if pictures:
            words.append("(The images of this result are in the next user message.)")
            said.append(f"Images of the result of {name or 'the tool'} ({result.call_id}):")
            images += pictures
        content = "\n".join(words)
        if result.is_error:
            content = f"Error: {content}"
        messages.append(wire.Message(role="tool", content=content, tool_name=name, tool_call_id=result.call_id or None))
    for part in turn.parts:
        if isinstance(part, Image):
            images.append(_image(part, target))
        elif not isinstance(part, ToolResult):
            said.append(_words(part))
    if said or images or not results:
        _add_user(messages, "\n\n".join(said), images)


def _add_user(messages: list[wire.Message], content: str, images: list[str]) -> None:
    """Adds to the user message at the end, or begins one: many templates want user and assistant to take turns."""
    if messages and messages[-1].role == "user":
        last = messages[-1]
        last.content = f"{last.content}\n\n{content}" if last.content and content else last.content or content
        last.images = [*(last.images or []), *images] or None
    else:
        messages.append(wire.Message(role="user", content=content, images=images or None))


def _image(image: Image, target: Target) -> str:
    if not target.quirks.images:
        raise Inexpressible("images", f"{target.name} takes no images.")
    if image.data is None:
        raise Inexpressible("images", "Ollama takes images as base64 data only, not by URL: send the data.")
    return image.data


def _words(part: Part) -> str:
    """What can be said in plain text."""
    match part:
        case Text():
            return part.text
        case Document():
            return _document(part)
        case ToolReference():
            return f"Tool {part.tool_name} is now available."
        case Opaque():
            raise Inexpressible(part.kind, f"Ollama has no {part.kind} blocks.")
        case Image():
            raise Inexpressible("images", "Ollama takes images in user messages and tool results only.")
        case _:
            return ""


def _document(document: Document) -> str:
    text = document.text
    if text is None and document.data is not None and document.media_type.startswith("text/"):
        try:
            text = b64decode(document.data).decode("utf-8", "replace")
        except ValueError:
            raise Inexpressible("documents", "A text document's data is not base64: send it as base64.") from None
    if text is None:
        raise Inexpressible("documents", "Ollama takes no documents but plain text: send the document's text.")
    return document_words(msgspec.structs.replace(document, text=text))
