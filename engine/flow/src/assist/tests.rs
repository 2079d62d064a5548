//! What is offered, told and led to, by flows in which `|` stands for the cursor.

mod documents;

use proptest::prelude::*;
use sdk::Setting;
use text::SourceFile;

use super::*;

const HEAD: &str =
    "flow: leads\nconnections: {crm: hubspot, warehouse: sqlite}\ntrigger: {poll: crm.contacts, every: 15s}\n";

const COPY: &str = "\
flow: copy
version: 2
description: Copies people.
inputs:
  often: {type: duration, default: 1m}
  stage: {type: option, of: crm.contacts.lifecyclestage, label: Stage, help: Who is copied.}
  kind: {type: choice, options: [short, long], default: short}
  key: {type: field, of: crm.contacts, default: email}
  all: {type: boolean, default: true}
connections: {crm: hubspot}
trigger: {poll: crm.contacts, every: \"${ inputs.often }\"}
steps:
  - skip: ${ inputs.kind }
";

fn settings(connector: &str) -> &'static [Setting] {
    const TOKEN: Setting = Setting { name: "token", kind: sdk::SettingKind::Secret, required: true, help: "the token" };
    const TIER: Setting =
        Setting { name: "tier", kind: sdk::SettingKind::Choice(&["free", "pro"]), required: false, help: "the plan" };
    if connector == "hubspot" { &[TOKEN, TIER] } else { &[] }
}

fn limits(connection: &ConnectionName) -> Vec<String> {
    if connection.as_str() == "crm" { vec!["burst".to_owned(), "daily".to_owned()] } else { Vec::new() }
}

/// Asks about the place of the `|`.
fn ask<T>(document: Document, written: &str, ask: impl FnOnce(Cursor<'_>, &Surroundings<'_>) -> T) -> T {
    let offset = written.find('|').expect("a cursor");
    let file = SourceFile::new("flows/leads.yaml", &written.replacen('|', "", 1));
    let called = SourceFile::new(
        "flows/remind.yaml",
        "flow: remind\ndescription: Reminds.\ntrigger: {manual: {inputs: {order: {type: text, required: true}}}}\nsteps:\n  - skip: x\n",
    );
    let template = SourceFile::new("flows/copy.yaml", COPY);
    let polled = SourceFile::new(
        "flows/polled.yaml",
        &format!("{}steps:\n  - skip: x\n    name: done\n", HEAD.replace("leads", "polled")),
    );
    let flows = crate::parse(&[called.clone(), called, template, polled]).definitions;
    let catalog = crate::ui::catalog();
    let people = SourceFile::new(
        "flows/people.yaml",
        "sync: people\ndescription: Keeps people alike.\nbetween: [warehouse.customers, crm.contacts]\nevery: 8h\nfields: [name <-> firstname]\nto_right: {match: email, of: enrolled}\nto_left: {match: email}\n",
    );
    let syncs = crate::parse(&[people]).syncs;
    let around = Surroundings { catalog: &catalog, flows: &flows, syncs: &syncs, settings: &settings, limits: &limits };
    ask(Cursor { file: &file, document, offset }, &around)
}

fn proposals(written: &str) -> Vec<Proposal> {
    ask(Document::Flow, written, propose).list
}

fn labels(written: &str) -> Vec<String> {
    proposals(written).into_iter().map(|one| one.label).collect()
}

#[track_caller]
fn offers(rest: &str, wanted: &[&str], unwanted: &[&str]) -> Vec<Proposal> {
    let written = format!("{HEAD}{rest}");
    let list = proposals(&written);
    let labels: Vec<_> = list.iter().map(|one| one.label.as_str()).collect();
    for wanted in wanted {
        assert!(labels.contains(wanted), "`{wanted}` is not offered: {labels:?} in\n{written}");
    }
    for unwanted in unwanted {
        assert!(!labels.contains(unwanted), "`{unwanted}` is offered: {labels:?} in\n{written}");
    }
    list
}

