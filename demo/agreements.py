"""Agreements between the demo's agencies: drafted, signed by both with the real code, handed over.

The texts are the examples of the policy set; signatories and papers are made up.
"""

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cli import agreement_work
from gateway.cli.agreement_work import Desk
from gateway.model import digest
from gateway.policy.sets import PolicySet, load_set
from gateway.trust.agreements import Agreement, document_of

SIGNATORIES = {
    "TX9990000": "Adaline Roe-Castellan",
    "CA9990000": "Bertrand Quill-Okonjo",
    "NM9990000": "Corisande Vale-Yazzie",
    "USBPX9900": "Dmitri Fenn-Alcazar",
}


def agree_all(homes: Mapping[str, Path], policies: Path) -> int:
    """Have every two of these agencies sign what the policy set's examples say of them.

    Gives how many agreements were signed. One of them has ended since.
    """
    policy_set = load_set(policies)
    desks = {ori: agreement_work.open_desk(home, policy_set) for ori, home in homes.items()}
    done = 0
    for paper in examples(policy_set):
        if set(paper["parties"]) <= desks.keys():
            agree([desks[p] for p in paper["parties"]], text_of(paper))
            done += 1
    return done


def agree(desks: Iterable[Desk], text: Mapping[str, Any]) -> None:
    """Sign a text at each desk, one after the other, and hand the result to all."""
    desks = list(desks)
    document = document_of(Agreement.model_validate(text))
    then = datetime.fromisoformat(document.agreement.valid.from_)
    for desk in desks:
        document = agreement_work.sign_here(desk, document, now=then).document
    for desk in desks:
        desk.folder.put(document)


def examples(policy_set: PolicySet) -> list[dict[str, Any]]:
    """Give the examples of agreements that stand in a policy set."""
    agreed = policy_set.data["sallyport"]["example"]["agreements"]
    return [p for others in agreed.values() for papers in others.values() for p in papers.values()]


def text_of(example: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Make a whole text of an example: with a made-up paper and who signed it."""
    text = {
        "format": 1,
        "id": example["id"],
        "version": 1,
        "title": example["title"],
        "citation": example["citation"],
        "parties": example["parties"],
        "paper": {"digest": digest(f"made-up paper {example['id']}".encode())},
        "signatories": {
            p: {
                "name": SIGNATORIES.get(p, "Evander Moss-Tremaine"),
                "title": "Head of the agency",
                "signed_on": example["valid"]["from"][:10],
            }
            for p in example["parties"]
        },
        "valid": example["valid"],
        "shares": example["shares"],
    }
    return {**text, **changes}


def digest_between(home: Path, other: str) -> str:
    """Give the digest of the text that a gateway signed with another agency."""
    return next(
        h.document.digest
        for h in agreement_work.open_desk(home).read().book.documents
        if other in h.document.agreement.parties
    )


def main() -> None:
    """Write drafts that have not ended into a folder, for agencies that sign by themselves."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for example in examples(load_set(Path(__file__).resolve().parent.parent / "policies")):
        if datetime.fromisoformat(example["valid"]["to"]) > datetime.now(UTC):
            draft = agreement_work.as_yaml(text_of(example))
            (folder / f"{example['id']}.yaml").write_text(draft, encoding="utf-8")


if __name__ == "__main__":
    main()
