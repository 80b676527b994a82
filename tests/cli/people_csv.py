"""The mapping of a small export of people, by the source's name, its format and its dates."""

PEOPLE = """\
mapping: 1
source: {name}
format: {form}
records:
  - type: person
    id: "{{ID}}"
    handling: {{dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", column: NAME, name: "SURNAME, GIVEN MIDDLE"}}
      - {{to: "person/nc:PersonBirthDate", column: BORN, date: {born}}}
"""
_CSV = '{{type: csv, path: ../sources/{name}.csv, encoding: utf-8, delimiter: ","}}'
MAPPING = PEOPLE.replace("{form}", _CSV).replace("{born}", "MM/DD/YYYY")
"""Of a CSV file of the source's name; to be formatted with that."""
