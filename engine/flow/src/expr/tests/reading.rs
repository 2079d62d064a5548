//! What an expression reads is known from its tree.

use super::*;

/// `record.a.b?` for a safe read, `record!` where it is used whole, `record[]` with a computed key.
fn reads(source: &str) -> String {
    let expression = compile(source).unwrap();
    let mut found = Vec::new();
    for (name, root) in &expression.reads().roots {
        for read in &root.uses {
            assert_eq!(&source[read.span.clone()], name, "{source}");
            let path = std::iter::once(name).chain(&read.path).cloned().collect::<Vec<_>>().join(".");
            found.push(format!("{path}{}", if read.safe { "?" } else { "" }));
        }
        if let Some(span) = &root.whole {
            assert_eq!(&source[span.clone()], name);
            found.push(format!("{name}!"));
        }
        for items in &root.items {
            assert_eq!(&source[items.span.clone()], name);
            found.push(format!("{name}[{}]", items.field.as_deref().unwrap_or("*")));
        }
        if let Some(span) = &root.computed {
            assert_eq!(&source[span.clone()], name);
            found.push(format!("{name}[]"));
        }
    }
    found.join(" ")
}

#[test]
fn paths() {
    for (source, wanted) in [
        ("record.email.to_lower()", "record.email"),
        ("record[\"default\"]", "record.default"),
        ("record.owner.email + record.owner[\"name\"]", "record.owner.email record.owner.name"),
        ("record.tags[0].name", "record.tags"),
        ("record.tags[record.count]", "record.tags record.count"),
        ("record[record.email]", "record record.email record[]"),
        ("record.email.replace(customer.a, flow.id)", "customer.a flow.id record.email"),
        ("join_words(record.a, record.b)", "record.a record.b"),
        ("`a ${record.b} ${[record.c, #{d: record.d}]}`", "record.b record.c record.d"),
        ("if record.a { record.b } else if record.c { 1 } else { record.d }", "record.a record.b record.c record.d"),
        ("record.a && (record.b || !record.c)", "record.a record.b record.c"),
        ("-record.a in [record.b]", "record.a record.b"),
        ("record.tags.map(|tag| tag.name).contains(record.a)", "record.tags record.a"),
        ("record", "record record!"),
        ("to_json(record)", "record record!"),
        ("record.keys()", "record record!"),
        ("[1, 2].map(|record| record.email)", ""),
        ("\"ä\" + record.a +\n  record.b", "record.a record.b"),
        ("(record.a).b", "record.a.b"),
        ("now > record.a", "now now! record.a"),
        ("1 + 2", ""),
    ] {
        assert_eq!(reads(source), wanted, "{source}");
    }
}

#[test]
fn what_is_read_of_the_items_of_a_list() {
    for (source, wanted) in [
        ("deals.len() > 0", "deals deals[*]"),
        ("len(deals)", "deals deals[*]"),
        ("deals.pluck(\"name\").join(\", \")", "deals deals[name]"),
        ("pluck(deals, \"name\")", "deals deals[name]"),
        ("deals[0].name", "deals deals[name]"),
        ("first(deals)?.name ?? record.a", "deals deals[name] record.a"),
        ("deals.last().owner.email", "deals deals[owner]"),
        ("first(deals)", "deals deals!"),
        ("deals.pluck(record.a)", "deals deals! record.a"),
        ("deals[0]", "deals deals[]"),
        ("deals.filter(|deal| deal.open).len()", "deals deals!"),
    ] {
        assert_eq!(reads(source), wanted, "{source}");
    }
}

#[test]
fn safe_uses_of_names_that_may_be_unset() {
    for (source, wanted) in [
        ("customer.id", "customer.id"),
        ("customer?.id", "customer.id?"),
        ("customer?[\"id\"]", "customer.id?"),
        ("customer?.owner.email", "customer.owner.email?"),
        ("customer == ()", "customer?"),
        ("() != customer", "customer?"),
        ("customer ?? 5", "customer? customer!"),
        ("5 ?? customer", "customer customer!"),
        ("customer.id ?? 5", "customer.id"),
        ("is_blank(customer)", "customer?"),
        ("customer.is_blank()", "customer?"),
        ("customer.is_blank() || customer.id > 5", "customer? customer.id?"),
        ("not(is_blank(customer)) && customer.id > 5", "customer? customer.id?"),
        ("is_blank(customer) && customer.id > 5", "customer? customer.id"),
        ("customer?.id != () && customer.id > 5", "customer.id? customer.id?"),
        ("customer?.id == () && customer.id > 5", "customer.id? customer.id"),
        ("not(customer.name.is_blank()) && customer.name > 5", "customer.name customer.name?"),
        ("customer != () && customer.id > 5", "customer? customer.id?"),
        ("customer == () || customer.id > 5", "customer? customer.id?"),
        ("customer == () && customer.id > 5", "customer? customer.id"),
        ("customer != () || customer.id > 5", "customer? customer.id"),
        ("not(customer == ()) && customer.id > 5", "customer? customer.id?"),
        ("(customer != () && true) && customer.id > 5", "customer? customer.id?"),
        ("if customer != () { customer.id } else { 5 }", "customer? customer.id?"),
        ("if customer == () { 5 } else { customer.id }", "customer? customer.id?"),
        ("if customer == () { customer.id } else { 5 }", "customer? customer.id"),
        ("(customer != () && true) || customer.id > 5", "customer? customer.id"),
        ("customer?.tags.contains(customer.id)", "customer.tags? customer.id"),
    ] {
        assert_eq!(reads(source), wanted, "{source}");
    }
}
