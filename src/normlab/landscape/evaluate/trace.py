"""A network as a list of steps behind its first linear layer."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_arg
from torch.nn import functional

from normlab.norms.recognize import TORCHS, keeps_averages

_IN_PLACE = {
    functional.relu: torch.relu_,
    torch.relu: torch.relu_,
    torch.sigmoid: torch.sigmoid_,
    torch.tanh: torch.tanh_,
}
# values in memory of their own, that nobody else looks at
_IDLE = (nn.Identity, nn.modules.dropout._DropoutNd)
_FRESH = (nn.Linear, *TORCHS)

Environment = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One operation: reads names, writes its own, and says what nobody needs then."""

    name: str
    source: str  # the first value it reads
    run: Callable[[Environment], Any]
    norm: str | None  # name of the norm that follows the statistics, if it is one
    done_with: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """`before` the first linear layer nothing is learnt; `after` it are steps."""

    before: fx.Graph
    head: str  # name of the first linear layer's module
    start: str  # name of the value that the steps start from
    head_norm: str | None  # the norm right behind the head, part of the shortcut
    after: tuple[Step, ...]
    output: str


def split_at_first_linear(net: nn.Module, norms: tuple[str, ...]) -> Split | None:
    """Cut the network behind its first linear layer.

    Args:
        net: A private copy in eval mode.
        norms: Names of the norms that follow the statistics.

    Returns:
        None if the network cannot be traced, does not begin with a linear layer on
        the flattened inputs, its later steps read what was before it, or it uses that
        layer, its weights or a norm a second time.
    """
    # hooks may change values, and a tracer does not see them
    if any(m._forward_hooks or m._forward_pre_hooks for m in net.modules()):
        return None
    try:
        graph = fx.Tracer().trace(net)
    except Exception:  # a forward with a mind of its own: any error may come out
        return None
    modules = dict(net.named_modules(remove_duplicate=False))
    _drop_what_does_nothing(graph, modules)
    nodes = list(graph.nodes)
    place = next((i for i, n in enumerate(nodes) if _learns(n, modules)), None)
    if place is None or not _is_head(nodes[place], modules):
        return None
    head, before = nodes[place], nodes[:place]
    if not _used_once(head, nodes, net, modules) or _repeats(nodes, norms):
        return None
    later_readers = {user for node in before for user in node.users} - {*before, head}
    if later_readers or sum(n.op == "placeholder" for n in nodes) != 1:
        return None
    norm = _sole_norm(head, modules, norms)
    start = head if norm is None else norm
    rest = [node for node in nodes[place + 1 :] if node is not norm]
    if rest[-1].op != "output" or not isinstance(rest[-1].args[0], fx.Node):
        return None
    return Split(
        before=_graph_of(before, head),
        head=str(head.target),
        start=start.name,
        head_norm=None if norm is None else str(norm.target),
        after=tuple(_step(node, net, modules, norms, start) for node in rest[:-1]),
        output=rest[-1].args[0].name,
    )


def _drop_what_does_nothing(graph: fx.Graph, modules: dict[str, nn.Module]) -> None:
    """Take out identities, as empty norm slots are, and dropout in eval mode."""
    for node in list(graph.nodes):
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, _IDLE) and len(node.all_input_nodes) == 1:
            node.replace_all_uses_with(node.all_input_nodes[0])
            graph.erase_node(node)


