//! What authors see: bad flows in, rendered diagnostics out, one fault each.
//!
//! A case is `cases/<the fault>.yaml`, and what is said of it stands beside it as `.txt`. A line `# ---- path` begins
//! another file of the same case. `UPDATE=1 cargo test -p millrace-flow` writes the texts anew.

mod comparing;
mod compiled;
mod laid_out;
mod mended;
mod not_run;
mod others;
mod robust;
mod started;
mod templates;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sdk::{
    Ability, ActionInput, ActionSchema, Catalog, ConnectionName, ConnectorFacts, Field, FieldOption, FieldType,
    ObjectSchema, Offer, Scopes,
};
use text::{Colour, SourceFile};

use crate::{ProjectDefaults, check, check_syncs, check_tests, parse};

#[test]
fn authors_are_told_what_is_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui/cases");
    let update = std::env::var_os("UPDATE").is_some();
    let mut failures = String::new();
    let mut seen_codes = BTreeSet::new();
    let cases = yaml_files(&folder);
    assert!(cases.len() >= 30, "only {} cases in {}", cases.len(), folder.display());
    for case in cases {
        let name = case.file_stem().unwrap().to_string_lossy().into_owned();
        let files = files_of(&name, &std::fs::read_to_string(&case).unwrap());
        let parsed = parse(&files);
        let mut checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
        let mut diagnostics = parsed.diagnostics;
        diagnostics.extend(checked.diagnostics);
        let syncs = check_syncs(&parsed.syncs, &parsed.definitions, &catalog());
        checked.flows.retain(|flow| !syncs.mistaken.contains(&flow.id));
        diagnostics.extend(syncs.diagnostics);
        diagnostics.extend(check_tests(&parsed.tests, &parsed.definitions, &catalog()));
        seen_codes.extend(diagnostics.iter().map(|diagnostic| diagnostic.code));
        let has_errors = diagnostics.iter().any(text::Diagnostic::is_error);
        assert!(
            files.len() > 1 || has_errors == (checked.flows.is_empty() && syncs.syncs.is_empty()),
            "{name}: a flow exactly where no mistake is"
        );
        let said = text::render(&diagnostics, &files, Colour::Never);
        let expected_file = case.with_extension("txt");
        if update {
            std::fs::write(&expected_file, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_file).unwrap_or_default();
        if said != expected || said.is_empty() {
            write!(failures, "==== {name}\n---- expected\n{expected}---- said\n{said}").unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}\nrun with UPDATE=1 to accept");
    let unseen: Vec<_> = crate::codes::TABLE
        .iter()
        // It is said of a project's own files.
        .filter(|code| code.code != crate::codes::NOT_YET)
        .filter(|code| !code.code.starts_with("F06") && !seen_codes.contains(code.code))
        // Expressions have tests of their own for the rest.
        .filter(|code| !code.code.starts_with("F03"))
        .map(|code| code.name)
        .collect();
    assert!(unseen.is_empty(), "no case shows {unseen:?}");
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

fn files_of(name: &str, text: &str) -> Vec<SourceFile> {
    let mut files = vec![(format!("flows/{name}.yaml"), String::new())];
    for line in text.split_inclusive('\n') {
        match line.trim_end().strip_prefix("# ---- ") {
            Some(path) => files.push((path.to_owned(), String::new())),
            None => files.last_mut().unwrap().1.push_str(line),
        }
    }
    files.into_iter().map(|(path, text)| SourceFile::new(path, &text)).collect()
}

/// The world of the cases: a CRM, a warehouse, a table without a stamp, and a connection that was never asked.
pub(super) fn catalog() -> Catalog {
    let facts = |connector: &str, seconds, loopback, objects: Option<&[&str]>| ConnectorFacts {
        connector: connector.to_owned(),
        min_interval: Duration::from_secs(seconds),
        loopback,
        objects: objects.map(|objects| objects.iter().map(|object| (*object).to_owned()).collect()),
    };
    let crm = ConnectionName::new("crm");
    let warehouse = ConnectionName::new("warehouse");
    let contacts = object(
        "contacts",
        vec![
            Field { unique: true, ..field("email", FieldType::Text) },
            field("firstname", FieldType::Text),
            field("lastname", FieldType::Text),
            field("hubspot_owner_id", FieldType::Text),
            field("score", FieldType::Number),
            field("vip", FieldType::Boolean),
            field("birthday", FieldType::Date),
            Field { read_only: true, ..field("createdate", FieldType::Moment) },
            Field { read_only: true, ..field("lastmodifieddate", FieldType::Moment) },
            choice("lifecyclestage", &[("lead", "Lead"), ("customer", "Customer"), ("other", "Other")]),
        ],
    );
    let contacts = ObjectSchema {
        required_one_of: vec![vec!["email".to_owned(), "firstname".to_owned(), "lastname".to_owned()]],
        unique_together: Vec::new(),
        modified_field: Some("lastmodifieddate".to_owned()),
        created_field: Some("createdate".to_owned()),
        ..contacts
    };
    let deals = object(
        "deals",
        vec![
            Field { required: true, ..field("dealname", FieldType::Text) },
            field("amount", FieldType::Number),
            Field { field_type: FieldType::Choices, ..choice("tags", &[("big", "Big"), ("small", "Small")]) },
        ],
    );
    let mut customers = object(
        "customers",
        vec![
            Field { unique: true, ..field("email", FieldType::Text) },
            field("name", FieldType::Text),
            field("since", FieldType::Date),
            field("city", FieldType::Text),
            field("updated_at", FieldType::Moment),
        ],
    );
    customers.unique_together = vec![vec!["name".to_owned(), "since".to_owned()]];
    Catalog {
        connections: BTreeMap::from([
            (crm.clone(), facts("hubspot", 15, false, Some(&["companies", "contacts", "deals"]))),
            (warehouse.clone(), facts("sqlite", 1, true, Some(&["customers"]))),
            (ConnectionName::new("other"), facts("postgres", 1, true, None)),
        ]),
        objects: BTreeMap::from([
            ((crm.clone(), "contacts".to_owned()), contacts),
            ((crm, "deals".to_owned()), deals),
            ((warehouse, "customers".to_owned()), customers),
        ]),
        actions: BTreeMap::from([(ConnectionName::new("crm"), vec![associate()])]),
        offers: BTreeMap::from([
            (ConnectionName::new("crm"), vec![offer("contacts", true), offer("deals", false)]),
            (ConnectionName::new("other"), vec![compared("tags")]),
        ]),
        connectors: ["hubspot", "postgres", "sqlite"].map(str::to_owned).to_vec(),
    }
}

/// An action of the CRM, with an input of each kind that matters.
fn associate() -> ActionSchema {
    let input = |name: &str, field_type, required, options: &[&str]| ActionInput {
        name: name.to_owned(),
        field_type,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        required,
        help: if required { format!("the id of the {name} record") } else { String::new() },
    };
    ActionSchema {
        name: "associate".to_owned(),
        title: "Associate two records".to_owned(),
        help: String::new(),
        inputs: vec![
            input("from", FieldType::Text, true, &[]),
            input("to", FieldType::Text, true, &[]),
            input("weight", FieldType::Number, false, &[]),
            input("label", FieldType::Choice, false, &["primary", "other"]),
        ],
        results: Vec::new(),
        scopes: Vec::new(),
    }
}

fn offer(object: &str, archived: bool) -> Offer {
    let mut abilities = vec![Ability::PollNew, Ability::PollNewOrUpdated];
    abilities.extend(archived.then_some(Ability::PollArchived));
    let (object, title) = (Some(object.to_owned()), object.to_owned());
    Offer { object, title, abilities, compared: Vec::new(), scopes: Scopes::default() }
}

/// An object without stamps.
fn compared(object: &str) -> Offer {
    let offer = offer(object, false);
    Offer { compared: offer.abilities.clone(), ..offer }
}

fn object(name: &str, fields: Vec<Field>) -> ObjectSchema {
    ObjectSchema {
        name: name.to_owned(),
        fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
        required_one_of: Vec::new(),
        unique_together: Vec::new(),
        modified_field: None,
        created_field: None,
    }
}

fn field(name: &str, field_type: FieldType) -> Field {
    Field {
        name: name.to_owned(),
        label: name.to_owned(),
        description: None,
        group: None,
        field_type,
        options: Vec::new(),
        read_only: false,
        unique: false,
        required: false,
    }
}

fn choice(name: &str, options: &[(&str, &str)]) -> Field {
    let option = |(value, label): &(&str, &str)| FieldOption { value: (*value).to_owned(), label: (*label).to_owned() };
    Field { options: options.iter().map(option).collect(), ..field(name, FieldType::Choice) }
}
