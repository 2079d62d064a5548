//! Settings: what a connection is configured with, against what its connector declares.

use std::collections::BTreeMap;

use sdk::{Secret, Setting, SettingKind, SettingValue, Settings};
use text::{Diagnostic, Diagnostics, Span, did_you_mean, shown};

use super::connections::{ConnectionDefinition, SettingText};
use crate::codes;
use crate::language::CONNECTION;

/// Looks every setting up. A mistake leaves its setting out; whoever gets an error must not connect.
///
/// No diagnostic shows a value: where it came from is enough to mend it.
pub fn resolve_settings(
    definition: &ConnectionDefinition,
    declared: &[Setting],
    read_env: &dyn Fn(&str) -> Option<String>,
    read_file: &dyn Fn(&str) -> Result<String, String>,
) -> (Settings, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::new(&definition.file);
    let mut settings = BTreeMap::new();
    for (key, written) in &definition.settings {
        let Some(setting) = declared.iter().find(|setting| setting.name == key.name) else {
            let diagnostic = unknown(definition, declared, &key.name, key.span);
            diagnostics.push(diagnostics.at(diagnostic, key.span, ""));
            continue;
        };
        match value(written, read_env, read_file).and_then(|text| typed(setting, text, written)) {
            Ok(value) => {
                if let (SettingValue::Secret(secret), SettingText::Plain { .. }) = (&value, written)
                    && is_secret(secret.expose())
                {
                    let diagnostic = in_a_file(definition, setting.name, secret.expose(), written.span());
                    diagnostics.push(diagnostics.at(diagnostic, key.span, ""));
                }
                settings.insert(setting.name.to_owned(), value);
            }
            Err(diagnostic) => diagnostics.push(diagnostics.at(*diagnostic, written.span(), "")),
        }
    }
    for setting in declared.iter().filter(|setting| setting.required) {
        let mut written = definition.settings.iter().map(|(key, _)| key).chain(&definition.unreadable);
        if !written.any(|key| key.name == setting.name) {
            let message = format!("the connection `{}` needs the setting `{}`", definition.name.value, setting.name);
            let what = setting.help.trim_end_matches('.');
            let help = match setting.kind {
                SettingKind::Secret => {
                    let variable = variable_for(definition, setting.name);
                    format!("add `{}: ${{ env.{variable} }}`. {what}", setting.name)
                }
                SettingKind::Text | SettingKind::Path | SettingKind::Choice(_) => {
                    format!("add `{}:`. {what}", setting.name)
                }
            };
            let diagnostic = Diagnostic::error(codes::MISSING_SETTING, message).help(help);
            diagnostics.push(diagnostics.at(diagnostic, definition.name.span, ""));
        }
    }
    (Settings(settings), diagnostics.into_vec())
}

fn unknown(definition: &ConnectionDefinition, declared: &[Setting], name: &str, span: Span) -> Diagnostic {
    let names = || declared.iter().map(|setting| setting.name);
    let message = format!("`{}` takes no setting `{}`", definition.connector.value, shown(name));
    let list = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Diagnostic::error(codes::UNKNOWN_SETTING, message)
        .help(format!("it takes {list}"))
        .did_you_mean(span, did_you_mean(name, names().chain(CONNECTION.known())))
}

/// What a variable would be called that holds a connection's setting.
fn variable_for(definition: &ConnectionDefinition, setting: &str) -> String {
    format!("{}_{setting}", definition.name.value).to_uppercase().replace('-', "_")
}

/// Whether a text gives anything away: an address without a password in it does not.
fn is_secret(text: &str) -> bool {
    match text.split_once("://") {
        Some((_, rest)) => {
            let (authority, options) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            let has_password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
            has_password || options.contains("password=")
        }
        None => !text.trim().is_empty(),
    }
}

