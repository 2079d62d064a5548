//! The connector against recorded answers, and against the stand-in: what it sends, what it makes of what comes back,
//! and how it fails.

mod actions;
mod budgets;
mod failures;
mod reads;
mod sandbox;
mod scopes;
mod script;
mod writes;

#[test]
fn what_runs_can_be_shown_and_is_a_manifest_itself() {
    use super::MANIFEST;
    use crate::rest::RestConnector;

    let shown = MANIFEST.expanded();
    assert!(!shown.contains("param") && shown.contains("post: /crm/v3/objects/tickets/search"), "{shown}");
    let again = RestConnector::from_manifest(&text::SourceFile::new("shown.yaml", shown));
    let again = again.unwrap_or_else(|mistakes| panic!("{shown}\n{mistakes:#?}"));
    assert_eq!(again.expanded(), shown);
    assert!(MANIFEST.deletes("contacts") && !MANIFEST.deletes("leads"));
    let tiers = MANIFEST.limits().iter().map(|limit| limit.max_of(Some("professional")));
    assert_eq!(tiers.collect::<Vec<_>>(), [190, 5, 625_000]);
}
