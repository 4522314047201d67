"""The `where` grammar by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.xero.sandbox.where import (
    AllOf,
    AnyOf,
    BadWhere,
    Comparison,
    Condition,
    Literal,
    Member,
    Method,
    Truth,
    Type,
    matches,
    parse,
    required_values,
)

FIELDS = {
    "Name": Type.TEXT,
    "Total": Type.NUMBER,
    "Date": Type.DATE,
    "ContactID": Type.GUID,
    "Paid": Type.FLAG,
    "Contact.Name": Type.TEXT,
    "Contact.ContactID": Type.GUID,
}
ID = "4b4ca19a-8f6b-411c-bb85-0a6bdf966305"
ROW: dict[str, Any] = {
    "Name": "Érable & Fils",
    "Total": Decimal("12.50"),
    "Date": datetime(2026, 1, 31, tzinfo=UTC),
    "ContactID": ID,
    "Paid": True,
    "Contact.Name": None,
    "Contact.ContactID": ID,
}


def holds(text: str, **changed: Any) -> bool:
    return matches(parse(text, FIELDS, "Thing"), (ROW | changed).get)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Name=="érable & fils"', True),
        ('Name=="ERABLE & FILS"', True),  # accents do not count either
        ('Name = "other"', False),
        ('name<>"other"', True),
        ('"érable & fils" == Name', True),
        ("Total==12.5", True),
        ("Total == 12.50M", True),
        ("Total>-1", True),
        ("Total<=12.49", False),
        ("Date>=DateTime(2026,01,31)", True),
        ("Date>DateTime(2026, 1, 30, 23, 59, 59)", True),
        ("Date<DateTime(2026,1,31,0,0)", False),
        (f'ContactID==guid("{ID.upper()}")', True),
        (f'Contact.ContactID=GUID("{ID}")', True),
        ("Paid", True),
        ("Paid==false", False),
        ("Contact.Name==null", True),
        ("null!=Name", True),
        ('Name.Contains("ABLE")', True),
        ('Name.StartsWith("Fils")', False),
        ('Name.EndsWith("fils")', True),
        ('Name.ToUpper().Trim().Contains("able")', True),
        ('Contact.Name=="x"', False),  # equality with nothing is no mistake
        # AND binds closer than OR, parentheses closer than both.
        ('Paid OR Paid AND Name=="x"', True),
        ('(Paid OR Paid) AND Name=="x"', False),
        ('Total>1&&(Name=="x"||Paid)', True),
        ('Contact.Name!=null AND Contact.Name.Contains("x")', False),
        ('Contact.Name==null OR Contact.Name.Contains("x")', True),
        (r'Name=="a \"quoted\" name"', False),
    ],
)
def test_conditions(text: str, expected: bool) -> None:
    assert holds(text) is expected


@pytest.mark.parametrize(
    "condition", [r'Name=="C:\\"', r'Name.EndsWith("\\")', r'Name.StartsWith("C:\\")', r'Name.Contains(":\\")']
)
def test_a_backslash_is_written_as_two_wherever_a_text_stands(condition: str) -> None:
    assert holds(condition, Name="C:\\")
    assert not holds(condition, Name="C:")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "Name",
        'Name=="x" AND',
        'AND Name=="x"',
        '(Name=="x"',
        'Name=="x")',
        'Name=="x',
        "Name==x",
        "Name==5",
        'Total=="5"',
        "Total==true",
        "Date==5",
        f'ContactID=="{ID}"',
        'ContactID==guid("x")',
        "ContactID==guid()",
        'Contact=="x"',
        'Contact.Nothing=="x"',
        'Name.First=="x"',
        'Total.Contains("1")',
        "Name.Contains(1)",
        "Name.Contains()",
        'Name.ToLower("x")=="x"',
        "Date==DateTime(2026)",
        "Date==DateTime(2026,2,30)",
        "Date==DateTime(2026,1,1.5)",
        "Name>null",
        "Paid>false",
        'Name=="x" Name=="y"',
        'Name;=="x"',
        "Name=='x'",
        "1",
    ],
)
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(BadWhere):
        parse(text, FIELDS, "Thing")


@pytest.mark.parametrize("text", ['Contact.Name.Contains("x")', 'Contact.Name<"x"', 'Contact.Name.ToLower()=="x"'])
def test_what_cannot_be_asked_of_an_empty_field(text: str) -> None:
    with pytest.raises(BadWhere):
        holds(text)


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ('Name=="x"', {"Name": ["x"]}),
        ('Name=="x" AND Total>1 AND Paid', {"Name": ["x"]}),
        ('(Name=="x" OR "y"==Name) AND Total==1', {"Name": ["x", "y"], "Total": [1]}),
        ('Name=="x" OR Total==1', {}),
        ('Name=="x" OR Name!="y"', {}),
        ('Name!="x"', {}),
        ("Name==null", {}),
        ('Name.ToLower()=="x"', {}),
        ('Name=="x" OR (Name=="y" AND Paid)', {}),
    ],
)
def test_what_an_index_can_narrow(text: str, required: dict[str, list[Any]]) -> None:
    assert required_values(parse(text, FIELDS, "Thing")) == required


# --------------------------------------------------------------------------------- any condition, written and read back

texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=8)
values = st.one_of(
    texts.map(lambda text: Literal(text, Type.TEXT)),
    st.decimals(-99, 99, places=2).map(lambda number: Literal(number, Type.NUMBER)),
    st.datetimes().map(lambda moment: Literal(moment.replace(microsecond=0, tzinfo=UTC), Type.DATE)),
    st.uuids().map(lambda guid: Literal(str(guid), Type.GUID)),
)


def compared(literal: Literal) -> st.SearchStrategy[Condition]:
    members = [Member(name, type_) for name, type_ in FIELDS.items() if type_ is literal.type]
    operators = ["==", "!="] if literal.type is Type.GUID else ["==", "!=", "<", "<=", ">", ">="]
    return st.builds(Comparison, st.sampled_from(operators), st.sampled_from(members), st.just(literal))


tests = st.builds(
    lambda name, text: Truth(Method(Member("Name", Type.TEXT), name, text, Type.FLAG)),
    st.sampled_from(["contains", "startswith", "endswith"]),
    texts,
)
conditions = st.recursive(
    st.one_of(values.flatmap(compared), tests, st.just(Truth(Member("Paid", Type.FLAG)))),
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=3).map(lambda found: AllOf(tuple(found))),
        st.lists(parts, min_size=2, max_size=3).map(lambda found: AnyOf(tuple(found))),
    ),
    max_leaves=8,
)


def written(part: Condition) -> str:
    match part:
        case AllOf(parts):
            return " AND ".join(f"({written(one)})" for one in parts)
        case AnyOf(parts):
            return " || ".join(f"({written(one)})" for one in parts)
        case Comparison(operator, left, right):
            return f"{operand(left)} {operator} {operand(right)}"
        case Truth(only):
            return operand(only)


def operand(part: Literal | Member | Method) -> str:
    match part:
        case Member(name, _):
            return name
        case Method(target, name, argument, _):
            return f"{operand(target)}.{name}({quoted(argument or '')})"
        case Literal(value, Type.DATE):
            moment = (value.year, value.month, value.day, value.hour, value.minute, value.second)
            return f"DateTime({','.join(map(str, moment))})"
        case Literal(value, type_):
            text = quoted(str(value))
            return {Type.GUID: f"guid({text})", Type.TEXT: text}.get(type_, str(value))


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(conditions)
def test_a_condition_that_is_written_is_read_back(condition: Condition) -> None:
    assert parse(written(condition), FIELDS, "Thing") == condition


@given(conditions)
def test_an_index_lets_no_match_slip(condition: Condition) -> None:
    row = (ROW | {"Contact.Name": "Fils"}).get
    if not matches(condition, row):
        return
    for name, wanted in required_values(condition).items():
        equal = (Comparison("==", Member(name, FIELDS[name]), Literal(value, FIELDS[name])) for value in wanted)
        assert any(matches(one, row) for one in equal)
