//! One page of a poll.

use sdk::{Class, Error, FieldType, PollPage, PollQuery, PollRequest, StampKind};

use super::HubSpotConnection;
use super::objects::{self, CREATED, ID};
use super::search::{Found, Search, behind, condition};

/// Rows at or after a stamp in its order, or the rows of one stamp in the order of their ids. Rows that HubSpot
/// answers besides are handed on: the engine checks each.
pub(super) async fn poll(connection: &HubSpotConnection, request: &PollRequest) -> Result<PollPage, Error> {
    if !objects::names().any(|name| name == request.object) {
        return Err(Error::new(Class::Invalid, format!("HubSpot has no object `{}` to poll", request.object)));
    }
    let stamp = match &request.stamp {
        StampKind::Created => Some(CREATED),
        StampKind::Modified => None,
        StampKind::Field(field) => Some(field.as_str()),
    };
    let selection = connection.select(&request.object, request.fields.iter().map(String::as_str), stamp).await?;
    let stamp = stamp.unwrap_or(selection.object.modified);
    match selection.object.field(stamp)?.field_type {
        FieldType::Moment | FieldType::Date => {}
        FieldType::Text
        | FieldType::Number
        | FieldType::Boolean
        | FieldType::Choice
        | FieldType::Choices
        | FieldType::Any => {
            return Err(Error::new(Class::Invalid, format!("`by: {stamp}` is no date or moment to poll by")));
        }
    }

    let (groups, sort) = match &request.query {
        PollQuery::From(from) => (vec![vec![condition(stamp, "GTE", from.millis().to_string())]], stamp),
        PollQuery::Drain { at, after } => {
            (behind(&[vec![condition(stamp, "EQ", at.millis().to_string())]], after.as_ref()), ID)
        }
    };
    let Found { records, server_time } =
        connection.search(&selection, Search { groups: &groups, sort, limit: request.limit }).await?;
    Ok(PollPage { records, server_time })
}
