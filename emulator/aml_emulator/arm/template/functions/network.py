"""Functions of address ranges."""

from __future__ import annotations

import ipaddress

from aml_emulator.arm.template.functions.registry import Arguments, function
from aml_emulator.arm.template.values import Value

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@function("parseCidr", 1)
def parse_cidr(arguments: Arguments) -> dict[str, Value]:
    """What a range is made of."""
    network = _network(arguments)
    found: dict[str, Value] = {"network": str(network.network_address), "netmask": str(network.netmask)}
    if isinstance(network, ipaddress.IPv4Network):
        found["broadcast"] = str(network.broadcast_address)
        reserved = 1 if network.prefixlen < 31 else 0
    else:
        reserved = 0
    found["firstUsable"] = str(network.network_address + reserved)
    found["lastUsable"] = str(network.broadcast_address - reserved)
    return {**found, "cidr": network.prefixlen}


@function("cidrSubnet", 3)
def cidr_subnet(arguments: Arguments) -> str:
    """The n-th part of a range, with a longer prefix."""
    network, prefix, index = _network(arguments), arguments.integer(1), arguments.integer(2)
    if not network.prefixlen <= prefix <= network.max_prefixlen:
        raise arguments.refused(f"the prefix '{prefix}' is not between {network.prefixlen} and {network.max_prefixlen}")
    if not 0 <= index < 1 << (prefix - network.prefixlen):
        raise arguments.refused(f"the range '{network}' has no subnet number {index} of the prefix {prefix}")
    start = int(network.network_address) + (index << (network.max_prefixlen - prefix))
    return f"{ipaddress.ip_address(start) if network.version == 4 else ipaddress.IPv6Address(start)}/{prefix}"


@function("cidrHost", 2)
def cidr_host(arguments: Arguments) -> str:
    """The address of the n-th usable host of a range, from 0."""
    network, index = _network(arguments), arguments.integer(1)
    first = 1 if network.version == 4 and network.prefixlen < 31 else 0
    if not 0 <= index < network.num_addresses - 2 * first:
        raise arguments.refused(f"the range '{network}' has no host number {index}")
    return str(network.network_address + first + index)


def _network(arguments: Arguments) -> _Network:
    text = arguments.string(0)
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise arguments.refused(f"'{text}' is no range of addresses") from None
