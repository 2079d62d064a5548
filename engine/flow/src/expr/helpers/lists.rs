//! Functions on lists and maps. They give new lists; what they are given stays as it is.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};

use rhai::{Array, Dynamic, Engine, FnPtr, Map, NativeCallContext};

use super::super::compare::{Kind, equal, order};
use super::super::failure::{Failed, refuse};
use super::super::limits;
use super::takes::{ANY, FUNCTION, LIST, LIST_OR_MAP, MAP, NAME, NUMBER, RANGE, TEXT};
use super::texts::{grow, part};
use super::{Gives, Helper, helper, wrong};

pub(super) const HELPERS: &[Helper] = &[
    helper(
        "len",
        "list.len()",
        &[LIST_OR_MAP],
        Gives::Always(Kind::Number),
        "How many items the list, or entries the map, has.",
        "[1, 2].len()",
        "2",
    ),
    helper(
        "contains",
        "list.contains(value)",
        &[LIST, ANY],
        Gives::Always(Kind::Boolean),
        "Whether the value is in the list; also written `value in list`.",
        r#"["a", "b"].contains("b")"#,
        "true",
    ),
    helper(
        "contains",
        "map.contains(name)",
        &[MAP, TEXT],
        Gives::Always(Kind::Boolean),
        "Whether the map has an entry of that name.",
        r#"#{ a: 1 }.contains("b")"#,
        "false",
    ),
    helper(
        "contains",
        "number in low..=high",
        &[RANGE, NUMBER],
        Gives::Always(Kind::Boolean),
        "Whether the number is in the range.",
        "5 in 1..=5",
        "true",
    ),
    helper(
        "index_of",
        "list.index_of(value)",
        &[LIST, ANY],
        Gives::Always(Kind::Number),
        "Where, from 0, the value is in the list; `()` where it is not.",
        "[5, 6].index_of(6)",
        "1",
    ),
    helper(
        "first",
        "first(list)",
        &[LIST],
        Gives::Unknown,
        "The first item; `()` where there is none.",
        "first([7, 8])",
        "7",
    ),
    helper("last", "last(list)", &[LIST], Gives::Unknown, "The last item; `()` where there is none.", "last([])", "()"),
    helper(
        "take",
        "list.take(n)",
        &[LIST, NUMBER],
        Gives::Always(Kind::List),
        "The first n items.",
        "[1, 2, 3].take(2)",
        "[1, 2]",
    ),
    helper(
        "reverse",
        "list.reverse()",
        &[LIST],
        Gives::Always(Kind::List),
        "The items from last to first.",
        "[1, 2].reverse()",
        "[2, 1]",
    ),
    helper(
        "unique",
        "list.unique()",
        &[LIST],
        Gives::Always(Kind::List),
        "Each item once, where it first stands.",
        "[1, 2, 1].unique()",
        "[1, 2]",
    ),
    helper(
        "flatten",
        "list.flatten()",
        &[LIST],
        Gives::Always(Kind::List),
        "The items of the lists in it, one level deep.",
        "[[1], [2, 3]].flatten()",
        "[1, 2, 3]",
    ),
    helper(
        "sort",
        "list.sort()",
        &[LIST],
        Gives::Always(Kind::List),
        "In order; all items must be of one type.",
        "[3, 1, 2].sort()",
        "[1, 2, 3]",
    ),
    helper(
        "sort_by",
        "list.sort_by(|item| …)",
        &[LIST, FUNCTION],
        Gives::Always(Kind::List),
        "In the order of what the function gives for each.",
        "[#{ n: 2 }, #{ n: 1 }].sort_by(|item| item.n).pluck(\"n\")",
        "[1, 2]",
    ),
    helper(
        "join",
        "list.join(separator)",
        &[LIST, TEXT],
        Gives::Always(Kind::Text),
        "The items as one text.",
        r#"["a", 1].join(";")"#,
        r#""a;1""#,
    ),
    helper(
        "pluck",
        "list.pluck(field)",
        &[LIST, TEXT],
        Gives::Always(Kind::List),
        "That field of every item.",
        r#"[#{ id: 1 }, #{ id: 2 }].pluck("id")"#,
        "[1, 2]",
    ),
    helper(
        "where_field",
        "list.where_field(field, value)",
        &[LIST, TEXT, ANY],
        Gives::Always(Kind::List),
        "The items whose field has that value.",
        r#"[#{ id: 1 }, #{ id: 2 }].where_field("id", 2)"#,
        "[#{ id: 2 }]",
    ),
    helper(
        "map",
        "list.map(|item| …)",
        &[LIST, FUNCTION],
        Gives::Always(Kind::List),
        "What the function gives for every item.",
        "[1, 2].map(|n| n * 10)",
        "[10, 20]",
    ),
    helper(
        "filter",
        "list.filter(|item| …)",
        &[LIST, FUNCTION],
        Gives::Always(Kind::List),
        "The items for which the function gives true.",
        "[1, 2, 3].filter(|n| n > 1)",
        "[2, 3]",
    ),
    helper(
        "find",
        "list.find(|item| …)",
        &[LIST, FUNCTION],
        Gives::Unknown,
        "The first item for which it gives true; `()` where there is none.",
        "[1, 2, 3].find(|n| n > 1)",
        "2",
    ),
    helper(
        "some",
        "list.some(|item| …)",
        &[LIST, FUNCTION],
        Gives::Always(Kind::Boolean),
        "Whether it gives true for at least one item.",
        "[1, 2].some(|n| n > 1)",
        "true",
    ),
    helper(
        "all",
        "list.all(|item| …)",
        &[LIST, FUNCTION],
        Gives::Always(Kind::Boolean),
        "Whether it gives true for every item.",
        "[1, 2].all(|n| n > 1)",
        "false",
    ),
    helper(
        "reduce",
        "list.reduce(|so_far, item| …, start)",
        &[LIST, FUNCTION, ANY],
        Gives::Unknown,
        "All items worked into one value, from a start on.",
        "[1, 2, 3].reduce(|sum, n| sum + n, 0)",
        "6",
    ),
    helper(
        "keys",
        "map.keys()",
        &[MAP],
        Gives::Always(Kind::List),
        "The names of the entries, in alphabetical order.",
        "#{ b: 1, a: 2 }.keys()",
        r#"["a", "b"]"#,
    ),
    helper(
        "values",
        "map.values()",
        &[MAP],
        Gives::Always(Kind::List),
        "The values of the entries, in the order of their names.",
        "#{ b: 1, a: 2 }.values()",
        "[2, 1]",
    ),
    helper(
        "lookup",
        "lookup(map, name)",
        &[MAP, NAME],
        Gives::Unknown,
        "The entry of that name; `()` where there is none, or no name.",
        r#"lookup(#{ won: 1 }, "lost")"#,
        "()",
    ),
    helper(
        "lookup",
        "lookup(map, name, default)",
        &[MAP, NAME, ANY],
        Gives::Unknown,
        "The same with what to give otherwise.",
        r#"lookup(#{ won: 1 }, "lost", 0)"#,
        "0",
    ),
];

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("len", |list: &mut Array| list.len() as i64);
    engine.register_fn("len", |map: &mut Map| map.len() as i64);
    engine
        .register_fn("contains", |list: &mut Array, value: Dynamic| Ok::<_, Failed>(position(list, &value)?.is_some()));
    engine.register_fn("contains", |map: &mut Map, name: &str| map.contains_key(name));
    engine.register_fn("contains", |range: Range<i64>, number: i64| range.contains(&number));
    engine.register_fn("contains", |range: RangeInclusive<i64>, number: i64| range.contains(&number));
    engine.register_fn("contains", |range: Range<i64>, number: f64| {
        range.start as f64 <= number && number < range.end as f64
    });
    engine.register_fn("contains", |range: RangeInclusive<i64>, number: f64| {
        *range.start() as f64 <= number && number <= *range.end() as f64
    });
    engine.register_fn("index_of", |list: &mut Array, value: Dynamic| {
        Ok::<_, Failed>(position(list, &value)?.map_or(Dynamic::UNIT, |at| Dynamic::from(at as i64)))
    });
    engine.register_fn("first", |list: &mut Array| list.first().cloned().unwrap_or(Dynamic::UNIT));
    engine.register_fn("last", |list: &mut Array| list.last().cloned().unwrap_or(Dynamic::UNIT));
    engine.register_fn("take", |list: &mut Array, n: i64| {
        list.iter().take(usize::try_from(n).unwrap_or(0)).cloned().collect::<Array>()
    });
    engine.register_fn("reverse", |list: &mut Array| list.iter().rev().cloned().collect::<Array>());
    engine.register_fn("unique", |list: &mut Array| unique(list));
    engine.register_fn("flatten", |list: &mut Array| flatten(list));
    engine.register_fn("+", |left: Array, right: Array| bounded(left.into_iter().chain(right)));
    engine
        .register_fn("sort", |list: &mut Array| sorted(list.iter().map(|item| (item.clone(), item.clone())).collect()));
    engine.register_fn("sort_by", |context: NativeCallContext, list: &mut Array, key: FnPtr| {
        let keyed = list.iter().map(|item| Ok((call(&context, &key, [item.clone()])?, item.clone())));
        sorted(keyed.collect::<Result<_, Failed>>()?)
    });
    engine.register_fn("join", |list: &mut Array, separator: &str| join(list, separator));
    engine.register_fn("pluck", |list: &mut Array, field: &str| {
        list.iter().map(|item| field_of("pluck", item, field)).collect::<Result<Array, Failed>>()
    });
    engine.register_fn("where_field", |list: &mut Array, field: &str, value: Dynamic| where_field(list, field, &value));
    engine.register_fn("map", |context: NativeCallContext, list: &mut Array, function: FnPtr| {
        bounded(list.iter().map(|item| call(&context, &function, [item.clone()])).collect::<Result<Array, Failed>>()?)
    });
    engine.register_fn("filter", |context: NativeCallContext, list: &mut Array, function: FnPtr| {
        let mut kept = Array::new();
        for item in list.iter() {
            if ask(&context, "filter", &function, item)? {
                kept.push(item.clone());
            }
        }
        Ok::<_, Failed>(kept)
    });
    engine.register_fn("find", |context: NativeCallContext, list: &mut Array, function: FnPtr| {
        for item in list.iter() {
            if ask(&context, "find", &function, item)? {
                return Ok(item.clone());
            }
        }
        Ok::<_, Failed>(Dynamic::UNIT)
    });
    engine.register_fn("some", |context: NativeCallContext, list: &mut Array, function: FnPtr| {
        list.iter().try_fold(false, |found, item| Ok::<_, Failed>(found || ask(&context, "some", &function, item)?))
    });
    engine.register_fn("all", |context: NativeCallContext, list: &mut Array, function: FnPtr| {
        list.iter().try_fold(true, |so_far, item| Ok::<_, Failed>(so_far && ask(&context, "all", &function, item)?))
    });
    engine.register_fn("reduce", |context: NativeCallContext, list: &mut Array, function: FnPtr, start: Dynamic| {
        list.iter().try_fold(start, |so_far, item| call(&context, &function, [so_far, item.clone()]))
    });
    engine
        .register_fn("keys", |map: &mut Map| map.keys().map(|name| Dynamic::from(name.to_string())).collect::<Array>());
    engine.register_fn("values", |map: &mut Map| map.values().cloned().collect::<Array>());
    engine.register_fn("lookup", |map: &mut Map, name: Dynamic| lookup(map, &name, Dynamic::UNIT));
    engine.register_fn("lookup", |map: &mut Map, name: Dynamic, default: Dynamic| lookup(map, &name, default));
}

