//! The engine that runs connectors which are data.
//!
//! - A manifest is one YAML file; `parse` reads it with every mistake told at its place (`codes`, `reader`), after
//!   `expand` has written out its templates. What it says is a `manifest::Manifest`.
//! - `language` declares what a manifest takes; the reader goes by it, and editors do.
//! - `template` is the one form of reference that stands inside of its texts, `pattern` reads what services say in
//!   words.
//! - `run` is the manifest at work, as a connection like any other.
//!
//! Nothing here knows a service by name, and a manifest holds no code: what it can say is what there are words for.

use std::sync::{Arc, Mutex, PoisonError};

use sdk::{ActionSchema, ConnectContext, Connection, Connector, Cost, Descriptor, Error, SettingKind, Settings};
use text::{Diagnostic, SourceFile};

use crate::http;

pub mod codes;
mod describe;
mod expand;
pub mod language;
mod limits;
mod manifest;
mod parse;
mod pattern;
mod reader;
pub(crate) mod run;
mod template;

#[cfg(test)]
pub(crate) mod tests;

pub use limits::Limit;
use manifest::Manifest;

/// A connector that is a manifest.
pub struct RestConnector {
    manifest: Arc<Manifest>,
    descriptor: &'static Descriptor,
    expanded: String,
}

impl RestConnector {
    /// Reads a manifest. Warnings are no mistakes; a manifest with a mistake is not used.
    pub fn from_manifest(file: &SourceFile) -> Result<Self, Vec<Diagnostic>> {
        let (manifest, tree) = parse::read(file)?;
        let descriptor = lasting(&manifest);
        Ok(Self { manifest: Arc::new(manifest), descriptor, expanded: expand::print(&tree) })
    }

    /// A manifest that is part of the program, and was tested with it.
    ///
    /// # Panics
    ///
    /// Where the manifest has a mistake.
    #[expect(clippy::panic, reason = "every embedded manifest is read by a test")]
    pub(crate) fn embedded(path: &str, text: &str) -> Self {
        let file = SourceFile::new(path, text);
        match Self::from_manifest(&file) {
            Ok(connector) => connector,
            Err(mistakes) => panic!("{}", text::render(&mistakes, &[file], text::Colour::Never)),
        }
    }

    /// What it can read and write: each resource's name, and what people call one of it.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.manifest.resources.iter().map(|resource| (resource.name.as_str(), resource.title.as_str()))
    }

    /// Whether records of a resource can be deleted.
    pub fn deletes(&self, resource: &str) -> bool {
        self.manifest.resource(resource).is_some_and(|resource| resource.write.delete.is_some())
    }

    /// The service's budgets.
    pub fn limits(&self) -> &[Limit] {
        &self.manifest.limits
    }

    /// What one page of each kind of poll of a resource costs; for checking schedules against budgets.
    pub fn poll_costs(&self, resource: &str) -> Vec<&[Cost]> {
        let Some(resource) = self.manifest.resource(resource) else { return Vec::new() };
        let pages = resource.polls.iter().filter_map(|poll| resource.page_of(&poll.source));
        pages.map(|request| &request.costs[..]).collect()
    }

    /// The manifest as YAML, with each resource written out: what runs.
    pub fn expanded(&self) -> &str {
        &self.expanded
    }
}

#[cfg(test)]
impl RestConnector {
    /// What a refusal means.
    pub(crate) fn refusal(
        &self,
        response: &sdk::Response,
        purpose: run::failure::Purpose,
        redactor: &crate::http::Redactor,
    ) -> run::failure::Failure {
        run::failure::of(&self.manifest, response, purpose, redactor)
    }
}

/// What is wrong with a manifest, without using it.
pub fn check(file: &SourceFile) -> Vec<Diagnostic> {
    parse::read(file).err().unwrap_or_default()
}

