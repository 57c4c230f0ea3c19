import ipaddress
from pathlib import Path

import pytest

from pytilt.host.routes import has_own_route


def own_networks() -> list[ipaddress.IPv4Network]:
    """Those that this machine is part of, as the kernel lists them."""
    lines = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    addresses = [[bytes.fromhex(line[index])[::-1] for index in (1, 7)] for line in lines]
    return [ipaddress.IPv4Network((network, str(ipaddress.IPv4Address(mask)))) for network, mask in addresses]


def test_a_network_that_this_machine_is_part_of_has_a_route_of_its_own():
    networks = [network for network in own_networks() if 8 <= network.prefixlen < 31]
    if not networks:
        pytest.skip("this machine is part of no network")
    assert has_own_route(str(networks[0].broadcast_address - 1))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "127.0.0.1", "::1", "224.0.0.1", "", "no address"])
def test_the_default_route_this_machine_itself_and_what_is_no_address_are_none(address: str):
    assert not has_own_route(address)
