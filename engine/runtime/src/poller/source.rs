//! What a poll reads, by name: cursors and what was seen are kept under it.

use flow::{Flow, On, Poll};
use sdk::StampKind;
use store::SourceKey;

use super::snapshot;
use crate::connections::OpenConnection;

/// Whether what is new in a poll's object is told by comparing.
pub fn is_compared(poll: &Poll, connection: &OpenConnection) -> bool {
    connection.service.is_compared(&poll.target.object, &stamp_kind(poll))
}

/// The key of a flow's source: another object or another stamp is another source.
pub fn source_key(flow: &Flow, poll: &Poll, connection: &OpenConnection) -> SourceKey {
    if is_compared(poll, connection) {
        return snapshot::source_key(flow, poll);
    }
    let by = match stamp_kind(poll) {
        StampKind::Created => "creation".to_owned(),
        StampKind::Modified => "modification".to_owned(),
        StampKind::Archived => "archiving".to_owned(),
        StampKind::Field(field) => field,
    };
    SourceKey { flow: flow.id.clone(), source: format!("{}.{} by {by}", poll.target.connection, poll.target.object) }
}

/// What a poll's records are stamped by.
pub(super) fn stamp_kind(poll: &Poll) -> StampKind {
    match (&poll.by, poll.on) {
        (Some(field), On::New | On::NewOrUpdated) => StampKind::Field(field.clone()),
        (None, On::New) => StampKind::Created,
        (None, On::NewOrUpdated) => StampKind::Modified,
        (_, On::Archived) => StampKind::Archived,
    }
}
