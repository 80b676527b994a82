"""The mapping of a small export of people, by the source's name."""

MAPPING = """\
mapping: 1
source: {name}
format: {{type: csv, path: ../sources/{name}.csv, encoding: utf-8, delimiter: ","}}
records:
  - type: person
    id: "{{ID}}"
    handling: {{dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", column: NAME, name: "SURNAME, GIVEN MIDDLE"}}
      - {{to: "person/nc:PersonBirthDate", column: BORN, date: MM/DD/YYYY}}
"""
