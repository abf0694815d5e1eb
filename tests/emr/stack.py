"""The stack as CloudFormation would make it: the template's conditions and intrinsic functions evaluated, ARNs made up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from emr.template import template

ACCOUNT, REGION = "123456789012", "us-east-1"
REQUIRED = {"SubnetIds": "subnet-0a1b2c3d,subnet-4e5f6a7b", "SecurityGroupIds": "sg-0a1b2c3d"}
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "dmd-prod",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/dmd-prod/0a1b2c3d",
}
NOTHING: Any = object()
_TEMPLATE = cache(template)
# What Ref gives where it isn't the logical id: a name, an id or an ARN.
REFS = {
    "Bucket": "BucketName",
    "Stream": "StreamName",
    "Database": "DatabaseName",
    "StreamApplication": "00stream",
    "BatchApplication": "00batch",
}
ARNS = {
    "Bucket": "arn:aws:s3:::{BucketName}",
    "Stream": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{{StreamName}}",
    "StreamApplication": f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/00stream",
    "BatchApplication": f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/00batch",
    "LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/dmd/dmd-prod:*",
}


@dataclass(frozen=True)
class Stack:
    """The stack with these parameters; the others have their defaults."""

    parameters: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def template(self) -> dict[str, Any]:
        """The template as it is deployed."""
        return _TEMPLATE()

    @cached_property
    def values(self) -> dict[str, str]:
        """The value of every parameter."""
        declared = self.template["Parameters"]
        defaults = {name: str(one["Default"]) for name, one in declared.items() if "Default" in one}
        given = {**REQUIRED, **self.parameters}
        assert set(given) <= set(declared)
        return {**defaults, **given}

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources that there are under the parameters, evaluated."""
        there = {
            name: one
            for name, one in self.template["Resources"].items()
            if "Condition" not in one or self.holds(one["Condition"])
        }
        return {name: self.evaluated(one) for name, one in there.items()}

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs, evaluated."""
        return {name: self.evaluated(one["Value"]) for name, one in self.template["Outputs"].items()}

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by logical id."""
        return {name: one["Properties"] for name, one in self.resources.items() if one["Type"] == kind}

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template does."""
        return bool(self.evaluated(self.template["Conditions"][condition]))

    def evaluated(self, value: Any) -> Any:
        """A value without intrinsic functions."""
        if isinstance(value, list):
            return [one for each in value if (one := self.evaluated(each)) is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return getattr(self, "_" + name.removeprefix("Fn::").lower())(argument)
        found = {key: self.evaluated(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each is not NOTHING}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.values:
            return self._parameter(name)
        assert name in self.template["Resources"], name
        known = REFS.get(name, name)
        if name == "LogGroup":
            return self.evaluated(self.template["Resources"][name]["Properties"]["LogGroupName"])
        return self.values.get(known, known)

    def _parameter(self, name: str) -> Any:
        kind = self.template["Parameters"][name]["Type"]
        value = self.values[name]
        return value.split(",") if kind.startswith("List<") else value

    def _getatt(self, of: Any) -> str:
        name, attribute = of.split(".", 1) if isinstance(of, str) else of
        assert name in self.template["Resources"], name
        if attribute == "Arn":
            if self.template["Resources"][name]["Type"] == "AWS::IAM::Role":
                return f"arn:aws:iam::{ACCOUNT}:role/{name}"
            return ARNS.get(name, f"arn:aws:made-up::{ACCOUNT}:{name}").format_map(self.values)
        return f"{name}.{attribute}"

    def _sub(self, text: str) -> str:
        def replaced(found: re.Match[str]) -> str:
            name = found.group(1)
            return str(self._getatt(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replaced, text)

    def _if(self, argument: list[Any]) -> Any:
        condition, yes, no = argument
        return self.evaluated(yes if self.holds(condition) else no)

    def _equals(self, argument: list[Any]) -> bool:
        one, other = (str(self.evaluated(each)) for each in argument)
        return one == other

    def _not(self, argument: list[Any]) -> bool:
        return not self.evaluated(argument[0])

    def _split(self, argument: list[Any]) -> list[str]:
        separator, text = argument
        return str(self.evaluated(text)).split(separator)


def as_list(value: Any) -> list[Any]:
    """A member of a policy, which may be one thing or a list of them, as a list."""
    return value if isinstance(value, list) else [value]
