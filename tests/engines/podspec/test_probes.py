import pytest

from pytilt.engines.podspec.probes import ProbeCount, ProbeKind, ProbeSpec, ProbeVerdict, port_number, probe_spec


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ("", ProbeVerdict.UNDECIDED),
        ("+", ProbeVerdict.UNDECIDED),
        ("++", ProbeVerdict.PASSED),
        ("+-+", ProbeVerdict.UNDECIDED),
        ("--", ProbeVerdict.UNDECIDED),
        ("---", ProbeVerdict.FAILED),
        ("--+--", ProbeVerdict.UNDECIDED),
        ("---++", ProbeVerdict.PASSED),
    ],
)
def test_only_results_in_a_row_count(results, verdict):
    spec = ProbeSpec(kind=ProbeKind.READINESS, action={}, success_threshold=2, failure_threshold=3)
    count = ProbeCount()
    for result in results:
        count = count.after(success=result == "+")
    assert count.verdict(spec) is verdict


def test_defaults_are_those_of_kubernetes():
    spec = probe_spec({"livenessProbe": {"tcpSocket": {"port": 1}}}, ProbeKind.LIVENESS)
    assert spec is not None
    assert (spec.period, spec.timeout, spec.failure_threshold, spec.initial_delay) == (10.0, 1.0, 3, 0.0)
    assert probe_spec({}, ProbeKind.LIVENESS) is None


@pytest.mark.parametrize(("port", "number"), [(80, 80), ("80", 80), ("http", 8080), ("none", 0)])
def test_ports_have_names(port, number):
    assert port_number(port, {"ports": [{"name": "http", "containerPort": 8080}]}) == number
