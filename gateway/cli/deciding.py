"""The set that decides, as a command finds it: the set in force, with the agreements of now."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.cli.agreement_work import open_desk
from gateway.policy.agreements import KEY, with_agreements
from gateway.policy.sets import PolicySet, load_set
from gateway.settings import Settings


def in_force(settings: Settings) -> PolicySet:
    """Give the set in force, or the edited one before the first start, with its agreements."""
    desk = open_desk(settings.home)
    return with_agreements(desk.policy_set, desk.read().data)


def from_folder(settings: Settings, folder: Path) -> PolicySet:
    """Give a folder's set, with the agreements of now. Raises `PolicyRejected`."""
    candidate = load_set(folder)
    if KEY in candidate.data:
        return candidate  # a set as it decided, with the agreements it had
    return with_agreements(candidate, agreed_now(settings, candidate))


def agreed_now(settings: Settings, candidate: PolicySet) -> Mapping[str, Any]:
    """Give the agreements that count now, held against a candidate's words."""
    return open_desk(settings.home, candidate).read().data