impl Connector for RestConnector {
    fn descriptor(&self) -> &'static Descriptor {
        self.descriptor
    }

    fn actions(&self) -> Vec<ActionSchema> {
        self.manifest.actions.iter().map(|action| action.schema.clone()).collect()
    }

    fn connect(&self, settings: &Settings, context: ConnectContext) -> Result<Arc<dyn Connection>, Error> {
        Ok(Arc::new(run::RestConnection::new(Arc::clone(&self.manifest), settings, context)?))
    }

    fn offers(&self) -> Vec<sdk::Offer> {
        self.offered()
    }

    fn schemas(&self) -> Vec<sdk::ObjectSchema> {
        self.manifest.resources.iter().filter_map(run::declared).collect()
    }
}

/// The manifest's descriptor, which lasts as long as the process as those of connectors in code do. Equal ones are
/// kept once, so that a manifest that is read again and again takes no more room.
fn lasting(manifest: &Manifest) -> &'static Descriptor {
    static KEPT: Mutex<Vec<&'static Descriptor>> = Mutex::new(Vec::new());

    let mut settings = Vec::new();
    for setting in &manifest.config {
        settings.push((
            setting.name.clone(),
            match &setting.kind {
                manifest::SettingKind::Secret => Kind::Secret,
                manifest::SettingKind::Text | manifest::SettingKind::HostLabel => Kind::Text,
                manifest::SettingKind::Choice(words) => Kind::Choice(words.clone()),
            },
            setting.required,
            setting.help.clone(),
        ));
    }
    let own = manifest.base_url.text(&template::Scope::default());
    let own = own.unwrap_or_else(|| "the service's own".to_owned());
    let help = format!("Another address than {own}: https, or http on this machine.");
    settings.push(("base_url".to_owned(), Kind::Text, false, help));
    settings.extend(http::SETTINGS.iter().map(|setting| {
        let kind = match setting.kind {
            SettingKind::Choice(words) => Kind::Choice(words.iter().map(|&word| word.to_owned()).collect()),
            SettingKind::Secret => Kind::Secret,
            SettingKind::Text | SettingKind::Path => Kind::Text,
        };
        (setting.name.to_owned(), kind, setting.required, setting.help.to_owned())
    }));

    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.iter().find(|known| is_same(known, manifest, &settings)) {
        return known;
    }
    let text = |text: &str| -> &'static str { String::leak(text.to_owned()) };
    let settings: Vec<sdk::Setting> = settings
        .iter()
        .map(|(name, kind, required, help)| sdk::Setting {
            name: text(name),
            kind: match kind {
                Kind::Text => SettingKind::Text,
                Kind::Secret => SettingKind::Secret,
                Kind::Choice(words) => {
                    SettingKind::Choice(Vec::leak(words.iter().map(|word| text(word)).collect::<Vec<_>>()))
                }
            },
            required: *required,
            help: text(help),
        })
        .collect();
    let descriptor: &'static Descriptor = Box::leak(Box::new(Descriptor {
        name: text(&manifest.name),
        title: text(&manifest.title),
        settings: Vec::leak(settings),
        min_interval: manifest.min_interval,
    }));
    kept.push(descriptor);
    descriptor
}

enum Kind {
    Text,
    Secret,
    Choice(Vec<String>),
}

fn is_same(known: &Descriptor, manifest: &Manifest, settings: &[(String, Kind, bool, String)]) -> bool {
    let same_kind = |left: &SettingKind, right: &Kind| match (left, right) {
        (SettingKind::Text, Kind::Text) | (SettingKind::Secret, Kind::Secret) => true,
        (SettingKind::Choice(left), Kind::Choice(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left == right)
        }
        _ => false,
    };
    known.name == manifest.name
        && known.title == manifest.title
        && known.min_interval == manifest.min_interval
        && known.settings.len() == settings.len()
        && known.settings.iter().zip(settings).all(|(known, (name, kind, required, help))| {
            known.name == name && same_kind(&known.kind, kind) && known.required == *required && known.help == help
        })
}
