//! The connectors that a project has: those built in, and its own, each a manifest in `connectors/`.
//!
//! A manifest with a mistake, or with a name that is taken, is told; only what uses that name cannot work.

use std::fmt;
use std::sync::Arc;

use connectors::rest::RestConnector;
use flow::project::ConnectionDefinition;
use sdk::Connector;
use text::{Diagnostic, Kind, Node, SourceFile, Span};

/// All connectors, by name.
pub struct Registry {
    known: Vec<Known>,
    /// Names that no connection can be of, and the manifest that is to be mended.
    broken: Vec<(String, Arc<str>)>,
}

/// A connector that connections can be of.
pub struct Known {
    /// The connector.
    pub connector: Arc<dyn Connector>,
    own: Option<Own>,
}

/// One that the project brought.
struct Own {
    path: Arc<str>,
    manifest: Arc<RestConnector>,
}

impl Known {
    /// The project's file, where it is the project's own.
    pub fn path(&self) -> Option<&str> {
        self.own.as_ref().map(|own| &*own.path)
    }

    /// What it is made of, where that is a manifest.
    pub fn manifest(&self) -> Option<&RestConnector> {
        match &self.own {
            Some(own) => Some(&own.manifest),
            None => connectors::manifest(self.connector.descriptor().name),
        }
    }
}

impl Default for Registry {
    /// Those that are built in.
    fn default() -> Self {
        let known = connectors::all().into_iter().map(|connector| Known { connector, own: None });
        Self { known: known.collect(), broken: Vec::new() }
    }
}

impl Registry {
    /// Those that are built in and those of these manifests, and what is wrong with them.
    pub fn of(manifests: &[SourceFile]) -> (Self, Vec<Diagnostic>) {
        let mut registry = Self::default();
        let mut diagnostics = Vec::new();
        for file in manifests {
            diagnostics.extend(registry.take_in(file));
        }
        registry.known.sort_by_key(|known| known.connector.descriptor().name);
        (registry, diagnostics)
    }

    fn take_in(&mut self, file: &SourceFile) -> Vec<Diagnostic> {
        let (name, span) = name_of(file);
        let taken = self.known.iter().find(|known| known.connector.descriptor().name == name);
        if let Some(taken) = taken {
            let message = match taken.path() {
                Some(path) => format!("`{path}` is the connector `{name}` already"),
                None => format!("the connector `{name}` is built in"),
            };
            let help = format!(
                "give this one another name, such as `connector: {name}-own`, and use that in `connections.yaml`"
            );
            // Which of the two the author means, nobody can say, so it is neither.
            self.broken.push((name, Arc::clone(&file.path)));
            return vec![
                Diagnostic::error(connectors::rest::codes::NAME_TAKEN, message).at(&file.path, span, "").help(help),
            ];
        }
        match RestConnector::from_manifest(file) {
            Ok(manifest) => {
                let manifest = Arc::new(manifest);
                let own = Some(Own { path: Arc::clone(&file.path), manifest: Arc::clone(&manifest) });
                self.known.push(Known { connector: manifest, own });
                Vec::new()
            }
            Err(mistakes) => {
                self.broken.push((name, Arc::clone(&file.path)));
                mistakes
            }
        }
    }

    /// Every connector that works, sorted by name.
    pub fn all(&self) -> impl Iterator<Item = &Known> {
        self.known.iter()
    }

    /// The connector of this name, if it works.
    pub fn find(&self, name: &str) -> Option<&Known> {
        let found = self.known.iter().find(|known| known.connector.descriptor().name == name);
        found.filter(|_| self.broken(name).is_none())
    }

    /// The manifest that is to be mended before anything can be of this connector.
    pub fn broken(&self, name: &str) -> Option<&str> {
        self.broken.iter().find(|(broken, _)| broken == name).map(|(_, path)| &**path)
    }

