//! `millrace connectors`: the services that flows can speak to, those built in and the project's own.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use connectors::rest::Limit;
use sdk::{Ability, ActionSchema, LimitScope, Offer, Setting, SettingKind};
use serde_json::{Value as Json, json};

use crate::assemble::{Known, Registry};
use crate::place::PlaceArguments;
use crate::project::{self, ProjectFiles};
use crate::tables::{self, Format, count, counted};
use crate::{Failure, check, durations, problems, screen};

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List them, and what flows can do with each
    #[command(after_help = "Example:\n  millrace connectors list -C my-flows")]
    List(ListArguments),
    /// Show what a flow's author wants to know of one
    #[command(
        after_help = "Examples:\n  millrace connectors show hubspot\n  millrace connectors show hubspot --expanded"
    )]
    Show(ShowArguments),
    /// Look for mistakes in manifests
    #[command(after_help = "Example:\n  millrace connectors check connectors/helpdesk.yaml")]
    Check(CheckArguments),
}

/// Arguments of `connectors list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `connectors show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// The connector's name
    name: String,
    #[command(flatten)]
    place: PlaceArguments,
    /// Print the manifest as it runs, with every template written out
    #[arg(long)]
    expanded: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `connectors check`.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// Manifests; those in the project's `connectors/` where nothing is named
    files: Vec<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does it.
pub fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list(&arguments),
        Command::Show(arguments) => show(&arguments),
        Command::Check(arguments) => check(&arguments),
    }
}

fn list(arguments: &ListArguments) -> Result<(), Failure> {
    let files = ProjectFiles::read_whatever_there_is(&arguments.place.place()?.dir, None)?;
    let (registry, mistakes) = Registry::of(&files.connectors);
    match arguments.format {
        Format::Json => screen::say_json(&registry.all().map(to_json).collect()),
        Format::Table => {
            let listed: Vec<String> = registry.all().map(in_short).collect();
            screen::say(&listed.join("\n"));
        }
    }
    problems::show_diagnostics(&mistakes, &files.sources());
    files.unreadable.iter().for_each(problems::show);
    match mistakes.is_empty() && files.unreadable.is_empty() {
        true => Ok(()),
        false => Err(Failure::Mistakes { summary: "not every manifest of this project can be used".to_owned() }),
    }
}

fn show(arguments: &ShowArguments) -> Result<(), Failure> {
    let files = ProjectFiles::read_whatever_there_is(&arguments.place.place()?.dir, None)?;
    let (registry, mistakes) = Registry::of(&files.connectors);
    let name = &arguments.name;
    let Some(known) = registry.find(name) else {
        if let Some(path) = registry.broken(name) {
            problems::show_diagnostics(&mistakes, &files.sources());
            return Err(Failure::Mistakes { summary: format!("`{path}` has mistakes") });
        }
        return Err(Failure::unknown("connector", name, registry.names()));
    };
    if arguments.expanded {
        let Some(manifest) = known.manifest() else {
            let help = "it is code; `millrace connectors show` without `--expanded` tells what it can do".to_owned();
            return Err(Failure::Unknown { what: "manifest of the connector", name: name.clone(), help });
        };
        screen::say(manifest.expanded());
        return Ok(());
    }
    match arguments.format {
        Format::Json => screen::say_json(&to_json(known)),
        Format::Table => screen::say(&in_full(known)),
    }
    Ok(())
}

fn check(arguments: &CheckArguments) -> Result<(), Failure> {
    let mut diagnostics = Vec::new();
    let mut manifests = Vec::new();
    let mut unreadable = Vec::new();
    if arguments.files.is_empty() {
        let files = ProjectFiles::read_whatever_there_is(&arguments.place.place()?.dir, None)?;
        manifests = files.connectors;
        if manifests.is_empty() {
            let help = "a manifest of your own is `connectors/NAME.yaml`; `millrace connectors show hubspot --expanded` prints one to begin with";
            let dir = arguments.place.place()?.dir.join("connectors");
            return Err(Failure::Unknown {
                what: "manifest in",
                name: dir.display().to_string(),
                help: help.to_owned(),
            });
        }
    }
    for path in &arguments.files {
        match project::read_named(path) {
            Ok(Ok(file)) => manifests.push(file),
            Ok(Err(diagnostic)) => diagnostics.push(diagnostic),
            Err(failure) => unreadable.push(failure),
        }
    }
    diagnostics.extend(Registry::of(&manifests).1);
    let n_files = (manifests.len() + unreadable.len()) as u64;
    check::tell(&diagnostics, &manifests, &unreadable, n_files, arguments.format)?;
    if arguments.format == Format::Table {
        screen::tell(&format!("{} checked, no mistakes.\n", counted(n_files, "manifest")));
    }
    Ok(())
}

