//! The schemas that editors take: they accept everything that we ship and that our pages show, and refuse what a check
//! refuses.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value as Json;
use text::{Kind, Node, SourceFile};

use super::{blocks, files, millrace, root};

/// What a whole document is, by the file's place or by its first key.
fn kind_of(place: &str, document: &str) -> Option<&'static str> {
    let name = place.rsplit('/').next().unwrap_or_default();
    let first = document.lines().find(|line| !line.is_empty() && !line.starts_with('#'))?.split(':').next()?;
    match first {
        _ if name.starts_with("connections") => Some("connections"),
        _ if name == "millrace.yaml" => Some("settings"),
        "flow" => Some("flow"),
        "sync" => Some("sync"),
        "test" => Some("test"),
        "connector" => Some("connector"),
        _ => None,
    }
}

struct Schemas(BTreeMap<&'static str, Validator>);

impl Schemas {
    fn printed() -> Self {
        Self::printed_in(&root())
    }

    /// Those of a project, which may have connectors of its own.
    fn printed_in(project: &Path) -> Self {
        let of = |kind| {
            let printed = millrace(project, &["language", "schema", kind]);
            assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
            let schema: Json = serde_json::from_slice(&printed.stdout).expect("JSON");
            assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
            jsonschema::meta::validate(&schema).expect("a schema is valid by the schema of schemas");
            (kind, jsonschema::validator_for(&schema).expect("a schema that can be used"))
        };
        Self(["document", "flow", "sync", "test", "connections", "settings", "connector"].map(of).into())
    }

    /// What the schema finds wrong with a document, each with its place.
    fn mistakes(&self, kind: &str, document: &str) -> Vec<String> {
        let read = text::parse_yaml(&SourceFile::new("document.yaml", document));
        assert!(read.diagnostics.is_empty(), "{document}: {:?}", read.diagnostics);
        let json = to_json(&read.root.expect("a document"));
        self.0[kind].iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

fn to_json(node: &Node) -> Json {
    match &node.kind {
        Kind::Null | Kind::Broken => Json::Null,
        Kind::Bool(flag) => (*flag).into(),
        Kind::Int(number) => (*number).into(),
        Kind::Float(number) => (*number).into(),
        Kind::Text(text) => text.value.as_str().into(),
        Kind::List(items) => items.iter().map(to_json).collect(),
        Kind::Map(map) => map
            .entries
            .iter()
            .map(|entry| (entry.key.text.clone(), to_json(&entry.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[test]
fn what_we_ship_is_valid_by_the_schemas() {
    let schemas = Schemas::printed();
    let mut counts = BTreeMap::<&str, usize>::new();
    // Bad flows on purpose, and a text that is cut anywhere; pulled fields, which nobody writes, have no schema.
    let is_bad = |path: &Path| path.starts_with(root().join("engine/flow/src/ui"));
    let is_pulled = |path: &Path| path.components().any(|part| part.as_os_str() == "schemas");
    let is_good = |path: &Path| !is_bad(path) && !is_pulled(path);
    for path in files(&root(), "yaml").into_iter().filter(|path| is_good(path)) {
        let place = path.to_string_lossy();
        let document = fs::read_to_string(&path).expect("a file");
        let kind = kind_of(&place, &document).unwrap_or_else(|| panic!("{place}: which kind is it of?"));
        assert_eq!(schemas.mistakes(kind, &document), [] as [String; 0], "{place}");
        if ["flow", "sync", "test"].contains(&kind) {
            assert_eq!(schemas.mistakes("document", &document), [] as [String; 0], "{place}");
        }
        *counts.entry(kind).or_default() += 1;
    }
    assert!(counts["flow"] >= 6 && counts["connections"] >= 3 && counts["connector"] >= 2, "{counts:?}");
}

#[test]
fn what_our_pages_show_is_valid_by_the_schemas() {
    let schemas = Schemas::printed();
    let mut n_valid = 0;
    for block in blocks().iter().filter(|block| block.kind == "yaml") {
        let kind = kind_of("", &block.text).unwrap_or_else(|| panic!("{}: which kind is it of?", block.place));
        assert_eq!(schemas.mistakes(kind, &block.text), [] as [String; 0], "{}", block.place);
        if ["flow", "sync", "test"].contains(&kind) {
            assert_eq!(schemas.mistakes("document", &block.text), [] as [String; 0], "{}", block.place);
        }
        n_valid += 1;
    }
    // What a code's page shows as mended.
    for path in files(&root(), "md").iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("pages")))
    {
        let page = fs::read_to_string(path).expect("a page");
        let Some((_, mended)) = page.split_once("## Mended") else { continue };
        let shown = || mended.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
        let place = |document: &str| {
            let first = document.strip_prefix("# ").and_then(|rest| rest.lines().next());
            first.unwrap_or_default().to_owned()
        };
        let project = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(project.path().join("connectors")).expect("a folder");
        let mut own = None;
        for (document, _) in shown().filter(|(document, _)| place(document).starts_with("connectors/")) {
            fs::write(project.path().join(place(document)), document).expect("write the manifest");
            own = Some(Schemas::printed_in(project.path()));
        }
        for (document, _) in shown() {
            let Some(kind) = kind_of(&place(document), document) else { continue };
            let document = format!("{document}\n");
            let schemas = own.as_ref().unwrap_or(&schemas);
            assert_eq!(schemas.mistakes(kind, &document), [] as [String; 0], "{}", path.display());
            n_valid += 1;
        }
    }
    assert!(n_valid > 60, "{n_valid}");
}

#[test]
fn what_a_check_refuses_by_its_shape_the_schemas_refuse() {
    let schemas = Schemas::printed();
    let flow = |trigger: &str, step: &str| format!("flow: a\ntrigger: {trigger}\nsteps:\n  - {step}\n");
    let poll = "{poll: crm.contacts, every: 15s}";
    assert_eq!(schemas.mistakes("flow", &flow(poll, "skip: done")), [] as [String; 0]);
    let template = "flow: a\ninputs: {often: {type: duration}, one: {type: boolean}}\ntrigger: {poll: crm.contacts, every: \"${ inputs.often }\"}\nenabled: ${ inputs.one }\nsteps: [{skip: done}]\n";
    assert_eq!(schemas.mistakes("flow", template), [] as [String; 0]);
    assert_ne!(schemas.mistakes("flow", &flow("{every: \"${ inputs.often }\"}", "skip: done")), [] as [String; 0]);
    let bad_steps = [
        ("upsert: crm.contacts", "/steps/0"),
        ("{upsert: crm.contacts, match: email, sets: {email: a}}", "/steps/0"),
        ("{upsert: contacts, match: email, set: {email: a}}", "/steps/0/upsert"),
        ("{create: crm.contacts, set: [email]}", "/steps/0/set"),
        ("{create: crm.contacts, set: {email: a}, retry: {attempts: 0}}", "/steps/0/retry/attempts"),
        ("{create: crm.contacts, set: {email: a}, timeout: 15}", "/steps/0/timeout"),
        ("{create: crm.contacts, set: {email: a}, on_error: ignore}", "/steps/0/on_error"),
        ("{find: crm.contacts, filter: {email: [a]}}", "/steps/0/filter/email"),
        ("{find: crm.contacts, filter: {email: {like: a}}}", "/steps/0/filter/email"),
        ("{if: [a], then: [{skip: done}]}", "/steps/0/if"),
        ("{if: true, then: [{skp: done}]}", "/steps/0/then/0"),
        ("{if: true, then: [], else: {skip: done}}", "/steps/0/else"),
        ("{route: [{when: true}]}", "/steps/0/route/0"),
        ("{stop: {returns: 1}}", "/steps/0/stop"),
        ("{do: associate}", "/steps/0/do"),
        ("{run: My Flow}", "/steps/0/run"),
        ("name: nothing", "/steps/0"),
    ];
    let bad_triggers = [
        ("{poll: crm.contacts}", "/trigger"),
        ("{poll: crm.contacts, every: 15}", "/trigger/every"),
        ("{poll: crm.contacts, every: {min: 15s}}", "/trigger/every"),
        ("{poll: crm.contacts, every: 15s, on: updated}", "/trigger/on"),
        ("{poll: crm.contacts, every: 15s, missed: skip}", "/trigger"),
        ("{schedule: [8], missed: skip}", "/trigger/schedule"),
        ("{manual: {inputs: {a: {type: string}}}}", "/trigger/manual"),
        ("{poll_: crm.contacts, every_: 15s}", "/trigger"),
    ];
    let documents = [
        ("flow", "flow: My Flow\ntrigger: {every: 1h}\nsteps: [{skip: done}]\n", "/flow"),
        ("flow", "flow: a\nsteps: [{skip: done}]\n", ""),
        ("flow", "flow: a\ntrigger: {every: 1h}\nsteps: [{skip: done}]\nenable: true\n", ""),
        ("flow", "flow: a\ntrigger: {every: 1h}\nsteps: [{skip: done}]\nlimits: {runs: many}\n", "/limits/runs"),
        ("connections", "crm: {token: a}\n", "/crm"),
        ("connections", "crm: {connector: hubspt, token: a}\n", "/crm/connector"),
        ("connections", "crm: {connector: hubspot}\n", "/crm"),
        ("connections", "crm: {connector: hubspot, token: a, tokn: b}\n", "/crm"),
        ("connections", "crm: {connector: hubspot, token: a, tier: gold}\n", "/crm/tier"),
        ("connections", "crm: hubspot\n", "/crm"),
        ("sync", "sync: a\nevery: 8h\nfields: [a -> b]\n", ""),
        ("sync", "sync: a\nbetween: [a.b, c.d]\nevery: 8h\nfields: [{left: a}]\n", "/fields/0"),
        ("sync", "sync: a\nbetween: [a.b, c.d]\nevery: 8h\nfields: [a -> b]\nconflict: oldest\n", "/conflict"),
        ("test", "test: a\n", ""),
        ("test", "test: a\ncases: [{name: b, expect: ended}]\n", "/cases/0/expect"),
        ("test", "test: a\ncases: [{name: b, expect: [{upsert: a.b, sets: {}}]}]\n", "/cases/0/expect"),
        ("flow", "flow: a\nfrom: b@1\nsteps: [{skip: done}]\n", ""),
        (
            "flow",
            "flow: a\ninputs: {every: {type: time}}\ntrigger: {every: 1h}\nsteps: [{skip: done}]\n",
            "/inputs/every/type",
        ),
        ("flow", "flow: a\ninputs: {n: {type: text}}\ntrigger: {every: 1x}\nsteps: [{skip: done}]\n", "/trigger/every"),
        ("connector", "connector: tasks\nbase_url: https://tasks.example\n", ""),
        (
            "connector",
            "connector: tasks\nbase_url: https://a.example\ncheck: {get: me, id: \"${body.id}\"}\nresources: {}\n",
            "/check",
        ),
        ("settings", "timezon: UTC\n", ""),
        ("settings", "retention: {age: 90}\n", "/retention/age"),
        ("settings", "retention: {size: 2 gigs}\n", "/retention/size"),
    ];
    let mut broken: Vec<(&str, String, &str)> =
        documents.into_iter().map(|(kind, document, place)| (kind, document.to_owned(), place)).collect();
    broken.extend(bad_steps.map(|(step, place)| ("flow", flow(poll, step), place)));
    broken.extend(bad_triggers.map(|(trigger, place)| ("flow", flow(trigger, "skip: done"), place)));
    for (kind, document, place) in broken {
        let mistakes = schemas.mistakes(kind, &document);
        assert!(mistakes.iter().any(|mistake| mistake.starts_with(&format!("{place}: "))), "{document}: {mistakes:#?}");
        if matches!(kind, "flow" | "sync" | "test") {
            assert_ne!(schemas.mistakes("document", &document), [] as [String; 0], "{document}");
            let parsed = flow::parse(&[SourceFile::new("a.yaml", &document)]);
            let checked = flow::check(&parsed.definitions, &sdk::Catalog::default(), &flow::ProjectDefaults::default());
            assert!(!parsed.diagnostics.is_empty() || !checked.diagnostics.is_empty(), "a check accepts {document}");
        }
    }
}