/// Whoever may read the file, or its history, has the secret.
fn in_a_file(definition: &ConnectionDefinition, setting: &str, text: &str, span: Span) -> Diagnostic {
    let message = format!("`{setting}` is a secret, and stands in the file");
    let diagnostic = Diagnostic::warning(codes::SECRET_IN_A_FILE, message);
    let name = text.strip_prefix('$').map(|name| name.trim_start_matches("env."));
    let is_name = |name: &&str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    match name.filter(is_name).filter(|name| !name.is_empty()) {
        Some(name) => {
            let reference = format!("${{ env.{name} }}");
            diagnostic
                .help(format!("a variable is written `{reference}`; this is taken as it stands"))
                .fix(span, format!("\"{reference}\""))
        }
        None => diagnostic.help(format!(
            "whoever reads this file has it: write `${{ env.{} }}` and set that variable, or `${{ file(\"…\") }}`",
            variable_for(definition, setting)
        )),
    }
}

fn value(
    written: &SettingText,
    read_env: &dyn Fn(&str) -> Option<String>,
    read_file: &dyn Fn(&str) -> Result<String, String>,
) -> Result<String, Box<Diagnostic>> {
    match written {
        SettingText::Plain { text, .. } => Ok(text.clone()),
        SettingText::Environment { variable, .. } => match read_env(variable) {
            Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Some(_) | None => Err(Box::new(
                Diagnostic::error(codes::VARIABLE_NOT_SET, format!("the environment variable `{variable}` is not set"))
                    .help(format!("set it before starting, such as `export {variable}=…`")),
            )),
        },
        SettingText::File { path, .. } => match read_file(path) {
            // A file ends with a line break, a pasted token with a blank; neither belongs to the value.
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Ok(_) => {
                Err(Box::new(Diagnostic::error(codes::FILE_NOT_READ, format!("the file `{}` is empty", shown(path)))))
            }
            Err(why) => {
                let message = format!("the file `{}` cannot be read: {}", shown(path), shown(&why));
                Err(Box::new(Diagnostic::error(codes::FILE_NOT_READ, message)))
            }
        },
    }
}

fn typed(setting: &Setting, text: String, written: &SettingText) -> Result<SettingValue, Box<Diagnostic>> {
    match setting.kind {
        SettingKind::Text | SettingKind::Path => Ok(SettingValue::Text(text)),
        SettingKind::Secret => Ok(SettingValue::Secret(Secret::new(text))),
        SettingKind::Choice(words) if words.contains(&text.as_str()) => Ok(SettingValue::Text(text)),
        SettingKind::Choice(words) => {
            let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            let diagnostic =
                Diagnostic::error(codes::WRONG_SETTING, format!("`{}` cannot have this value", setting.name))
                    .help(format!("it is one of {list}"));
            let meant = match written {
                SettingText::Plain { .. } => did_you_mean(&text, words.iter().copied()),
                SettingText::Environment { .. } | SettingText::File { .. } => None,
            };
            Err(Box::new(diagnostic.did_you_mean(written.span(), meant)))
        }
    }
}

#[cfg(test)]
mod tests {
    use text::SourceFile;

    use super::super::parse_connections;
    use super::*;

    const DECLARED: &[Setting] = &[
        Setting { name: "token", kind: SettingKind::Secret, required: true, help: "the private app's token" },
        Setting { name: "base_url", kind: SettingKind::Text, required: false, help: "another address" },
        Setting { name: "path", kind: SettingKind::Path, required: false, help: "the file" },
        Setting { name: "mode", kind: SettingKind::Choice(&["fast", "safe"]), required: false, help: "how" },
    ];

