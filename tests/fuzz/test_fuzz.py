"""What is damaged, mistaken or hostile ends in a result or in one sentence: 500 cases, the same each time.

Many more: ``make fuzz``. A finding is made small and kept there, so that it can be looked at.
"""

import os
import signal

import campaign
import cases
import mutations
import pytest
import sandbox
from hypothesis import find
from sandbox import Case

CASES = 500


@pytest.fixture(scope="module", autouse=True)
def warm():
    cases.warm()


@pytest.mark.parametrize("name", cases.STRATEGIES)
def test_every_case_ends_in_a_result_or_in_one_sentence(name, monkeypatch):
    """Runs are stopped after 0.3 s of the processor in place of 1 s in a campaign."""
    monkeypatch.setattr(sandbox, "RUN_SECONDS", 0.3)
    told = [campaign.carry_out(chunk) for chunk in campaign.chunks([name], round(CASES * share(name)), 0)]
    findings = [str(one) for each in told for one in each.findings.values()]
    assert not findings, "\n".join(findings)


def share(name):
    return cases.STRATEGIES[name][1]


@pytest.mark.parametrize("text", ["1e up", "1-2 V", "+ V", ". V", "1.5e-3 V", "-2 V"])
def test_text_that_only_looks_like_a_quantity_is_drawn_as_text(text):
    """A campaign that fails while it draws loses all its cases."""
    assert isinstance(find(mutations._near(text), lambda _: True), str)


def test_the_cases_are_divided_by_their_shares():
    work = list(campaign.chunks(list(cases.STRATEGIES), CASES, 0))
    assert sum(chunk.size for chunk in work) == CASES
    assert sum(share(name) for name in cases.STRATEGIES) == pytest.approx(1)
    assert len({(chunk.name, chunk.seed) for chunk in work}) == len(work)


def hang(_):
    while True:
        pass


def die(_):
    os.kill(os.getpid(), signal.SIGSEGV)


def fail(_):
    raise ValueError("planted")


def say(text, status):
    def main(_):
        os.write(2, text.encode())
        return status

    return main


def eat(_):
    return 0 if bytearray(3 << 30) else 1


@pytest.mark.parametrize(
    "main, kind",
    [
        (lambda _: 0, "result"),
        (say("frenkel: no.\n", 1), "refused"),
        (say("frenkel: no.\n", 2), "refused"),
        (hang, "hang"),
        (die, "crash"),
        (fail, "traceback"),
        (eat, "traceback"),
        (say("frenkel: internal error, KeyError: 'a' (FRENKEL_DEBUG=1 shows where)\n", 1), "internal error"),
        (say("frenkel: no.\nand more\n", 1), "more than a sentence"),
        (say("", 1), "no word"),
        (say("frenkel: no.\n", 3), "exit status 3"),
        (say("RuntimeWarning: divide by zero\n", 0), "words beside a result"),
    ],
)
def test_the_sandbox_sees_how_a_command_ends(monkeypatch, main, kind):
    monkeypatch.setattr(sandbox, "SECONDS", 0)
    before, after = sandbox.carry_out([Case((), {}), Case((), {})], main)
    assert before.kind == after.kind == kind


def test_a_wrong_result_that_nobody_is_told_of_is_a_finding():
    wrong = Case((), {}, judge=lambda folder, printed: "another number")
    (found,) = sandbox.carry_out([wrong], lambda _: 0)
    assert (found.kind, found.text) == ("silently different", "another number")


def test_a_long_run_is_stopped_as_by_ctrl_c(monkeypatch):
    monkeypatch.setattr(sandbox, "RUN_SECONDS", 0.1)

    def main(_):
        try:
            hang(_)
        except KeyboardInterrupt:
            return 130

    (found,) = sandbox.carry_out([Case((), {}, stopped=True)], main)
    assert found.kind == "stopped"


def test_equal_seeds_draw_equal_cases():
    def drawn(seed):
        found = []
        campaign.draw(campaign.Chunk("configurations", seed, 20), found.append)
        return found

    assert drawn(1) == drawn(1) != drawn(2)
