"""A set that decides, with all that is compiled from it once: vocabulary, paths, plans."""

from gateway.policy.element_tree import ElementTree, compile_elements
from gateway.policy.elements import PlanNode, compile_plan
from gateway.policy.rules import words_of
from gateway.policy.sets import PolicySet
from gateway.policy.vocabulary import Vocabulary

_PLANS = 512


class ActiveSet:
    """One policy set, ready. Outcomes are read in the vocabulary of the set that made them."""

    __slots__ = ("_elements", "_plans", "policy_set", "vocabulary")

    def __init__(self, policy_set: PolicySet) -> None:
        self.policy_set = policy_set
        self.vocabulary: Vocabulary = words_of(policy_set)
        self._elements: ElementTree = compile_elements(
            self.vocabulary.elements, self.vocabulary.wherever
        )
        self._plans: dict[tuple[tuple[str, str], ...], PlanNode] = {}

    @property
    def revision(self) -> str:
        """The set's digest."""
        return self.policy_set.revision

    def plan(self, classes: tuple[tuple[str, str], ...]) -> PlanNode:
        """Give the compiled verdicts of one action, made once for equal ones."""
        found = self._plans.get(classes)
        if found is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            found = self._plans[classes] = compile_plan(
                self._elements, classes, self.vocabulary.values
            )
        return found