fn call<const N: usize>(
    context: &NativeCallContext,
    function: &FnPtr,
    arguments: [Dynamic; N],
) -> Result<Dynamic, Failed> {
    function.call_raw(context, None, arguments)
}

fn ask(context: &NativeCallContext, name: &str, function: &FnPtr, item: &Dynamic) -> Result<bool, Failed> {
    let answer = call(context, function, [item.clone()])?;
    answer.as_bool().map_err(|_| wrong(name, "a function that gives true or false", &answer))
}

/// Before a list is made, that it is not too long.
fn bounded(items: impl IntoIterator<Item = Dynamic>) -> Result<Array, Failed> {
    let mut list = Array::new();
    for item in items {
        if list.len() == limits::LIST {
            return Err(refuse(format!("the list here is too large (at most {} items)", limits::LIST)));
        }
        list.push(item);
    }
    limits::pay(list.len() * 16)?;
    Ok(list)
}

fn position(list: &Array, value: &Dynamic) -> Result<Option<usize>, Failed> {
    limits::pay(list.len() * 16)?;
    for (at, item) in list.iter().enumerate() {
        if equal(item, value, "in")? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn unique(list: &Array) -> Result<Array, Failed> {
    limits::pay(list.len() * 64)?;
    // Lists of texts or of whole numbers are the usual ones, and may be long.
    if list.iter().all(Dynamic::is_string) || list.iter().all(Dynamic::is_int) {
        let mut seen = HashSet::new();
        return Ok(list.iter().filter(|item| seen.insert(item.to_string())).cloned().collect());
    }
    let mut kept = Array::new();
    for item in list {
        if position(&kept, item)?.is_none() {
            kept.push(item.clone());
        }
    }
    Ok(kept)
}

fn flatten(list: &Array) -> Result<Array, Failed> {
    let mut items = Array::new();
    for item in list {
        match item.read_lock::<Array>() {
            Some(inner) => items.extend(inner.iter().cloned()),
            None => items.push(item.clone()),
        }
    }
    bounded(items)
}

/// By keys that all have one type; empty ones come first. Items with equal keys keep their order.
fn sorted(mut keyed: Vec<(Dynamic, Dynamic)>) -> Result<Array, Failed> {
    limits::pay(keyed.len() * 256)?;
    let mut failed = None;
    keyed.sort_by(|(left, _), (right, _)| match (left.is_unit(), right.is_unit()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        // After a failure any order will do, as long as it is one.
        (false, false) if failed.is_some() => Ordering::Equal,
        (false, false) => order(left, right, "<").unwrap_or_else(|error| {
            failed = Some(error);
            Ordering::Equal
        }),
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(keyed.into_iter().map(|(_, item)| item).collect()),
    }
}

fn join(list: &Array, separator: &str) -> Result<String, Failed> {
    let mut joined = String::new();
    for (at, item) in list.iter().enumerate() {
        if at > 0 {
            grow(&mut joined, separator)?;
        }
        grow(&mut joined, &part(item)?)?;
    }
    Ok(joined)
}

fn field_of(function: &str, item: &Dynamic, field: &str) -> Result<Dynamic, Failed> {
    limits::pay(64)?;
    let Some(map) = item.read_lock::<Map>() else { return Err(wrong(function, "a list of records", item)) };
    map.get(field).cloned().ok_or_else(|| refuse(format!("`{function}`: an item has no field `{field}`")))
}

fn where_field(list: &Array, field: &str, value: &Dynamic) -> Result<Array, Failed> {
    let mut kept = Array::new();
    for item in list {
        if equal(&field_of("where_field", item, field)?, value, "==")? {
            kept.push(item.clone());
        }
    }
    Ok(kept)
}

fn lookup(map: &Map, name: &Dynamic, default: Dynamic) -> Result<Dynamic, Failed> {
    match Kind::of(name) {
        Kind::Nothing => Ok(default),
        Kind::Text | Kind::Number | Kind::Boolean => Ok(map.get(part(name)?.as_str()).cloned().unwrap_or(default)),
        _ => Err(wrong("lookup", "a name", name)),
    }
}