    fn resolve(yaml: &str) -> (Settings, Vec<(&'static str, String)>) {
        let file = SourceFile::new("connections.yaml", yaml);
        let (definitions, mut diagnostics) = parse_connections(&file);
        let mut settings = Settings::default();
        for definition in &definitions {
            let env = |name: &str| (name == "TOKEN").then(|| " pat-secret \n".to_owned());
            let read =
                |path: &str| if path == "key" { Ok("from-file\n".to_owned()) } else { Err("no such file".to_owned()) };
            let (resolved, more) = resolve_settings(definition, DECLARED, &env, &read);
            settings = resolved;
            diagnostics.extend(more);
        }
        (settings, diagnostics.into_iter().map(|one| (one.code, one.message)).collect())
    }

    #[test]
    fn values_come_from_text_environment_and_files() {
        let (settings, diagnostics) = resolve(
            "crm:\n  connector: hubspot\n  title: \"HubSpot (production)\"\n  token: ${ env.TOKEN }\n  base_url: http://127.0.0.1:8080\n  path: ${ file(\"key\") }\n  mode: safe\n",
        );
        assert_eq!(diagnostics, []);
        assert_eq!(settings.secret("token").map(Secret::expose), Some("pat-secret"));
        assert_eq!(settings.text("base_url"), Some("http://127.0.0.1:8080"));
        assert_eq!(settings.text("path"), Some("from-file"));
        assert_eq!(settings.text("mode"), Some("safe"));
    }

    #[test]
    fn a_value_never_becomes_yaml() {
        let file = SourceFile::new("connections.yaml", "crm:\n  connector: x\n  token: ${ env.TOKEN }\n");
        let (definitions, _) = parse_connections(&file);
        let env = |_: &str| Some("a\nevil: true\n${ env.OTHER }".to_owned());
        let (settings, diagnostics) = resolve_settings(&definitions[0], DECLARED, &env, &|_| Err(String::new()));
        assert_eq!(diagnostics, []);
        assert_eq!(settings.secret("token").map(Secret::expose), Some("a\nevil: true\n${ env.OTHER }"));
    }

    #[test]
    fn an_address_without_a_password_is_no_secret() {
        for url in ["postgres://ann@127.0.0.1:5432/x", "postgres:///x?host=/run/postgresql", "postgres://db:5432/x"] {
            let (_, diagnostics) = resolve(&format!("crm: {{connector: x, token: '{url}'}}"));
            assert_eq!(diagnostics, [], "{url}");
        }
    }

    #[test]
    fn mistakes_are_named_without_their_values() {
        for (yaml, code, part) in [
            ("crm: {connector: x}", codes::MISSING_SETTING, "token"),
            ("crm: {connector: x, token: \"${ env.NOPE }\"}", codes::VARIABLE_NOT_SET, "NOPE"),
            ("crm: {connector: x, token: \"${ file(\\\"gone\\\") }\"}", codes::FILE_NOT_READ, "gone"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", base_ulr: y}", codes::UNKNOWN_SETTING, "base_ulr"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", tier: y}", codes::UNKNOWN_SETTING, "tier"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", owner: ann@example.com}", codes::NOT_YET, "owner"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", visible_to: all}", codes::NOT_YET, "visible_to"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", visible_to: me}", codes::MISSING_KEY, "visible_to: me"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", visible_to: us}", codes::WRONG_VALUE, "us"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", owner: \" \"}", codes::WRONG_VALUE, "nobody"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", owner: [ann]}", codes::WRONG_TYPE, "owner"),
            ("crm: {connector: x, token: \"${ env.TOKEN }\", mode: hidden}", codes::WRONG_SETTING, "mode"),
            ("crm: {connector: x, token: hidden}", codes::SECRET_IN_A_FILE, "token"),
            ("crm: {connector: x, token: $HOME}", codes::SECRET_IN_A_FILE, "token"),
            ("crm: {connector: x, token: 'postgres://ann:hidden@127.0.0.1/x'}", codes::SECRET_IN_A_FILE, "token"),
            ("crm: {connector: x, token: 'postgres:///x?password=hidden'}", codes::SECRET_IN_A_FILE, "token"),
            ("crm: {connector: x, token: \"${HOME}\"}", codes::BAD_REFERENCE, "HOME"),
            ("crm: {connector: x, token: \"a ${ env.TOKEN }\"}", codes::BAD_REFERENCE, "whole"),
            ("crm: {connector: x, token: \"${ env.MILLRACE_KEY }\"}", codes::BAD_REFERENCE, "own keys"),
            ("crm: {token: t}", codes::MISSING_KEY, "crm"),
            ("CRM: {connector: x, token: t}", codes::BAD_ID, "CRM"),
            ("crm: hubspot", codes::WRONG_TYPE, "crm"),
            ("[crm]", codes::WRONG_TYPE, "map"),
        ] {
            let (_, diagnostics) = resolve(yaml);
            assert_eq!(diagnostics.len(), 1, "{yaml}: {diagnostics:?}");
            assert_eq!(diagnostics[0].0, code, "{yaml}: {diagnostics:?}");
            assert!(diagnostics[0].1.contains(part), "{yaml}: {diagnostics:?}");
            assert!(diagnostics.iter().all(|(_, message)| !message.contains("hidden")), "{diagnostics:?}");
        }
    }
}
