//! A project's own files: `connections.yaml` and `millrace.yaml`.

mod connections;
mod file;
mod settings;

pub(crate) use connections::secret;
pub use connections::{ConnectionDefinition, SettingKey, SettingText, overlay, parse_connections};
pub use file::{ProjectFile, RetentionSettings, parse_project};
pub use settings::resolve_settings;