    /// All names, those of manifests with mistakes included.
    pub fn names(&self) -> Vec<String> {
        let known = self.known.iter().map(|known| known.connector.descriptor().name.to_owned());
        let mut names: Vec<String> = known.chain(self.broken.iter().map(|(name, _)| name.clone())).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The connector of a connection, or what is wrong there: nothing, where its manifest's mistakes were told.
    pub fn of_connection(&self, definition: &ConnectionDefinition) -> Result<Arc<dyn Connector>, Vec<Diagnostic>> {
        let wanted = &definition.connector;
        if let Some(known) = self.find(&wanted.value) {
            return Ok(Arc::clone(&known.connector));
        }
        if self.broken(&wanted.value).is_some() {
            return Err(Vec::new());
        }
        let names = self.names();
        let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = format!("there is no connector `{}`", text::shown(&wanted.value));
        let help = format!("there are {list}; one of your own is a manifest in `connectors/`");
        let diagnostic = Diagnostic::error(flow::codes::UNKNOWN_CONNECTOR, message)
            .at(&definition.file.path, wanted.span, "")
            .help(help)
            .did_you_mean(wanted.span, text::did_you_mean(&wanted.value, names.iter().map(String::as_str)));
        Err(vec![diagnostic])
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.names()).finish()
    }
}

/// The name that a manifest gives itself and where, also where it has mistakes; its file's name where it gives none.
fn name_of(file: &SourceFile) -> (String, Span) {
    let written = match text::parse_yaml(file).root.map(|root| root.kind) {
        Some(Kind::Map(map)) => map.get("connector").map(|entry| entry.value.clone()),
        _ => None,
    };
    if let Some((name, span)) = written.as_ref().and_then(|node: &Node| Some((node.as_text()?.to_owned(), node.span))) {
        return (name, span);
    }
    let name = file.path.rsplit(['/', '\\']).next().unwrap_or(&file.path);
    (name.split('.').next().unwrap_or(name).to_owned(), Span::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: &str = "connector: tasks\ntitle: Tasks\nbase_url: https://tasks.example\ncheck: {get: /me, id: \"${body.id}\"}\nresources:\n  tasks:\n    id: \"${record.id}\"\n    fields: {static: {name: text}}\n";

    fn registry(files: &[(&str, &str)]) -> (Registry, Vec<Diagnostic>) {
        let files: Vec<_> = files.iter().map(|(path, text)| SourceFile::new(*path, text)).collect();
        Registry::of(&files)
    }

    #[test]
    fn a_manifest_is_a_connector_like_any_other() {
        let (registry, mistakes) = registry(&[("connectors/tasks.yaml", TASKS)]);
        assert_eq!(mistakes, []);
        assert!(registry.names().contains(&"tasks".to_owned()), "{registry:?}");
        let known = registry.find("tasks").expect("it was read");
        assert_eq!((known.path(), known.manifest().is_some()), (Some("connectors/tasks.yaml"), true));
        assert!(registry.find("hubspot").expect("it is built in").manifest().is_some());
        assert!(registry.find("sqlite").expect("it is built in").manifest().is_none());
    }

    #[test]
    fn a_name_that_is_taken_is_a_mistake_and_neither_of_the_two_is_meant() {
        let shadow = TASKS.replace("connector: tasks", "connector: sqlite");
        let (registry, mistakes) =
            registry(&[("connectors/a.yaml", TASKS), ("connectors/b.yaml", TASKS), ("connectors/c.yaml", &shadow)]);
        let told: Vec<_> = mistakes.iter().map(|one| (&*one.labels[0].file, one.message.as_str())).collect();
        assert_eq!(
            told,
            [
                ("connectors/b.yaml", "`connectors/a.yaml` is the connector `tasks` already"),
                ("connectors/c.yaml", "the connector `sqlite` is built in"),
            ]
        );
        assert!(registry.find("sqlite").is_none() && registry.find("tasks").is_none());
        assert_eq!(registry.broken("sqlite"), Some("connectors/c.yaml"));
    }

    #[test]
    fn a_manifest_with_mistakes_keeps_its_name() {
        let (registry, mistakes) = registry(&[("connectors/x.yaml", "connector: tasks\nresorces: {}\n")]);
        assert!(!mistakes.is_empty());
        assert_eq!(registry.broken("tasks"), Some("connectors/x.yaml"));
    }
}
