//! What one page says: whether it can be trusted, where the next begins, and which of its rows make runs.

use flow::{Flow, Scope};
use sdk::faults::planted;
use sdk::{IdOrder, PollPage, PollQuery, Record, RecordId, RunId, Timestamp};

/// Refuses a page whose rows are not what was asked for: a service that ignores filter or sort would make us skip rows.
pub fn verify(query: &PollQuery, page: &PollPage) -> Result<(), String> {
    let rows = &page.records;
    match query {
        PollQuery::From(from) => {
            if let Some(row) = rows.iter().find(|row| row.modified < *from) {
                return Err(format!(
                    "the service ignores the filter: asked for stamps from {from}, it returned record {} of {}; nothing was moved",
                    row.id, row.modified
                ));
            }
            if let Some(pair) = rows.windows(2).find(|pair| pair[0].modified > pair[1].modified) {
                return Err(format!(
                    "the service ignores the sort: record {} of {} came before record {} of {}; nothing was moved",
                    pair[0].id, pair[0].modified, pair[1].id, pair[1].modified
                ));
            }
        }
        PollQuery::Drain { at, after } => {
            if let Some(row) = rows.iter().find(|row| row.modified != *at) {
                return Err(format!(
                    "the service ignores the filter: asked for stamp {at}, it returned record {} of {}; nothing was moved",
                    row.id, row.modified
                ));
            }
            if let Some((first, second)) = disorder(after.as_ref(), page) {
                return Err(format!(
                    "the service ignores the sort: id {first} came before id {second} at stamp {at}; nothing was moved"
                ));
            }
        }
    }
    Ok(())
}

/// Refuses a page of a walk whose ids do not rise: one that ignores the sort would make us skip rows, or never end.
pub fn verify_walk(after: Option<&RecordId>, page: &PollPage) -> Result<(), String> {
    match disorder(after, page) {
        None => Ok(()),
        Some((first, second)) => Err(format!(
            "the service ignores the sort: walking by id, id {first} came before id {second}; nothing was moved"
        )),
    }
}

/// The first two ids that do not rise.
fn disorder(after: Option<&RecordId>, page: &PollPage) -> Option<(RecordId, RecordId)> {
    let ids: Vec<_> = after.into_iter().chain(page.records.iter().map(|row| &row.id)).collect();
    let pair = ids.windows(2).find(|pair| !rises(page.order, pair[0], pair[1]))?;
    Some((pair[0].clone(), pair[1].clone()))
}

fn rises(order: IdOrder, first: &RecordId, second: &RecordId) -> bool {
    match order {
        IdOrder::Text => first < second,
        IdOrder::Numbers => {
            matches!((first.as_number(), second.as_number()), (Some(first), Some(second)) if first < second)
        }
    }
}

/// Whether a reading by id must begin anew: the page's ids rise in another order than those that were read before, as
/// where a table's key became a number, so that what was not read may stand before the last id as well as behind.
pub fn is_of_another_order(after: Option<&RecordId>, known: Option<IdOrder>, page: &PollPage) -> bool {
    after.is_some() && known != Some(page.order)
}

/// The query by which a drain begins anew, where it must.
pub fn anew(query: &PollQuery, known: Option<IdOrder>, page: &PollPage) -> Option<PollQuery> {
    match query {
        PollQuery::Drain { at, after } if is_of_another_order(after.as_ref(), known, page) => {
            Some(PollQuery::Drain { at: *at, after: None })
        }
        PollQuery::Drain { .. } | PollQuery::From(_) => None,
    }
}

/// Where the page after this one begins; `None` at the source's end.
pub fn next(query: &PollQuery, rows: &[Record], limit: usize) -> Option<PollQuery> {
    let full = rows.len() >= limit;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return match query {
            PollQuery::From(_) => None,
            PollQuery::Drain { at, .. } => Some(PollQuery::From(after(*at))),
        };
    };
    match query {
        PollQuery::From(_) if !full => None,
        // A full page of one stamp says nothing about how many more there are: read that stamp by id.
        PollQuery::From(from) if first.modified == last.modified => {
            if planted("a full page of one stamp restarts at that stamp") {
                Some(PollQuery::From(*from))
            } else if planted("a full page of one stamp is skipped") {
                Some(PollQuery::From(after(first.modified)))
            } else {
                Some(PollQuery::Drain { at: first.modified, after: None })
            }
        }
        // The last stamp is read again: rows that share it may stand on the next page.
        PollQuery::From(_) if planted("greater than instead of greater or equal") => {
            Some(PollQuery::From(after(last.modified)))
        }
        PollQuery::From(_) => Some(PollQuery::From(last.modified)),
        PollQuery::Drain { at, .. } if full => Some(PollQuery::Drain { at: *at, after: Some(last.id.clone()) }),
        PollQuery::Drain { at, .. } => Some(PollQuery::From(after(*at))),
    }
}

