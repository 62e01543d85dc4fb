"""Templates are compiled once per language; what never changes within one (a text, an icon) is settled then.

A page holds a hundred such calls with constant arguments. Settled, they are part of the template's own text.
"""

from __future__ import annotations

from collections.abc import Callable
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
        plain = (
            isinstance(node.node, nodes.Name) and node.node.name in cast(Environment, self.environment).plain
        )
        if not plain or forward_caller or node.dyn_args or node.dyn_kwargs:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for at, argument in enumerate((*node.args, *node.kwargs)):
            self.write(", " if at else "")
            self.visit(argument, frame)
        self.write(")")


class Environment(FlaskEnvironment):
    """`settled` are functions by their name in templates: called with constants alone they must always say the same.
    `plain` are names of functions that want nothing but their arguments.
    """

    code_generator_class = _Generator
    joined = _Joined
    shown = staticmethod(shown)
    language = "zh"
    plain: frozenset[str] = frozenset()

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self.settled: dict[str, Callable[..., Any]] = {}
        self._overlays: dict[str, Environment] = {}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return cast(nodes.Template, _Settling(self).visit(super()._parse(source, name, filename)))

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
    def __init__(self, environment: Environment) -> None:
        self._settled = {"_": lambda text: translated(text, environment.language)} | environment.settled

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        function = self._settled.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        if function is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        if not all(isinstance(argument, nodes.Const) for argument in node.args):
            return node
        return nodes.Const(function(*(argument.value for argument in cast(list[nodes.Const], node.args))))