/// The text after the proposal of this label was taken.
#[track_caller]
fn taken(written: &str, label: &str) -> String {
    let found = ask(Document::Flow, written, propose);
    let proposal = found.list.iter().find(|one| one.label == label);
    let Some(proposal) = proposal else { panic!("no `{label}` among {:?} in\n{written}", found.list) };
    let mut text = written.replacen('|', "", 1);
    text.replace_range(found.span.start..found.span.end, &proposal.insert);
    text
}

#[test]
fn keys_that_may_stand_here_are_offered_with_those_missing_first() {
    assert_eq!(labels("fl|")[0], "flow");
    assert_eq!(labels("flow: a\n|\n")[..2], ["trigger", "steps"]);
    let list = offers("st|\n", &["steps", "when", "limits"], &["flow", "trigger", "connections"]);
    assert_eq!((list[0].label.as_str(), list[0].detail.as_str()), ("steps", "required"));
    assert!(list[0].doc.contains("in order"), "{:?}", list[0]);
    offers("steps:\n  - |\n", &["upsert", "find", "skip"], &["flow", "match"]);
    offers("steps:\n  - upsert: warehouse.customers\n    |\n", &["match", "set", "as", "retry"], &["upsert", "find"]);
    offers("steps:\n  - upsert: warehouse.customers\n    ma|\n    set:\n      email: x\n", &["match"], &["set"]);
    offers("steps:\n  - find: crm.contacts\n    retry:\n      |\n", &["attempts", "max"], &["set"]);
    offers("limits: {ru|}\n", &["runs"], &[]);
    offers("steps:\n  - find: crm.contacts\n    filter: {email: {|}}\n", &["eq", "contains"], &["email"]);
}

#[test]
fn what_is_taken_is_written_as_it_has_to_be() {
    assert_eq!(taken("flow: a\nst|\n", "steps"), "flow: a\nsteps:\n");
    assert_eq!(taken("flow: a\nen|: 1\n", "enabled"), "flow: a\nenabled: 1\n");
    assert_eq!(taken("steps:\n  - skip: x\n  ups|\n", "upsert"), "steps:\n  - skip: x\n  - upsert: \n");
    assert_eq!(taken("steps:\n  - ups|\n", "upsert"), "steps:\n  - upsert: \n");
    assert_eq!(taken("steps:\n  |\n", "skip"), "steps:\n  - skip: \n");
    let stage = format!("{HEAD}steps:\n  - create: crm.contacts\n    set: {{lifecyclestage: cu|}}\n");
    assert!(taken(&stage, "customer").ends_with("set: {lifecyclestage: customer}\n"));
    let expression = format!("{HEAD}when: record.fi|rst != ()\n");
    assert!(taken(&expression, "firstname").contains("when: record.firstname != ()\n"));
    let connection = "flow: a\nconnections:\n  |\n";
    assert_eq!(taken(connection, "crm"), "flow: a\nconnections:\n  crm: hubspot\n");
}

#[test]
fn values_are_offered_by_what_stands_before_them() {
    offers("steps:\n  - upsert: |\n", &["crm.contacts", "warehouse.customers", "other."], &[]);
    offers("steps:\n  - upsert: crm.|\n", &["crm.contacts", "crm.deals"], &[]);
    offers("steps:\n  - do: |\n", &["crm.associate"], &[]);
    offers("steps:\n  - run: |\n", &["remind"], &["leads"]);
    offers("steps:\n  - find: crm.contacts\n    none: |\n", &["continue", "skip", "fail"], &[]);
    offers("steps:\n  - wait: |\n", &["15m", "1d"], &[]);
    offers("steps:\n  - find: crm.contacts\n    many: |\n", &["true", "false"], &[]);
    offers("timezone: |\n", &["Europe/Berlin"], &[]);
    assert!(labels("flow: |\n").contains(&"leads".to_owned()));
    assert_eq!(labels("flow: a\ntrigger:\n  poll: crm.contacts\n  on: |\n"), ["new", "new_or_updated", "archived"]);
    assert!(labels("flow: a\ntrigger:\n  schedule: |\n").contains(&"0 8 * * MON-FRI".to_owned()));
}

