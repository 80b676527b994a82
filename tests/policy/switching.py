"""Small sets whose every outcome tells which of them made it: for tests of engines and switches."""

from gateway.policy.sets import PolicySet, make_set

CANARY = "ZEBULON QUILLFEATHER"

_SLOW = """
decision := {"slow": n} if {
	input.slow
	digits := ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
	n := count([1 |
		some a in digits
		some b in digits
		some c in digits
		some d in digits
		some e in digits
		some f in digits
		some g in digits
		concat("", [a, b, c, d, e, f, g]) == input.never
	])
}
"""


def set_that_says(word: str) -> PolicySet:
    """Each entrypoint says the set's word, from its rules and from its data, and its input.

    `input.undefined`: "error" makes a built-in fail, anything else leaves no decision. `release`
    takes minutes for `input.slow`.
    """
    modules = {
        f"{name}.rego": f"package sallyport.{name}\nimport rego.v1\n"
        "decision := {"
        f'"word": "{word}", "data": data.word, "input": input'
        "} if {\n\tnot input.undefined\n\tnot input.slow\n}\n"
        'decision := {"n": to_number(input.text)} if input.undefined == "error"\n'
        for name in ("ask", "answer", "release", "admit", "agencies")
    }
    modules["release.rego"] += _SLOW
    return make_set(modules, {"word": word})


ONE, TWO = set_that_says("one"), set_that_says("two")