/// A few lines for each connector.
fn in_short(known: &Known) -> String {
    let descriptor = known.connector.descriptor();
    let offers = known.connector.offers();
    let all = |is_trigger: bool| {
        let abilities: BTreeSet<Ability> = offers.iter().flat_map(|offer| offer.abilities.iter().copied()).collect();
        words(abilities.into_iter().filter(|ability| ability.is_trigger() == is_trigger))
    };
    let actions: Vec<String> = known.connector.actions().into_iter().map(|action| action.name).collect();
    let settings: Vec<&str> = descriptor.settings.iter().map(|setting| setting.name).collect();
    let mut lines = vec![
        ("objects", objects(&offers)),
        ("triggers", all(true)),
        ("steps", all(false)),
        ("actions", actions.join(", ")),
        ("settings", settings.join(", ")),
    ];
    lines.extend(known.path().map(|path| ("manifest", path.to_owned())));
    format!("{}  {}\n{}", tables::strong(descriptor.name), descriptor.title, tables::facts(&lines))
}

/// All that an author wants to know.
fn in_full(known: &Known) -> String {
    let descriptor = known.connector.descriptor();
    let from = known.path().map_or_else(|| "built in".to_owned(), |path| format!("the project's own, `{path}`"));
    let mut out = format!("{}  {}, {from}\n", tables::strong(descriptor.name), descriptor.title);

    out.push_str(&heading("Settings, in connections.yaml"));
    let settings = descriptor.settings.iter().map(|setting| (setting.name, setting_in_words(setting)));
    out.push_str(&tables::facts(&settings.collect::<Vec<_>>()));

    let offers = known.connector.offers();
    out.push_str(&heading("Objects: on which changes flows can start, and their steps"));
    let lines = offers.iter().map(|offer| {
        let of = |is_trigger| words(offer.abilities.iter().copied().filter(|one| one.is_trigger() == is_trigger));
        let polled = match of(true) {
            none if none.is_empty() => none,
            by if by.starts_with("by: ") => format!("{by}; "),
            on => format!("on {on}; "),
        };
        (object(offer), format!("{polled}{}", of(false)))
    });
    out.push_str(&tables::facts(&lines.collect::<Vec<_>>()));
    if offers.iter().any(|offer| offer.object.is_some()) {
        out.push_str("`millrace schema show CONNECTION.OBJECT` shows an account's fields.\n");
    }

    let actions = known.connector.actions();
    if !actions.is_empty() {
        out.push_str(&heading("Actions, for `do`"));
        actions.iter().for_each(|action| out.push_str(&action_in_words(action)));
    }
    let scopes: Vec<(String, String)> = offers.iter().flat_map(scopes).collect();
    if !scopes.is_empty() {
        out.push_str(&heading("Scopes that a token needs"));
        let scopes: Vec<(&str, String)> = scopes.iter().map(|(what, scope)| (what.as_str(), scope.clone())).collect();
        out.push_str(&tables::facts(&scopes));
    }
    out.push_str(&heading("Limits"));
    out.push_str(&limits(known));
    out
}

fn heading(title: &str) -> String {
    format!("\n{}\n", tables::strong(title))
}

fn setting_in_words(setting: &Setting) -> String {
    let mut words = Vec::new();
    if setting.required {
        words.push("Required.".to_owned());
    }
    match setting.kind {
        SettingKind::Secret => words.push("A secret: `${ env.NAME }` or `${ file(\"path\") }`.".to_owned()),
        SettingKind::Choice(choices) => words.push(format!("One of {}.", choices.join(", "))),
        SettingKind::Path => words.push("A path in the project.".to_owned()),
        SettingKind::Text => {}
    }
    words.push(setting.help.to_owned());
    words.join(" ").trim().to_owned()
}

fn action_in_words(action: &ActionSchema) -> String {
    let title = if action.help.is_empty() { &action.title } else { &action.help };
    let mut out = tables::wrapped(&format!("{}  ", action.name), title);
    out.replace_range(..action.name.len(), &tables::strong(&action.name));
    let inputs = action.inputs.iter().map(|input| {
        let must = if input.required { ", required" } else { "" };
        let options = if input.options.is_empty() { String::new() } else { format!(": {}", input.options.join(", ")) };
        (input.name.as_str(), format!("{}{must}{options}. {}", tables::field_type(input.field_type), input.help))
    });
    let results: Vec<&str> = action.results.iter().map(|result| result.name.as_str()).collect();
    let left = (!results.is_empty()).then(|| ("leaves", results.join(", ")));
    out.push_str(&tables::facts(&inputs.chain(left).collect::<Vec<_>>()));
    out
}

