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

from fieldapp.languages import translated


class _Generator(CodeGenerator):
    """Calls a template's plain functions as Python would.

    Jinja's way asks of every call whether the function wants the context, and carries the loop's variables along in
    case it does.
    """

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