#[test]
fn fields_and_their_options_are_those_of_the_object_at_hand() {
    let list = offers("steps:\n  - create: crm.deals\n    set:\n      |\n", &["dealname", "amount"], &["email", "id"]);
    assert_eq!(list[0].label, "dealname", "what is required comes first");
    offers(
        "steps:\n  - create: crm.contacts\n    set:\n      email: x\n      |\n",
        &["firstname"],
        &["email", "createdate"],
    );
    offers("steps:\n  - upsert: warehouse.customers\n    match: |\n", &["email", "name"], &["firstname"]);
    offers("steps:\n  - find: crm.contacts\n    fields: [email, |]\n", &["firstname"], &["name"]);
    offers("steps:\n  - find: crm.deals\n    filter: {|}\n", &["dealname"], &["email"]);
    offers("steps:\n  - find: crm.contacts\n    filter: {lifecyclestage: {in: [lead, |]}}\n", &["customer"], &[]);
    offers("steps:\n  - create: crm.contacts\n    set:\n      lifecyclestage: |\n", &["lead", "customer"], &[]);
    offers("steps:\n  - create: crm.contacts\n    set:\n      vip: |\n", &["true", "false"], &[]);
    offers(
        "steps:\n  - upsert: warehouse.customers\n    mapping:\n      email: |\n",
        &["firstname", "email"],
        &["city"],
    );
    offers("steps:\n  - create: crm.contacts\n    set:\n      email: |\n", &["${ record.email }"], &[]);
    offers("steps:\n  - run: remind\n    with:\n      |\n", &["order"], &[]);
    offers("steps:\n  - do: crm.associate\n    with: {|}\n", &["from", "to", "label"], &[]);
    offers("steps:\n  - do: crm.associate\n    with: {label: |}\n", &["primary"], &[]);
    assert!(
        labels("flow: a\ntrigger:\n  poll: crm.contacts\n  filter:\n    life|\n")
            .contains(&"lifecyclestage".to_owned())
    );
}

#[test]
fn expressions_see_what_stands_before_them() {
    offers("when: |\n", &["record", "now", "join_words", "is_blank"], &["failure", "inputs", "to_lower"]);
    offers("when: record.|\n", &["email", "lifecyclestage", "meta", "id"], &["city", "to_lower"]);
    offers("when: record.meta.|\n", &["created", "updated"], &["email"]);
    offers("when: record.email.|\n", &["to_lower", "contains"], &["firstname", "join_words"]);
    offers("when: record.lifecyclestage == \"|\"\n", &["lead", "customer"], &["record"]);
    let steps = "steps:\n  - find: warehouse.customers\n    id: x\n    as: known\n  - let: {a: 1, b: \"${ | }\"}\n  - skip: x\n    as: later\n";
    offers(steps, &["known", "a", "record"], &["b", "later"]);
    offers(
        "steps:\n  - find: warehouse.customers\n    id: x\n    as: known\n  - skip: ${ known?.|\n",
        &["city"],
        &["firstname"],
    );
    offers("steps:\n  - each: ${ record.tags }\n    item: tag\n    steps:\n      - skip: ${ |\n", &["tag"], &["item"]);
    offers("steps:\n  - if: true\n    then:\n      - let: {inner: 1}\n  - skip: ${ |\n", &["record"], &["inner"]);
    offers("steps:\n  - skip: x\non_failure:\n  - skip: ${ failure.|\n", &["step", "message"], &[]);
    offers(
        "steps:\n  - find: crm.deals\n    filter: {amount: 1}\n    many: true\n    as: deals\n  - each: ${ deals }\n    steps:\n      - skip: ${ item.|\n",
        &["dealname"],
        &["firstname"],
    );
    offers("steps:\n  - create: crm.deals\n    as: made\n  - skip: ${ made.|\n", &["id", "created"], &[]);
    let manual =
        "flow: a\ntrigger:\n  manual:\n    inputs:\n      order: {type: text}\nsteps:\n  - skip: ${ inputs.|\n";
    assert_eq!(labels(manual), ["order"]);
    let taken = taken(&format!("{HEAD}when: join_w|(record.email)\n"), "join_words");
    assert!(taken.ends_with("when: join_words(record.email)\n"), "{taken}");
}

