"""Templates are compiled once per language; what never changes within one (a text, an icon, an included piece) is
settled then.

A page holds a hundred such calls with constant arguments. Settled, they are part of the template's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from keyword import iskeyword
from typing import Any, cast

from flask import Flask
from flask.templating import Environment as FlaskEnvironment
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, optimizeconst
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, _escape_inner

from fieldapp.languages import translated

# Escapes what is a `str` and nothing more than that.
quick: Callable[[str], str] = _escape_inner


def shown(value: Any) -> str:
    """What a page says of a value: as `escape`, but a text that is only joined to others needs no mark as escaped."""
    kind = type(value)
    if kind is Markup:
        return cast(str, value)
    if kind is int:
        return str(value)
    return cast(str, value.__html__()) if hasattr(value, "__html__") else quick(str(value))


class _Generator(CodeGenerator):
    """Jinja's compiler with some short cuts; a page has some hundred values."""

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        """What a block says is collected and yielded in one piece, for each goes through every template that is
        extended."""
        whole = frame.parent is None and frame.buffer is None and not frame.soft_frame
        if not whole or frame.require_output_check:
            super().blockvisit(nodes, frame)
            return
        self.buffer(frame)
        super().blockvisit(nodes, frame)
        self.writeline(f"yield concat({frame.buffer})")
        frame.buffer = None

    @optimizeconst
    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        """An attribute is asked for in C; only what has none (an item of a dict, what is undefined) is Jinja's."""
        whole, found = self.temporary_identifier(), self.temporary_identifier()
        self.write(f"({found} if ({found} := getattr(({whole} := ")
        self.visit(node.node, frame)
        name = repr(node.attr)
        self.write(f"), {name}, missing)) is not missing else environment.getattr({whole}, {name}))")

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        self.writeline(f"from {__name__} import quick, shown")
        super().visit_Template(node, frame)

    def _is_plain(self, frame: Frame, finalize: Any) -> bool:
        return not frame.eval_ctx.volatile and frame.eval_ctx.autoescape and finalize.src is None

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """Most of what a page says is text: it is escaped without a function of ours between."""
        if not self._is_plain(frame, finalize):
            super()._output_child_pre(node, frame, finalize)
            return
        self.write("(quick(said) if type(said := (")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if not self._is_plain(frame, finalize):
            super()._output_child_post(node, frame, finalize)
            return
        self.write(")) is str else shown(said))")

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
    """`settled` are functions by their name in templates: called with constants alone they must always say the same, or
    raise Impossible."""

    code_generator_class = _Generator
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
        try:
            return nodes.Const(function(*(argument.value for argument in cast(list[nodes.Const], node.args))))
        except nodes.Impossible:
            return node

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        """A piece is put in where it is included: a list of thirty rows would fetch its row thirty times, each with a
        copy of all that the page knows."""
        if not isinstance(node.template, nodes.Const) or not node.with_context or node.ignore_missing:
            return node
        body = self._environment.piece(node.template.value, self._within)
        return node if body is None else nodes.Scope(body, lineno=node.lineno, environment=self._environment)
