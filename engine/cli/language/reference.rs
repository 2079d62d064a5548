//! The reference of the language in Markdown, printed from what the parser itself goes by.

use flow::expr::helpers::{self, Helper};
use flow::language::{
    Document, FILTER, INSTANCE, Key, Kinds, Mapping, Naming, Notation, STEP, Shape, Standing, TEMPLATE_INPUT, TRIGGER,
    Word, words,
};

use crate::explain;

const PREFACE: &str = "\
# The flow language

Every key that a file of a project takes, with what stands behind it. `millrace language reference` prints this page from
the declarations by which files are read, so it cannot say anything else than the version that printed it does.
`millrace language schema flow` says the same to editors.

A key is optional where nothing else is said. What is *checked only* is part of the language, and a flow that uses it is
checked like any other; this version does not run it, and says so when it starts.

- A **duration** is numbers with their units, the largest first: `500ms`, `15s`, `5m`, `1h30m`, `1d`.
- A **moment** is written `2026-01-02T10:00:00Z`, with any offset; a **time zone** `Europe/Berlin`.
- An **id** has lower-case letters, digits and hyphens and begins with a letter, a **name** underscores in place of hyphens.
- A connection's **object** or **action** is the connection's name, a dot, and the connector's word for it: `crm.contacts`.
- A **setting** is plain, or one whole `${ env.NAME }` or `${ file(\"path\") }`, so that no secret stands in a file.
- A **question** and a **value** hold [expressions](#expressions).
";

const EXPRESSIONS: &str = "
## Expressions

A **question** (`when`, `if`, `where`) is a bare expression that is true or false: `record.amount > 1000`. In every other
**value**, an expression stands between `${` and `}`: `${ record.email.to_lower() }`. A value that is one whole `${ … }`
keeps its type; inside a longer text it becomes text. `$${` is a literal `${`.

A field that is empty is `()`. `==` and `!=` with `()` are always defined; comparing different types is a mistake. What may
be empty is used with `?.`, `??` or after `!= ()`.

The functions that expressions call have [a page of their own](functions.md). These names are there, besides those that
earlier steps made by `as` and `let`:

";

const CODES: &str = "
## Codes

What a check can find. `millrace explain F0203` shows what raises a code and how that is mended.

";

const TEMPLATES: &str = "\
A flow with `inputs` is a template: it makes no runs, and others are made of it. `${ inputs.<name> }` stands in it for what
is filled in, as a whole value also where no other expression may stand.";

const FUNCTIONS: &str = "\
# Functions

What expressions can call. Each example is tried, in the time zone `Europe/Berlin`. `millrace language functions` lists them
in a terminal, and `millrace language reference functions` prints this page.

All give the same whenever they are asked with the same: there is none that knows the time, makes up a number or reads a
file. Operators are `+ - * / %`, `== != < <= > >=`, `&& || !`, `??` for \"else\", `?.` and `?[` for \"where it is there\", and
`in`. `7 / 2` is `3.5`, and `to_int(7 / 2)` is `3`. `not(x)` is `!x`, which YAML would take for something else at the
beginning of a value.
";

/// The page of the language.
pub fn language() -> String {
    // What a filter is stands in one place, though triggers and steps have some; so do triggers and steps themselves.
    let mut told = Vec::new();
    let filters = untold(&mut told, &[&FILTER]);
    let triggers = untold(&mut told, &of_kinds(&TRIGGER));
    let steps = untold(&mut told, &of_kinds(&STEP));
    let templates = untold(&mut told, &[&INSTANCE, &TEMPLATE_INPUT]);
    let flow = untold(&mut told, &[Document::Flow.mapping()]);
    let syncs = untold(&mut told, &[Document::Sync.mapping()]);
    let tests = untold(&mut told, &[Document::Test.mapping()]);
    let connections = untold(&mut told, &[Document::Connections.mapping()]);
    let settings = untold(&mut told, &[Document::Settings.mapping()]);

    let mut page = PREFACE.to_owned();
    chapter(&mut page, "A flow", "", &flow);
    chapter(&mut page, "Templates", TEMPLATES, &templates);
    chapter(&mut page, "Triggers", TRIGGER.doc, &triggers);
    chapter(&mut page, "Steps", STEP.doc, &[]);
    common_keys(&mut page);
    sections(&mut page, &steps);
    chapter(&mut page, "Filters", "", &filters);
    page.push_str(EXPRESSIONS);
    bullets(&mut page, words::NAMES);
    chapter(&mut page, "Syncs", "", &syncs);
    chapter(&mut page, "Tests", "", &tests);
    chapter(&mut page, "Connections", "", &connections);
    chapter(&mut page, "Settings", "", &settings);
    page.push_str(CODES);
    page.push_str("| code | name | what it means |\n| --- | --- | --- |\n");
    for code in explain::all() {
        page.push_str(&format!("| `{}` | {} | {} |\n", code.code, code.name, in_cell(code.title())));
    }
    page
}

/// The page of the functions.
pub fn functions() -> String {
    let mut page = FUNCTIONS.to_owned();
    for group in helpers::GROUPS {
        page.push_str(&format!("\n## {}\n\n| how | what | example |\n| --- | --- | --- |\n", group.title));
        for Helper { signature, doc, example, result, .. } in group.helpers {
            let cells = [code(signature), in_cell(doc), format!("{} gives {}", code(example), code(result))];
            page.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
    page
}

type Maps = Vec<&'static Mapping>;

fn of_kinds(kinds: &'static Kinds) -> Maps {
    kinds.kinds.iter().map(|kind| kind.mapping).collect()
}

/// These and all below them, as far as they were not told before.
fn untold(told: &mut Maps, roots: &[&'static Mapping]) -> Maps {
    let mut found = Vec::new();
    for root in roots {
        for mapping in root.with_all_below() {
            if !told.iter().any(|known| std::ptr::eq(*known, mapping)) {
                told.push(mapping);
                found.push(mapping);
            }
        }
    }
    found
}

/// A chapter; a map of its own name needs no heading.
fn chapter(page: &mut String, title: &str, doc: &str, mappings: &[&'static Mapping]) {
    page.push_str(&format!("\n## {title}\n"));
    if !doc.is_empty() {
        page.push_str(&format!("\n{doc}\n"));
    }
    let (opening, rest) = match mappings.split_first() {
        Some((first, rest)) if doc.is_empty() => (Some(*first), rest),
        Some(_) | None => (None, mappings),
    };
    if let Some(first) = opening {
        page.push_str(&format!("\n{}\n", first.doc));
        table(page, first);
    }
    sections(page, rest);
}

fn sections(page: &mut String, mappings: &[&'static Mapping]) {
    let mut rest = mappings;
    while let Some((first, others)) = rest.split_first() {
        let n_alike = others.iter().take_while(|other| heading(other) == heading(first)).count();
        page.push_str(&format!("\n### {}\n\n", heading(first)));
        match n_alike {
            0 => section(page, first),
            _ => alike(page, &rest[..=n_alike]),
        }
        rest = &others[n_alike..];
    }
}

fn section(page: &mut String, mapping: &'static Mapping) {
    page.push_str(mapping.doc);
    if standing_of(mapping) == Some(Standing::Checked) {
        page.push_str(" *Checked only.*");
    }
    page.push('\n');
    table(page, mapping);
    let is_verb = STEP.kinds.iter().any(|kind| std::ptr::eq(kind.mapping, mapping));
    let shared = mapping.keys.iter().filter(|key| is_verb && is_common(key)).map(|key| code(key.name));
    let shared: Vec<String> = shared.collect();
    if !shared.is_empty() {
        page.push_str(&format!("\nBesides, it takes {}.\n", list(&shared, "and")));
    }
}

/// Kinds of maps that differ in the key that tells them, and hardly else.
fn alike(page: &mut String, mappings: &[&'static Mapping]) {
    let mut docs: Vec<&str> = mappings.iter().map(|mapping| mapping.doc).collect();
    docs.dedup();
    let telling: Vec<String> = mappings.iter().map(|mapping| code(mapping.keys[0].name)).collect();
    page.push_str(&format!("{} One of {} tells which.\n", docs.join(" "), list(&telling, "and")));
    let mut keys: Vec<Key> = mappings.iter().map(|mapping| Key { required: false, ..mapping.keys[0] }).collect();
    for key in mappings.iter().flat_map(|mapping| &mapping.keys[1..]) {
        if !keys.iter().any(|known| known.name == key.name) {
            keys.push(*key);
        }
    }
    rows(page, &keys.iter().collect::<Vec<_>>());
}

/// How much of a kind of trigger or step is run.
fn standing_of(mapping: &Mapping) -> Option<Standing> {
    let kinds = || TRIGGER.kinds.iter().chain(STEP.kinds);
    kinds().find(|kind| std::ptr::eq(kind.mapping, mapping)).map(|kind| kind.standing)
}

/// The heading of a map's section. What stands behind a key of a step is not the step.
fn heading(mapping: &Mapping) -> String {
    if std::ptr::eq(mapping, &TEMPLATE_INPUT) {
        return "An input of a template".to_owned();
    }
    let is_step = STEP.kinds.iter().any(|kind| std::ptr::eq(kind.mapping, mapping));
    let has_name_of_step = STEP.kinds.iter().any(|kind| kind.mapping.what == mapping.what);
    match has_name_of_step && !is_step {
        true => format!("Behind {}", mapping.what),
        false => {
            let mut letters = mapping.what.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}

/// How a heading is linked to.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
}

/// Whether steps of most verbs take it, so that it is told once.
fn is_common(key: &Key) -> bool {
    STEP.kinds.iter().filter(|kind| kind.mapping.key(key.name).is_some_and(|known| known.doc == key.doc)).count() > 3
}

fn common_keys(page: &mut String) {
    page.push_str("\nThese keys belong to steps of many verbs; each verb's section names those that it takes.\n");
    let mut keys: Vec<&Key> = Vec::new();
    for key in STEP.kinds.iter().flat_map(|kind| kind.mapping.keys).filter(|key| is_common(key)) {
        if !keys.iter().any(|known| known.name == key.name) {
            keys.push(key);
        }
    }
    rows(page, &keys);
}

fn table(page: &mut String, mapping: &'static Mapping) {
    let is_verb = STEP.kinds.iter().any(|kind| std::ptr::eq(kind.mapping, mapping));
    let shown = |key: &&Key| !(is_verb && is_common(key));
    let keys: Vec<&Key> = mapping.keys.iter().filter(shown).collect();
    rows(page, &keys);
    if let Some(others) = mapping.others {
        let names = plural(others.naming);
        page.push_str(&format!("\nAny other keys are {names}, each with {}.\n", holds(others.shape)));
    }
}

fn rows(page: &mut String, keys: &[&Key]) {
    if keys.is_empty() {
        return;
    }
    page.push_str("\n| key | holds | meaning |\n| --- | --- | --- |\n");
    for key in keys {
        let mut meaning = key.doc.to_owned();
        if let Some(default) = key.default {
            meaning.push_str(&format!(" Left out: {default}."));
        }
        if key.standing == Standing::Checked {
            meaning.push_str(" *Checked only.*");
        }
        let required = if key.required { ", **required**" } else { "" };
        let holds = in_cell(&holds(key.shape));
        page.push_str(&format!("| `{}` | {holds}{required} | {} |\n", key.name, in_cell(&meaning)));
    }
    for key in keys {
        for words in words_of(key.shape) {
            page.push_str(&format!("\n`{}`:\n\n", key.name));
            bullets(page, words);
        }
    }
}

fn words_of(shape: Shape) -> Vec<&'static [Word]> {
    match shape {
        Shape::Word(words) => vec![words],
        Shape::OneOf(shapes) => shapes.iter().flat_map(|shape| words_of(*shape)).collect(),
        Shape::Nothing
        | Shape::Boolean
        | Shape::Count(_)
        | Shape::Number
        | Shape::Text
        | Shape::Noted(_)
        | Shape::Question
        | Shape::Value
        | Shape::Map(_)
        | Shape::Kinds(_)
        | Shape::MapOf(..)
        | Shape::ListOf(_) => Vec::new(),
    }
}

fn bullets(page: &mut String, words: &[Word]) {
    for word in words {
        page.push_str(&format!("- `{}` – {}\n", word.word, word.doc));
    }
}

/// What may stand behind a key, in words.
fn holds(shape: Shape) -> String {
    match shape {
        Shape::Nothing => "nothing".to_owned(),
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::Count(_) => "a whole number".to_owned(),
        Shape::Number => "a number".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Noted(notation) => noted(notation).to_owned(),
        Shape::Word(words) => list(&words.iter().map(|word| code(word.word)).collect::<Vec<_>>(), "or"),
        Shape::Question => "a question".to_owned(),
        Shape::Value => "a value".to_owned(),
        Shape::Map(mapping) if std::ptr::eq(mapping, &FILTER) => "[a filter](#filters)".to_owned(),
        Shape::Map(mapping) => format!("[a map](#{})", anchor(&heading(mapping))),
        Shape::Kinds(kinds) if std::ptr::eq(kinds, &TRIGGER) => "[a trigger](#triggers)".to_owned(),
        Shape::Kinds(kinds) if std::ptr::eq(kinds, &STEP) => "[a step](#steps)".to_owned(),
        Shape::Kinds(kinds) => format!("[{}](#{})", kinds.what.replace('`', ""), anchor(kinds.what)),
        Shape::MapOf(naming, inner) => format!("a map of {}, each with {}", plural(naming), holds(*inner)),
        Shape::ListOf(inner) => format!("a list, each of it {}", holds(*inner)),
        Shape::OneOf(shapes) => list(&shapes.iter().map(|shape| holds(*shape)).collect::<Vec<_>>(), "or"),
    }
}

fn plural(naming: Naming) -> &'static str {
    match naming {
        Naming::Name => "names",
        Naming::Id => "connections' names",
        Naming::Field => "fields",
        Naming::Input => "inputs",
        Naming::Setting => "settings",
        Naming::Text => "names",
        Naming::Reference => "references",
    }
}

fn noted(notation: Notation) -> &'static str {
    match notation {
        Notation::Duration => "a duration",
        Notation::Id => "an id",
        Notation::Flow => "a flow's id",
        Notation::Sync => "a sync's id",
        Notation::Name => "a name",
        Notation::StepName => "a step's name",
        Notation::Connector => "a connector",
        Notation::Object => "a connection's object",
        Notation::Action => "a connection's action",
        Notation::Field => "a field",
        Notation::Cron => "a cron expression",
        Notation::Moment => "a moment",
        Notation::TimeZone => "a time zone",
        Notation::Size => "a size",
        Notation::Address => "an address with its port",
        Notation::Recipient => "a mail address or a URL",
        Notation::Setting => "a setting",
        Notation::Path => "a path",
        Notation::Status => "a status",
        Notation::References => "text with references",
        Notation::Share => "a share, such as `40%`",
    }
}

/// `a, b or c`
fn list(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// As code; what has a backtick in it gets two around it.
fn code(text: &str) -> String {
    match text.contains('`') {
        true => in_cell(&format!("`` {text} ``")),
        false => in_cell(&format!("`{text}`")),
    }
}

/// In a cell of a table, where a bar would begin the next one.
fn in_cell(text: &str) -> String {
    text.replace('|', r"\|")
}