def _learns(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Whether the node reads parameters or buffers."""
    if node.op == "get_attr":
        return True
    if node.op != "call_module":
        return False
    module = modules[str(node.target)]
    held = (*module.parameters(), *module.buffers())
    return bool(held) or keeps_averages(module)


def _is_head(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    module = modules.get(str(node.target)) if node.op == "call_module" else None
    return type(module) is nn.Linear and set(module._parameters) == {"weight", "bias"}


def _used_once(
    head: fx.Node, nodes: list[fx.Node], net: nn.Module, modules: dict[str, nn.Module]
) -> bool:
    """Whether nothing else reads the head's parameters, which then need not move."""
    parameters = dict(net.named_parameters())
    own = modules[str(head.target)]._parameters
    for name, parameter in own.items():
        # of tied weights the plane moves the one that comes first
        if parameter is not None and f"{head.target}.{name}" not in parameters:
            return False
    held = [
        one for node in nodes if node is not head for one in _held(node, net, modules)
    ]
    return not any(one is parameter for one in held for parameter in own.values())


def _held(
    node: fx.Node, net: nn.Module, modules: dict[str, nn.Module]
) -> list[nn.Parameter]:
    """The parameters that a node reads."""
    if node.op == "call_module":
        return list(modules[str(node.target)].parameters())
    if node.op == "get_attr":
        return [operator.attrgetter(str(node.target))(net)]
    return []


def _repeats(nodes: list[fx.Node], norms: tuple[str, ...]) -> bool:
    """Whether a norm is applied twice, whose statistics would be two."""
    called = [n.target for n in nodes if n.op == "call_module" and n.target in norms]
    return len(called) > len(set(called))


def _sole_norm(
    head: fx.Node, modules: dict[str, nn.Module], norms: tuple[str, ...]
) -> fx.Node | None:
    """The batch norm that alone reads the head's output, if there is one."""
    if len(head.users) != 1:
        return None
    user = next(iter(head.users))
    module = modules.get(str(user.target)) if user.op == "call_module" else None
    # with other statistics, a frozen norm is an affine step like any other
    follows = type(module) is nn.BatchNorm1d and user.target in norms
    return user if follows else None


def _graph_of(before: list[fx.Node], head: fx.Node) -> fx.Graph:
    """What happens to the inputs before the first linear layer."""
    graph, copies = fx.Graph(), {}
    for node in before:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[head.all_input_nodes[0]])
    return graph


def _step(
    node: fx.Node,
    net: nn.Module,
    modules: dict[str, nn.Module],
    norms: tuple[str, ...],
    start: fx.Node,
) -> Step:
    reads = node.all_input_nodes
    is_norm = node.op == "call_module" and node.target in norms
    call = _callable(node, net, modules, start)

    def run(environment: Environment) -> Any:
        def value(read: fx.Node) -> Any:
            return environment[read.name]

        args = map_arg(node.args, value)
        return call(*args, **map_arg(node.kwargs, value))

    position = {other: i for i, other in enumerate(node.graph.nodes)}
    return Step(
        name=node.name,
        source=reads[0].name if reads else "",
        run=run,
        norm=str(node.target) if is_norm else None,
        done_with=tuple(
            read.name
            for read in reads
            if max(position[user] for user in read.users) == position[node]
        ),
    )


def _callable(
    node: fx.Node, net: nn.Module, modules: dict[str, nn.Module], start: fx.Node
) -> Callable[..., Any]:
    fresh = _reads_fresh_memory(node, modules, start)
    if node.op == "call_module":
        target = modules[str(node.target)]
        in_place = fresh and isinstance(target, nn.ReLU)
        return torch.relu_ if in_place else target
    if node.op == "call_method":
        name = str(node.target)
        return lambda self, *args, **kwargs: getattr(self, name)(*args, **kwargs)
    if node.op == "get_attr":
        path = operator.attrgetter(str(node.target))
        return lambda: path(net)
    function: Any = node.target
    simple = len(node.args) == 1 and not node.kwargs
    if fresh and simple and function in _IN_PLACE:
        return _IN_PLACE[function]
    return function


def _reads_fresh_memory(
    node: fx.Node, modules: dict[str, nn.Module], start: fx.Node
) -> bool:
    """Whether the node may overwrite what it reads."""
    source = next(iter(node.all_input_nodes), None)
    if source is None or len(source.users) != 1:
        return False
    made_by = modules.get(str(source.target)) if source.op == "call_module" else None
    return source is start or isinstance(made_by, _FRESH)


def apply_before(net: nn.Module, before: fx.Graph, x: Tensor) -> Tensor:
    """The inputs as the first linear layer sees them."""
    return fx.GraphModule(net, before)(x)