#[test]
fn templates_and_what_is_made_of_them_are_helped_with() {
    let template = "flow: a\ninputs:\n  stage: {type: text}\ntrigger: {poll: crm.contacts, every: 15s}\nwhen: |\n";
    assert!(labels(template).contains(&"inputs".to_owned()));
    assert_eq!(labels(&template.replace("when: |", "when: inputs.|")), ["stage"]);
    let keys = labels("flow: a\nfrom: leads@1\n|\n");
    assert!(keys.contains(&"bind".to_owned()) && !keys.contains(&"trigger".to_owned()), "{keys:?}");
}

#[test]
fn nothing_is_offered_where_nothing_is_known() {
    for rest in ["description: |\n", "# a comm|ent\n", "steps:\n  - skip: plain |\n", "when: record.email == \"|\"\n"] {
        offers(rest, &[], &["flow", "steps", "upsert", "record"]);
        assert_eq!(labels(&format!("{HEAD}{rest}")), Vec::<String>::new(), "{rest}");
    }
}

#[test]
fn connections_and_settings_are_helped_with_too() {
    let of = |document, written: &str| {
        ask(document, written, propose).list.into_iter().map(|one| one.label).collect::<Vec<_>>()
    };
    assert!(of(Document::Connections, "crm:\n  |\n").contains(&"connector".to_owned()));
    assert!(of(Document::Connections, "crm:\n  connector: |\n").contains(&"hubspot".to_owned()));
    assert_eq!(of(Document::Connections, "crm:\n  connector: hubspot\n  t|\n")[..2], ["token", "tier"]);
    assert_eq!(of(Document::Connections, "crm:\n  connector: hubspot\n  token: |\n"), ["${ env.HUBSPOT_TOKEN }"]);
    assert_eq!(of(Document::Settings, "|\n")[..2], ["timezone", "data"]);
}

/// What is told of the place of the `|`, and the text that it is told of.
fn told(rest: &str) -> Option<(String, String)> {
    let written = format!("{HEAD}{rest}");
    let said = ask(Document::Flow, &written, describe)?;
    Some((written.replacen('|', "", 1)[said.span.start..said.span.end].to_owned(), said.markdown))
}

#[test]
fn what_stands_at_the_cursor_is_told() {
    for (rest, span, part) in [
        ("ste|ps:\n  - skip: x\n", "steps", "in order"),
        ("steps:\n  - up|sert: crm.contacts\n", "upsert", "Changes the record that `match` finds"),
        ("steps:\n  - upsert: cr|m.contacts\n", "crm", "of `hubspot`"),
        ("steps:\n  - upsert: crm.con|tacts\n", "contacts", "fields are known"),
        ("steps:\n  - find: crm.contacts\n    none: ski|p\n", "skip", "ends as skipped"),
        (
            "steps:\n  - create: crm.contacts\n    set:\n      lifecycle|stage: lead\n",
            "lifecyclestage",
            "| `lead` | Lead |",
        ),
        (
            "steps:\n  - create: crm.contacts\n    set:\n      lifecyclestage: le|ad\n",
            "lead",
            "Lead, of `lifecyclestage`",
        ),
        ("when: record.em|ail != ()\n", "email", "unique"),
        ("when: rec|ord.email != ()\n", "record", "a record of crm.contacts"),
        ("when: join_|words(record.email)\n", "join_words", "join_words("),
        ("when: record.email.to_lo|wer()\n", "to_lower", "in lower case"),
        ("when: record.meta.cre|ated\n", "created", "moment"),
        ("when: record.lifecyclestage == \"cust|omer\"\n", "customer", "Customer"),
        ("steps:\n  - do: crm.assoc|iate\n", "associate", "the id of the from record"),
        ("steps:\n  - run: rem|ind\n", "remind", "Reminds."),
        ("steps:\n  - upsert: warehouse.customers\n    match: em|ail\n", "email", "unique"),
    ] {
        let (of, text) = told(rest).unwrap_or_else(|| panic!("nothing is told in {rest}"));
        assert_eq!(of, span, "{rest}");
        assert!(text.contains(part), "{rest}: {text}");
    }
    for rest in ["description: wo|rd\n", "# comm|ent\n", "when: record.nothing.su|ch\n"] {
        assert_eq!(told(rest), None, "{rest}");
    }
}

