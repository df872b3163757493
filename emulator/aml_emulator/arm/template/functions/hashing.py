"""`uniqueString` and `guid`: the same strings give the same result as on Azure (azure-infra, 2.3)."""

from __future__ import annotations

import uuid

from aml_emulator.arm.template.functions.registry import Arguments, function

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_GUIDS = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
_32 = 0xFFFFFFFF
_FIRST, _SECOND = 597399067, 2869860233


@function("uniqueString", 1, None)
def unique_string(arguments: Arguments) -> str:
    """13 characters made of a hash of the strings."""
    number = murmur_hash(_joined(arguments))
    characters = []
    for _ in range(13):
        characters.append(_ALPHABET[number >> 59])
        number = number << 5 & 0xFFFFFFFFFFFFFFFF
    return "".join(characters)


@function("guid", 1, None)
def guid(arguments: Arguments) -> str:
    """A UUID made of a hash of the strings."""
    return str(uuid.uuid5(_GUIDS, _joined(arguments).decode()))


def _joined(arguments: Arguments) -> bytes:
    if not all(isinstance(value, str) for value in arguments.values):
        raise arguments.refused("all function parameters must be string literals")
    return "-".join(arguments.values).encode(errors="replace")


def murmur_hash(data: bytes) -> int:
    """The 64-bit hash behind `uniqueString`: two lanes of 32 bits."""
    one = other = 0
    whole = len(data) - len(data) % 8
    for place in range(0, whole, 8):
        one ^= _mixed(int.from_bytes(data[place : place + 4], "little"), _FIRST, 15, _SECOND)
        one = (_rotated(one, 19) + other) & _32
        one = (one * 5 + 1444728091) & _32
        other ^= _mixed(int.from_bytes(data[place + 4 : place + 8], "little"), _SECOND, 17, _FIRST)
        other = (_rotated(other, 13) + one) & _32
        other = (other * 5 + 197830471) & _32
    tail = data[whole:]
    if tail:
        one ^= _mixed(int.from_bytes(tail[:4], "little"), _FIRST, 15, _SECOND)
    if len(tail) > 4:
        other ^= _mixed(int.from_bytes(tail[4:], "little"), _SECOND, 17, _FIRST)
    one ^= len(data)
    other ^= len(data)
    one = (one + other) & _32
    other = (other + one) & _32
    one, other = _finished(one), _finished(other)
    one = (one + other) & _32
    other = (other + one) & _32
    return other << 32 | one


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _32


def _mixed(word: int, factor: int, bits: int, other_factor: int) -> int:
    return _rotated(word * factor & _32, bits) * other_factor & _32


def _finished(value: int) -> int:
    value ^= value >> 16
    value = value * 2246822507 & _32
    value ^= value >> 13
    value = value * 3266489909 & _32
    return value ^ value >> 16
