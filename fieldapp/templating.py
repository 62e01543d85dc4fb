"""Templates are compiled once per language; what never changes within one (a text, an icon, an included piece) is
settled then.

A page holds a hundred such calls with constant arguments. Settled, they are part of the template's own text.
"""

from __future__ import annotations

from collections.abc import Callable
from keyword import iskeyword
from typing import Any, cast

from flask import Flask
from flask.templating import Environment as FlaskEnvironment
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer
from markupsafe import _escape_inner

from fieldapp.languages import translated


def shown(value: Any) -> str:
    """What a page says of a value: as `escape`, but a text that is only joined to others needs no mark as escaped."""
    if type(value) is str:
        return _escape_inner(value)
    return cast(str, value.__html__()) if hasattr(value, "__html__") else _escape_inner(str(value))


class _Joined:
    """Stands where Jinja would name the list that a macro's output is collected in."""

    append = staticmethod(str)
    extend = staticmethod("".join)


class _Generator(CodeGenerator):
    """Jinja's compiler with three short cuts; a page has some hundred values."""

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        """What stands side by side is yielded in one piece, for each goes through every template that is extended."""
        if frame.buffer is None:
            frame = frame.copy()
            frame.buffer = "yield environment.joined"
        super().visit_Output(node, frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.shown(")

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """A call is a call. Jinja would first look whether the function wants the context; none of ours does."""
        self.visit(node.node, frame)
        self.write("(")
        for argument in node.args:
            self.visit(argument, frame)
            self.write(", ")
        for named in node.kwargs:
            self.write(f"**{{{named.key!r}: " if iskeyword(named.key) else f"{named.key}=")
            self.visit(named.value, frame)
            self.write("}, " if iskeyword(named.key) else ", ")
        for mark, rest in (("*", node.dyn_args), ("**", node.dyn_kwargs)):
            if rest is not None:
                self.write(mark)
                self.visit(rest, frame)
                self.write(", ")
        self.write("caller=caller)" if forward_caller else ")")


class Environment(FlaskEnvironment):
    """`settled` are functions by their name in templates: called with constants alone they must always say the same."""

    code_generator_class = _Generator
    joined = _Joined
    shown = staticmethod(shown)
    language = "zh"

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self.settled: dict[str, Callable[..., Any]] = {}
        self._overlays: dict[str, Environment] = {}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return self._settled(source, name, filename, ())

    def _settled(
        self, source: str, name: str | None, filename: str | None, within: tuple[str | None, ...]
    ) -> nodes.Template:
        template = super()._parse(source, name, filename)
        return cast(nodes.Template, _Settling(self, (*within, name)).visit(template))

    def piece(self, name: str, within: tuple[str | None, ...]) -> list[nodes.Node] | None:
        """What stands in the template `name`, to be put where it is included; None when it has to stay apart."""
        if name in within or self.loader is None:
            return None
        source, filename, _uptodate = self.loader.get_source(self, name)
        template = self._settled(source, name, filename, within)
        apart = (nodes.Extends, nodes.Block, nodes.Import, nodes.FromImport)
        return None if next(template.find_all(apart), None) else template.body

    def speaking(self, language: str) -> Environment:
        """The same environment with the templates of another language."""
        if language == self.language:
            return self
        other = self._overlays.get(language)
        if other is None:
            other = self.overlay()  # shares everything but the compiled templates
            other.language = language
            self._overlays[language] = other
        return other


class _Settling(NodeTransformer):
    def __init__(self, environment: Environment, within: tuple[str | None, ...]) -> None:
        self._environment = environment
        self._within = within
        self._settled = {"_": lambda text: translated(text, environment.language)} | environment.settled

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        function = self._settled.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        if function is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        if not all(isinstance(argument, nodes.Const) for argument in node.args):
            return node
        return nodes.Const(function(*(argument.value for argument in cast(list[nodes.Const], node.args))))

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        """A piece is put in where it is included: a list of thirty rows would fetch its row thirty times, each with a
        copy of all that the page knows."""
        if not isinstance(node.template, nodes.Const) or not node.with_context or node.ignore_missing:
            return node
        body = self._environment.piece(node.template.value, self._within)
        return node if body is None else nodes.Scope(body, lineno=node.lineno, environment=self._environment)