/// Whether a page only told that its stamp must be drained: its rows come again, in order of id.
pub fn is_thrown_away(query: &PollQuery, next: Option<&PollQuery>) -> bool {
    matches!((query, next), (PollQuery::From(_), Some(PollQuery::Drain { .. })))
}

fn after(stamp: Timestamp) -> Timestamp {
    stamp + std::time::Duration::from_millis(1)
}

/// Which fields hashes cover, as a number: hashes of different projections are never compared.
pub fn projection(fields: &[String]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for field in fields {
        hasher.update(field.as_bytes());
        hasher.update(&[0]);
    }
    crate::hash::first_eight(&hasher.finalize())
}

/// Hash over a record's fields.
pub fn content_hash(record: &Record) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for (name, value) in &record.fields {
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
        hasher.update(value.to_stored_json().to_string().as_bytes());
        hasher.update(&[0]);
    }
    crate::hash::first_eight(&hasher.finalize())
}

/// The business keys of the run that a record makes; `None` where the trigger's filter or `where` refuses it.
///
/// A record on which `where` fails makes a run, which then fails with that reason: nothing disappears.
pub fn accepted(flow: &Flow, record: &Record, run: RunId, now: Timestamp) -> Option<Vec<(String, String)>> {
    let condition = flow.trigger.condition();
    if flow.trigger.filter().is_some_and(|filter| !filter.matches(record)) {
        return None;
    }
    if condition.is_none() && flow.keys.is_empty() {
        return Some(Vec::new());
    }
    let mut scope = Scope::new(flow, record, run, now);
    if let Some(condition) = condition
        && condition.ask(&mut scope) == Ok(false)
    {
        return None;
    }
    Some(keys_in(flow, &mut scope))
}

/// The business keys of a run that no trigger has to let through.
pub fn keys(flow: &Flow, record: &Record, run: RunId, now: Timestamp) -> Vec<(String, String)> {
    if flow.keys.is_empty() { Vec::new() } else { keys_in(flow, &mut Scope::new(flow, record, run, now)) }
}

/// A key that cannot be computed is left out: the run's own failure will say why.
fn keys_in(flow: &Flow, scope: &mut Scope) -> Vec<(String, String)> {
    let keys = flow.keys.iter().filter_map(|(name, template)| {
        let value = template.evaluate(scope).ok()?;
        (!value.is_null()).then(|| (name.clone(), value.to_text()))
    });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(order: IdOrder, ids: &[&str]) -> PollPage {
        let row = |id: &&str| Record {
            id: RecordId::from(*id),
            created: None,
            modified: Timestamp::EPOCH,
            fields: sdk::Fields::new(),
        };
        PollPage { records: ids.iter().map(row).collect(), server_time: None, order }
    }

    #[test]
    fn a_page_whose_ids_do_not_rise_in_its_own_order_is_refused() {
        use IdOrder::{Numbers, Text};
        for (order, after, ids, is_trusted) in [
            (Numbers, None, &["-9223372036854775808", "-1", "2", "9", "10"][..], true),
            (Text, None, &["2", "9", "10"], false),
            (Text, None, &["-1", "10", "2", "9", "B", "a", "\u{e4}"], true),
            (Numbers, None, &["10", "2"], false),
            // One and the same as floats.
            (Numbers, None, &["9007199254740992", "9007199254740993"], true),
            (Numbers, None, &["9007199254740993", "9007199254740992"], false),
            (
                Numbers,
                None,
                &["99999999999999999999999999999999999998", "99999999999999999999999999999999999999"],
                true,
            ),
            (Numbers, Some("10"), &["9"], false),
            (Text, Some("10"), &["9"], true),
            (Numbers, Some("10"), &["10"], false),
            (Numbers, Some("ann"), &["10"], false),
            (Numbers, None, &["1", "NaN"], false),
            (Numbers, Some("ann"), &[], true),
        ] {
            let (after, page) = (after.map(RecordId::from), page(order, ids));
            let query = PollQuery::Drain { at: Timestamp::EPOCH, after: after.clone() };
            assert_eq!(verify_walk(after.as_ref(), &page).is_ok(), is_trusted, "{after:?} {page:?}");
            assert_eq!(verify(&query, &page).is_ok(), is_trusted, "{after:?} {page:?}");
        }
    }

    #[test]
    fn a_drain_begins_anew_where_it_cannot_go_on_in_its_order() {
        let drain = |after: Option<&str>| PollQuery::Drain { at: Timestamp::EPOCH, after: after.map(RecordId::from) };
        let page = page(IdOrder::Numbers, &["1"]);
        assert_eq!(anew(&drain(Some("9")), Some(IdOrder::Text), &page), Some(drain(None)));
        assert_eq!(anew(&drain(Some("9")), None, &page), Some(drain(None)), "an order that nobody knows may be any");
        assert_eq!(anew(&drain(Some("9")), Some(IdOrder::Numbers), &page), None);
        assert_eq!(anew(&drain(None), Some(IdOrder::Text), &page), None);
        assert_eq!(anew(&PollQuery::From(Timestamp::EPOCH), Some(IdOrder::Text), &page), None);
    }
}