#[test]
fn definitions_are_led_to() {
    let to = |rest: &str| {
        let written = format!("{HEAD}{rest}");
        let found = ask(Document::Flow, &written, leads_to).map(|(_, definition)| definition);
        match found {
            Some(Definition::Here(span)) => format!("here {}", &written.replacen('|', "", 1)[span.start..span.end]),
            Some(Definition::Connection(name)) => format!("connection {name}"),
            Some(Definition::Flow(id)) => format!("flow {id}"),
            Some(Definition::Object { connection, object, field }) => {
                format!("object {connection}.{object} {}", field.unwrap_or_default())
            }
            None => "nowhere".to_owned(),
        }
    };
    for (rest, wanted) in [
        ("steps:\n  - upsert: cr|m.contacts\n", "connection crm"),
        ("steps:\n  - upsert: crm.cont|acts\n", "object crm.contacts "),
        ("steps:\n  - run: rem|ind\n", "flow remind"),
        ("when: record.em|ail != ()\n", "object crm.contacts email"),
        ("steps:\n  - create: crm.deals\n    set: {am|ount: 1}\n", "object crm.deals amount"),
        ("steps:\n  - find: crm.deals\n    id: x\n    as: deal\n  - skip: ${ de|al?.amount }\n", "here deal"),
        ("steps:\n  - let: {total: 1}\n  - skip: ${ to|tal }\n", "here total"),
        ("steps:\n  - each: [1]\n    item: one\n    steps:\n      - skip: ${ on|e }\n", "here one"),
        ("ste|ps:\n  - skip: x\n", "nowhere"),
    ] {
        assert_eq!(to(rest), wanted, "{rest}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_and_no_place_breaks_it(
        text in "(flow: a\\n|trigger: |poll|crm\\.|contacts|steps:\\n|  - |upsert|set:|    |\\n|\\$\\{ |\\}|record\\.|\"|'|[{}\\[\\],:#é😀]){0,30}",
        at in 0_usize..200,
    ) {
        let file = SourceFile::new("flows/a.yaml", &text);
        let catalog = crate::ui::catalog();
        let around = Surroundings { catalog: &catalog, flows: &[], syncs: &[], settings: &settings, limits: &limits };
        let mut offset = at.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let cursor = Cursor { file: &file, document: Document::Flow, offset };
        let found = propose(cursor, &around);
        prop_assert!(found.list.is_empty() || text.get(found.span.start..found.span.end).is_some());
        describe(cursor, &around);
        leads_to(cursor, &around);
    }
}

#[test]
fn what_a_sync_is_enrolled_with_is_offered_and_told() {
    offers("steps:\n  - do: |\n", &["sync.enrol", "crm.associate"], &[]);
    offers("steps:\n  - do: sync.enrol\n    with: {|}\n", &["sync", "id", "side"], &["from", "to"]);
    offers("steps:\n  - do: crm.associate\n    with: {|}\n", &["from", "to"], &["side"]);
    offers("steps:\n  - do: sync.enrol\n    with:\n      sync: |\n", &["people"], &["remind"]);
    offers("steps:\n  - do: sync.enrol\n    with:\n      side: |\n", &["left", "right"], &[]);
    let of_sync = format!("{HEAD}steps:\n  - do: sync.enrol\n    with: {{sync: peo|ple}}\n");
    let told = ask(Document::Flow, &of_sync, describe).expect("it is known");
    assert!(told.markdown.contains("Keeps people alike."), "{}", told.markdown);
    let (_, leads) = ask(Document::Flow, &of_sync, leads_to).expect("it is defined");
    assert_eq!(leads, Definition::Flow(FlowId::new("people")));
    let of_action = format!("{HEAD}steps:\n  - do: sync.en|rol\n    with: {{sync: people}}\n");
    let told = ask(Document::Flow, &of_action, describe).expect("it is known");
    assert!(told.markdown.contains("takes part in a sync"), "{}", told.markdown);
}
