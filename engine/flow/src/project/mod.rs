//! A project's own files: `connections.yaml` and `millrace.yaml`.

mod connections;
mod file;
mod notify;
mod settings;
mod shares;

pub(crate) use connections::secret;
pub use connections::{ConnectionDefinition, SettingKey, SettingText, VisibleTo, overlay, parse_connections};
pub use file::{ProjectFile, RetentionSettings, parse_project};
pub use notify::{Notice, NotifyDefinition, Recipient};
pub use settings::resolve_settings;
pub use shares::Shares;
