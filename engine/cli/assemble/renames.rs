//! Flows that begin anew where one of another name is gone: perhaps it was renamed, and nobody said so.
//!
//! A flow without history begins where its `start` says, so that one that was only renamed misses what came meanwhile,
//! or takes up all of it once more. Nobody but the author knows which of the two it is, so it is told and not refused.

use std::sync::Arc;

use flow::{Flow, FlowDefinition, Trigger};
use store::Store;

use crate::Failure;

/// What there is to tell of flows that are to be put to work, before the store knows them.
pub async fn perhaps(
    flows: &[Arc<Flow>],
    definitions: &[FlowDefinition],
    store: &Store,
) -> Result<Vec<String>, Failure> {
    let known = store.flow_states().await?;
    let mut gone = Vec::new();
    for row in known.iter().filter(|row| !definitions.iter().any(|one| *one.id() == row.flow)) {
        gone.push((&row.flow, store.cursors(&row.flow).await?));
    }
    gone.retain(|(_, sources)| !sources.is_empty());
    let mut sentences = Vec::new();
    for flow in flows.iter().filter(|flow| !gone.is_empty() && flow.was.is_none()) {
        let Trigger::Poll(poll) = &flow.trigger else { continue };
        if !store.cursors(&flow.id).await?.is_empty() {
            continue;
        }
        let source = format!("{} by ", poll.target);
        let reads = |sources: &[store::SourceRow]| sources.iter().any(|row| row.key.source.starts_with(&source));
        if let Some((old, _)) = gone.iter().find(|(_, sources)| reads(sources)) {
            sentences.push(format!(
                "`{new}` has read nothing of `{target}` yet, and `{old}`, which did, is in no file any more; if it was \
                 renamed, stop now and write `was: {old}` into the file of `{new}`, else it begins anew",
                new = flow.id,
                target = poll.target,
            ));
        }
    }
    Ok(sentences)
}
