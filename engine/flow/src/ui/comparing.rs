//! Comparisons that may be so, of everything that is known and of what is not: none is complained of.

use text::SourceFile;

use super::catalog;
use crate::{Flow, ProjectDefaults, StepKind, check, parse};

/// A flow that asks this, with names of every kind around it.
fn asking(question: &str) -> Flow {
    let text = format!(
        r#"flow: a
connections: {{crm: hubspot, warehouse: sqlite, other: postgres}}
trigger: {{poll: crm.contacts, every: 15s}}
steps:
  - let:
      stage: ${{ record.lifecyclestage }}
      least: 10
      list: [1, a]
      either: '${{ if record.vip {{ 1 }} else {{ "one" }} }}'
  - find: crm.deals
    filter: {{dealname: x}}
    as: deal
  - find: other.members
    filter: {{name: x}}
    as: member
  - do: crm.associate
    with: {{from: a, to: b}}
    as: made
  - each: ${{ list }}
    steps:
      - skip: x
        when: item == 1 || item == "a"
  - skip: x
    when: |
      {question}
"#
    );
    let file = SourceFile::new("flows/a.yaml", &text);
    let parsed = parse(std::slice::from_ref(&file));
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    let diagnostics: Vec<_> = parsed.diagnostics.into_iter().chain(checked.diagnostics).collect();
    assert!(diagnostics.is_empty(), "{}", text::render(&diagnostics, &[file], text::Colour::Never));
    Flow::clone(&checked.flows[0])
}

#[test]
fn what_may_be_so_is_not_complained_of() {
    for question in [
        r#"record.lifecyclestage == "Customer" && record.lifecyclestage != "lead""#,
        r#"record.lifecyclestage == stage && stage in ["Lead", "customer"]"#,
        r#"record.email == record.lifecyclestage || record.email > "m""#,
        "record.score > 5 && record.score < 6 && record.score != 5.5",
        "record.score >= 5 && record.score <= 5 && record.score == least - 5",
        "record.score == () || record.score < least",
        "record.createdate < now && record.birthday <= date(record.createdate)",
        r#"record.createdate > moment("2026-01-01T00:00:00Z")"#,
        r#"deal?.amount == 5 && deal?.dealname == "x" && deal?.id == "1""#,
        "deal != () && deal.amount > record.score",
        r#"member?.size == "L" || member?.size == 5 || member?.stage == "won""#,
        r#"either == 1 || either == "one""#,
        r#"made.whatever == 1 && made.whatever != "x""#,
        "record.vip == true && record.vip != false",
        "record.vip != true && record.vip != false",
        r#"record.firstname == "Ann" || record.firstname == "Bob""#,
        r#"record.firstname != "Ann" && record.firstname != "Bob""#,
        r#"record.email in ["a", "b"] && record.email == "a""#,
        r#"record["score"] == 5 && record.score.to_string() == "5""#,
        r#"[record.email].contains("5") && "a" in record.email"#,
        r#"run.id == "x" && flow.id == "a" && record.meta.created < record.meta.updated"#,
        r#"(record.score ?? "none") == "none""#,
    ] {
        asking(question);
    }
}

#[test]
fn labels_become_values_wherever_a_choice_is_known() {
    let flow = asking(r#"stage == "Lead" || stage in ["Customer", "other"] || "Lead" == record.lifecyclestage"#);
    let question = flow.steps.last().and_then(|step| step.when.as_ref()).expect("it asks");
    assert_eq!(
        question.source().trim(),
        r#"stage == "lead" || stage in ["customer", "other"] || "lead" == record.lifecyclestage"#
    );
    assert!(matches!(flow.steps[0].kind, StepKind::Let(_)));
}
