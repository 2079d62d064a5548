//! What calls cost of the service's budgets, as far as it is known before they are made.

use sdk::budget::{dearest, sum};
use sdk::{Ask, Cost, Find, Match, Verb, Write};

use super::RestConnection;
use super::find::unique_key;
use super::write::strategy;
use crate::rest::manifest::{Request, Resource, UpsertHow, WriteOf};

/// The requests of one call. A look-up is counted with its first request alone: it pays for further pages as it goes.
pub(super) fn of(connection: &RestConnection, ask: &Ask<'_>) -> Vec<Cost> {
    let resource = ask.object().and_then(|object| connection.manifest.resource(object));
    match (ask, resource) {
        (Ask::ServerTime, _) => costs(connection.manifest.check.first().map(|check| &check.request)),
        (Ask::Act(call), _) => costs(connection.manifest.action(&call.action).map(|action| &action.request)),
        (Ask::Poll(_), Some(resource)) => {
            dearest(resource.polls.iter().flat_map(|poll| costs(resource.page_of(&poll.source))))
        }
        (Ask::Walk(_), Some(resource)) => of_many(resource),
        (Ask::Get(_), Some(resource)) => costs(resource.get.as_ref().map(|get| &get.request)),
        (Ask::Find(find), Some(resource)) => of_find(connection, resource, find),
        (Ask::Write(write), Some(resource)) => of_write(connection, resource, write),
        // It will be refused without a request.
        (Ask::Poll(_) | Ask::Walk(_) | Ask::Get(_) | Ask::Find(_) | Ask::Write(_), None) => Vec::new(),
    }
}

fn of_find(connection: &RestConnection, resource: &Resource, find: &Find) -> Vec<Cost> {
    let by_key = || costs(resource.get.as_ref().map(|get| &get.request));
    match connection.objects.peek(&find.object) {
        Some(object) if unique_key(resource, &object, &find.filter).is_some() => by_key(),
        Some(_) => of_many(resource),
        // Its fields are not known yet, nor therefore which are unique.
        None => dearest(by_key().into_iter().chain(of_many(resource))),
    }
}

/// The first page of what reads many records.
fn of_many(resource: &Resource) -> Vec<Cost> {
    match (&resource.search, &resource.list) {
        (Some(search), _) => search.request.costs.clone(),
        (None, Some(list)) => list.request.costs.clone(),
        (None, None) => dearest(resource.finds.iter().flat_map(|find| find.request.costs.iter().cloned())),
    }
}

fn of_write(connection: &RestConnection, resource: &Resource, write: &Write) -> Vec<Cost> {
    let of = |write: &Option<WriteOf>| costs(write.as_ref().map(|write| &write.request));
    let writes = &resource.write;
    match &write.verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => of(&writes.create),
        Verb::Update { .. } | Verb::Upsert { by: Match::Id(Some(_)), .. } => of(&writes.update),
        Verb::Delete { .. } => of(&writes.delete),
        Verb::Upsert { by: Match::Fields(keys), .. } => {
            let object = connection.objects.peek(&write.object);
            let is_unique = |key: &str| {
                resource.fields.unique.iter().any(|unique| unique == key)
                    || object.as_ref().is_some_and(|object| object.is_unique(key))
            };
            let change = || dearest(of(&writes.create).into_iter().chain(of(&writes.update)));
            match strategy(resource, keys, is_unique).map(|upsert| &upsert.how) {
                Some(UpsertHow::Native(native)) => costs(Some(&native.request)),
                Some(UpsertHow::UpdateByKey) => sum(of(&writes.update).into_iter().chain(of(&writes.create))),
                Some(UpsertHow::Search) => sum(of_many(resource).into_iter().chain(change())),
                Some(UpsertHow::Find) => {
                    let find = dearest(resource.finds.iter().flat_map(|find| find.request.costs.iter().cloned()));
                    sum(find.into_iter().chain(change()))
                }
                None => Vec::new(),
            }
        }
    }
}

fn costs(request: Option<&Request>) -> Vec<Cost> {
    request.map(|request| request.costs.clone()).unwrap_or_default()
}
