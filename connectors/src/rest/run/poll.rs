//! One page of a poll.

use sdk::{Class, Error, FieldType, PollPage, PollQuery, PollRequest, StampKind};

use super::RestConnection;
use super::search::{Asked, Found, Groups};
use super::snapshot;
use crate::rest::manifest::{PollSource, Resource, Search, Serves, Stamp, TestKind};

/// Rows at or after a stamp in its order, or the rows of one stamp in the order of their ids. Rows that the service
/// answers besides are handed on: the engine checks each.
pub(super) async fn poll<'a>(connection: &'a RestConnection, request: &'a PollRequest) -> Result<PollPage, Error> {
    let invalid = |message: String| Error::new(Class::Invalid, message);
    let resource = connection.resource(&request.object).map_err(|error| invalid(error.message))?;
    let serves = served(resource, &request.stamp);
    let own = |stamp: &'a Option<Stamp>| stamp.as_ref().map(|stamp| stamp.field.as_str());
    let stamp = match &request.stamp {
        StampKind::Created => own(&resource.stamps.created),
        StampKind::Modified => own(&resource.stamps.modified),
        StampKind::Archived => None,
        StampKind::Field(field) => Some(field.as_str()),
    };
    let source = resource.poll(serves);
    let service = &connection.manifest.service;
    let Some(source) = source else {
        if serves == Serves::Archived {
            return Err(invalid(format!("{service} does not tell which {} were archived", request.object)));
        }
        return Err(invalid(format!("{service}'s {} cannot be polled in this way", request.object)));
    };
    let selection = connection.select(&request.object, request.fields.iter().map(String::as_str), stamp).await?;
    if let Some(stamp) = stamp {
        match selection.object.field(stamp)?.field_type {
            FieldType::Moment | FieldType::Date => {}
            FieldType::Text
            | FieldType::Number
            | FieldType::Boolean
            | FieldType::Choice
            | FieldType::Choices
            | FieldType::Any => return Err(invalid(format!("`by: {stamp}` is no date or moment to poll by"))),
        }
    }
    match (source, &resource.search, stamp) {
        (PollSource::List(listing), ..) => connection.poll_list(listing, &selection, request).await,
        (PollSource::Search, Some(search), Some(stamp)) => {
            let key = selection.object.key(stamp);
            let filter = request.filter.as_ref().map(|filter| search.groups(&selection.object, filter));
            let asked = asked(search, key, &request.query, filter.unwrap_or_default());
            let (groups, sort) =
                asked.ok_or_else(|| invalid(format!("{service} cannot be asked for {} by time", request.object)))?;
            let asked = Asked { groups: &groups, sort, limit: request.limit };
            let Found { records, server_time } = connection.search(search, &selection, asked).await?;
            Ok(PollPage { records, server_time, order: connection.manifest.ids })
        }
        (PollSource::Snapshot(whole), ..) => snapshot::poll(connection, whole, &selection, request).await,
        (PollSource::Search, ..) => Err(invalid(format!("nothing stamps {service}'s {}", request.object))),
    }
}

/// Which kind of poll goes by this stamp.
pub(super) fn served(resource: &Resource, stamp: &StampKind) -> Serves {
    match stamp {
        StampKind::Created => Serves::New,
        StampKind::Modified => Serves::NewOrUpdated,
        StampKind::Archived => Serves::Archived,
        StampKind::Field(field) => of_field(resource, field),
    }
}

/// A field that the author names may be one of those that have a way of their own.
fn of_field(resource: &Resource, field: &str) -> Serves {
    let any = resource.polls.iter().any(|poll| poll.serves.contains(&Serves::AnyStamp));
    let is = |stamp: &Option<Stamp>| stamp.as_ref().is_some_and(|stamp| stamp.field == field);
    match (any, is(&resource.stamps.modified), is(&resource.stamps.created)) {
        (true, _, _) => Serves::AnyStamp,
        (false, true, _) => Serves::NewOrUpdated,
        (false, false, true) => Serves::New,
        (false, false, false) => Serves::AnyStamp,
    }
}

/// The tests and the order of a page. What the author filters by is asked along as far as there is room for it.
fn asked<'a>(search: &'a Search, key: &'a str, query: &PollQuery, filter: Groups) -> Option<(Groups, &'a str)> {
    match query {
        PollQuery::From(from) => {
            let later = search.stamp_test(TestKind::Gte, key, *from)?;
            Some((search.within(&later, filter), key))
        }
        PollQuery::Drain { at, after } => {
            let equal = search.stamp_test(TestKind::Eq, key, *at)?;
            Some((search.behind(&search.within(&equal, filter), after.as_ref())?, &search.id_field))
        }
    }
}
