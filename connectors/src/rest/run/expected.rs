//! The requests that calls are expected to make, for estimates before anything runs.
//!
//! Where only the account knows which fields are unique and nobody has told, the least takes a key for unique and the
//! most does not.

use sdk::{Ask, Calls, Expected, Filter, Find, Match, PollRequest, Test, Verb, Write};

use super::RestConnection;
use super::find::unique_key;
use super::poll::served;
use super::write::strategy;
use crate::rest::manifest::{Request, Resource, UpsertHow, WriteOf};

/// From the fewest requests to the most.
pub(super) fn of(connection: &RestConnection, ask: &Ask<'_>) -> Expected {
    let resource = ask.object().and_then(|object| connection.manifest.resource(object));
    match (ask, resource) {
        (Ask::ServerTime, _) => always(connection.manifest.check.first().map(|check| &check.request)),
        (Ask::Act(call), _) => always(connection.manifest.action(&call.action).map(|action| &action.request)),
        (Ask::Poll(poll), Some(resource)) => always(page(resource, poll)),
        (Ask::Walk(_), Some(resource)) => always(many(resource)),
        (Ask::Get(_), Some(resource)) => always(resource.get.as_ref().map(|get| &get.request)),
        (Ask::Find(find), Some(resource)) => of_find(connection, resource, find),
        (Ask::Write(write), Some(resource)) => of_write(connection, resource, write),
        // It will be refused without a request.
        (Ask::Poll(_) | Ask::Walk(_) | Ask::Get(_) | Ask::Find(_) | Ask::Write(_), None) => Expected::default(),
    }
}

/// The request for one page of a poll.
fn page<'a>(resource: &'a Resource, poll: &PollRequest) -> Option<&'a Request> {
    resource.page_of(resource.poll(served(resource, &poll.stamp))?)
}

/// The request for one page of what reads many records.
fn many(resource: &Resource) -> Option<&Request> {
    let search = resource.search.as_ref().map(|search| &search.request);
    search.or_else(|| resource.list.as_ref().map(|list| &list.request))
}

fn of_find(connection: &RestConnection, resource: &Resource, find: &Find) -> Expected {
    let get = || calls(resource.get.as_ref().map(|get| &get.request));
    match connection.objects.peek(&find.object) {
        Some(object) if unique_key(resource, &object, &find.filter).is_some() => Expected::always(get()),
        Some(_) => through_many(resource, find),
        None if is_pinned(resource, &find.filter, &|field| resource.fields.unique.iter().any(|one| one == field)) => {
            Expected::always(get())
        }
        None if is_pinned(resource, &find.filter, &|_| true) => {
            Expected { least: get(), most: through_many(resource, find).most }
        }
        None => through_many(resource, find),
    }
}

/// Whether the filter pins the id, or one such field, to a value by which a record can be read.
fn is_pinned(resource: &Resource, filter: &Filter, is_unique: &dyn Fn(&str) -> bool) -> bool {
    let Some(get) = &resource.get else { return false };
    let id_field = resource.search.as_ref().map(|search| search.id_field.as_str());
    match filter {
        Filter::All(filters) => filters.iter().any(|filter| is_pinned(resource, filter, is_unique)),
        Filter::Field { field, test: Test::Eq(_) } => {
            field == "id" || Some(field.as_str()) == id_field || (get.by_unique && is_unique(field))
        }
        Filter::Field { .. } | Filter::Any(_) => false,
    }
}

/// By search one page at least, and as many as the wanted records fill at most; by a find of the resource's own, each
/// record that was found is read as well.
fn through_many(resource: &Resource, find: &Find) -> Expected {
    if let Some(search) = &resource.search {
        let page = calls(Some(&search.request));
        let pages = find.limit.div_ceil(search.page_size.max(1)).max(1);
        return Expected { most: page.clone().times(pages as u64), least: page };
    }
    match resource.finds.first() {
        Some(by) => {
            let found = calls(Some(&by.request));
            let read = calls(resource.get.as_ref().map(|get| &get.request));
            Expected { least: found.clone(), most: found.and(read) }
        }
        None => always(resource.list.as_ref().map(|list| &list.request)),
    }
}

fn of_write(connection: &RestConnection, resource: &Resource, write: &Write) -> Expected {
    let writes = &resource.write;
    match &write.verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => Expected::always(sent(&writes.create)),
        Verb::Update { .. } | Verb::Upsert { by: Match::Id(Some(_)), .. } => Expected::always(sent(&writes.update)),
        Verb::Delete { .. } => Expected::always(sent(&writes.delete)),
        Verb::Upsert { by: Match::Fields(keys), .. } => {
            let object = connection.objects.peek(&write.object);
            let always = |key: &str| resource.fields.unique.iter().any(|unique| unique == key);
            let how = |in_doubt: bool| {
                let is_unique =
                    |key: &str| always(key) || object.as_ref().map_or(in_doubt, |object| object.is_unique(key));
                strategy(resource, keys, is_unique).map(|upsert| &upsert.how)
            };
            let quickest = upsert(resource, how(true), keys.len());
            let slowest = upsert(resource, how(false), keys.len());
            Expected { least: quickest.least, most: slowest.most }
        }
    }
}

fn upsert(resource: &Resource, how: Option<&UpsertHow>, n_keys: usize) -> Expected {
    let (create, update) = (sent(&resource.write.create), sent(&resource.write.update));
    let after = |look: Calls| Expected { least: look.clone().and(update.clone()), most: look.and(create.clone()) };
    match how {
        Some(UpsertHow::Native(native)) => Expected::always(calls(Some(&native.request))),
        Some(UpsertHow::UpdateByKey) => Expected { least: update.clone(), most: update.and(create) },
        Some(UpsertHow::Search) => after(calls(many(resource))),
        Some(UpsertHow::Find) => {
            let look = calls(resource.finds.first().map(|find| &find.request));
            // By several keys, who was found by one of them is read.
            let read = match n_keys > 1 {
                true => calls(resource.get.as_ref().map(|get| &get.request)),
                false => Calls::default(),
            };
            Expected { least: look.clone().and(read).and(update), most: look.and(create) }
        }
        None => Expected::default(),
    }
}

fn sent(write: &Option<WriteOf>) -> Calls {
    calls(write.as_ref().map(|write| &write.request))
}

fn calls(request: Option<&Request>) -> Calls {
    request.map(|request| Calls::one(request.costs.clone())).unwrap_or_default()
}

fn always(request: Option<&Request>) -> Expected {
    Expected::always(calls(request))
}
