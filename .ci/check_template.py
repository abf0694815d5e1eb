"""Check the CloudFormation template: cfn-lint, AWS's validator, and the security rules in emr/guard."""

import sys
from pathlib import Path

from cfnlint.api import lint_file
from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    RuleOrigin,
    Severity,
    ValidateConfig,
    file_to_external_rule_source,
)

EMR = Path(__file__).resolve().parents[1] / "emr"
_WAIVE = "\n    Or name the rule in the resource's Metadata.guard.SuppressedRules, with the reason."


def main(template: Path) -> int:
    """Print what the linters find in a template; 1 when they found something."""
    found = [*linted(template), *validated(template)]
    for problem in found:
        print(f"{template.name}: {problem}")
    return 1 if found else 0


def linted(template: Path) -> list[str]:
    """What cfn-lint says."""
    return [f"{match.linenumber}: {match.rule.id} {match.message}" for match in lint_file(template)]


def validated(template: Path) -> list[str]:
    """What AWS's validator and the Guard rules say, from warnings on."""
    rules = [file_to_external_rule_source(path) for path in sorted((EMR / "guard").glob("*.guard"))]
    engine = CompositeEngine(CompositeEngineConfig(guard_rules=rules))
    report = engine.validate_template(template, ValidateConfig(severity_level=Severity.WARN))
    return [
        f"{each.start_line}: {each.rule_id} {each.message}{_WAIVE if each.source is RuleOrigin.GUARD else ''}"
        for each in report.diagnostics
    ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else EMR / "template.yaml"))
