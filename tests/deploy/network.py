"""What NetworkPolicies allow, computed as Kubernetes does: rules of several policies add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from deploy.programs import Object

Direction = Literal["Ingress", "Egress"]
Labels = dict[str, str]


def pod_of(service: str) -> Labels:
    """Return the labels by which policies select the pods of a service."""
    return {
        "app.kubernetes.io/name": "daydream",
        "app.kubernetes.io/instance": "lab",
        "app.kubernetes.io/component": service,
    }


@dataclass(frozen=True)
class Stranger:
    """Something outside the release. It is matched by a peer that is exactly `peer`, or by none."""

    peer: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """The policies of a rendered chart."""

    objects: list[Object]

    def sends(self, pod: Labels, port: int, to: Labels | Stranger) -> bool:
        """Return True if the pod may open a connection to that port."""
        return any(
            _has_port(rule, port) and _has_peer(rule.get("to"), to)
            for rule in self._rules("Egress", pod)
        )

    def receives(self, pod: Labels, sender: Labels | Stranger, port: str = "http") -> bool:
        """Return True if the pod accepts a connection to a port of that name."""
        return any(
            _has_port(rule, port) and _has_peer(rule.get("from"), sender)
            for rule in self._rules("Ingress", pod)
        )

    def _rules(self, direction: Direction, pod: Labels) -> Iterator[Object]:
        policies = [item["spec"] for item in self.objects if item["kind"] == "NetworkPolicy"]
        specs = [
            spec
            for spec in policies
            if direction in spec["policyTypes"] and _selects(spec["podSelector"], pod)
        ]
        assert specs, f"no policy restricts the {direction} of {pod}: everything is allowed"
        for spec in specs:
            yield from spec.get(direction.lower()) or ()


def _selects(selector: Object, pod: Labels) -> bool:
    labels = selector.get("matchLabels", {})
    return labels.items() <= pod.items() and all(
        (pod.get(row["key"]) in row["values"]) is {"In": True, "NotIn": False}[row["operator"]]
        for row in selector.get("matchExpressions", ())
    )


def _has_port(rule: Object, port: int | str) -> bool:
    return "ports" not in rule or any(
        row["port"] == port and row["protocol"] == "TCP" for row in rule["ports"]
    )


def _has_peer(peers: list[Object] | None, other: Labels | Stranger) -> bool:
    if peers is None:
        return True
    if isinstance(other, Stranger):
        return other.peer in peers
    return any(
        set(peer) == {"podSelector"} and _selects(peer["podSelector"], other) for peer in peers
    )