fn scopes(offer: &Offer) -> Vec<(String, String)> {
    let one = |what: &str, any_of: &[String]| {
        (!any_of.is_empty()).then(|| (format!("{} {what}", object(offer)), any_of.join(" or ")))
    };
    let Offer { scopes, .. } = offer;
    [one("fields", &scopes.fields), one("read", &scopes.read), one("write", &scopes.write)]
        .into_iter()
        .flatten()
        .collect()
}

fn limits(known: &Known) -> String {
    let every = durations::short(known.connector.descriptor().min_interval);
    let mut out = String::new();
    let limits = known.manifest().map_or(&[][..], |manifest| manifest.limits());
    if !limits.is_empty() {
        let line = |limit: &Limit| {
            let whose = match limit.scope {
                LimitScope::Account => "account",
                LimitScope::Connection => "connection",
                LimitScope::Resource => "object",
            };
            let tiers = limit.tiers.iter().map(|(tier, most)| format!("; {tier} {}", count(*most))).collect::<String>();
            format!("{} in {} for each {whose}{tiers}", count(limit.max), durations::short(limit.per))
        };
        let lines = limits.iter().map(|limit| (limit.name.as_str(), line(limit)));
        out.push_str(&tables::facts(&lines.collect::<Vec<_>>()));
    }
    out.push_str(&format!("The shortest `every` is {every}, except for an address on this machine.\n"));
    out
}

/// As authors write them.
fn words(abilities: impl Iterator<Item = Ability>) -> String {
    let word = |ability: Ability| if ability == Ability::PollBy { "by: FIELD" } else { ability.word() };
    abilities.map(word).collect::<Vec<_>>().join(", ")
}

fn object(offer: &Offer) -> &str {
    offer.object.as_deref().unwrap_or("every table")
}

fn objects(offers: &[Offer]) -> String {
    offers.iter().map(object).collect::<Vec<_>>().join(", ")
}

fn to_json(known: &Known) -> Json {
    let descriptor = known.connector.descriptor();
    let offer = |offer: &Offer| {
        let of = |is_trigger: bool| -> Vec<&str> {
            let own = offer.abilities.iter().filter(|ability| ability.is_trigger() == is_trigger);
            own.map(|ability| ability.word()).collect()
        };
        let scopes = &offer.scopes;
        json!({
            "object": offer.object, "title": offer.title, "triggers": of(true), "steps": of(false),
            "scopes": {"fields": scopes.fields, "read": scopes.read, "write": scopes.write},
        })
    };
    let setting = |setting: &Setting| {
        let (kind, options): (&str, &[&str]) = match setting.kind {
            SettingKind::Text => ("text", &[]),
            SettingKind::Secret => ("secret", &[]),
            SettingKind::Path => ("path", &[]),
            SettingKind::Choice(words) => ("choice", words),
        };
        json!({"name": setting.name, "kind": kind, "options": options, "required": setting.required, "help": setting.help})
    };
    let action = |action: &ActionSchema| {
        let inputs = action.inputs.iter().map(|input| {
            json!({
                "name": input.name, "type": tables::field_type(input.field_type), "options": input.options,
                "required": input.required, "help": input.help,
            })
        });
        let results = action.results.iter();
        let results = results.map(|one| json!({"name": one.name, "type": tables::field_type(one.field_type)}));
        json!({
            "name": action.name, "title": action.title, "help": action.help,
            "inputs": inputs.collect::<Json>(), "results": results.collect::<Json>(),
        })
    };
    let limits = known.manifest().map_or(&[][..], |manifest| manifest.limits()).iter().map(|limit| {
        json!({"name": limit.name, "most": limit.max, "seconds": limit.per.as_secs_f64(), "tiers": limit.tiers})
    });
    json!({
        "name": descriptor.name,
        "title": descriptor.title,
        "manifest": known.path(),
        "objects": known.connector.offers().iter().map(offer).collect::<Json>(),
        "actions": known.connector.actions().iter().map(action).collect::<Json>(),
        "settings": descriptor.settings.iter().map(setting).collect::<Json>(),
        "limits": limits.collect::<Json>(),
        "shortest_interval_seconds": descriptor.min_interval.as_secs_f64(),
    })
}
