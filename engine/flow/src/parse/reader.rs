//! The small questions that reading a document asks again and again, each with its own good message.

use std::collections::BTreeMap;
use std::time::Duration;

use sdk::ConnectionName;
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Meant, Node, Span, Text, TextStyle, did_you_mean, shown};

use super::damaged::{self, Pair};
use super::duration::{MeantDuration, meant as meant_duration};
use crate::codes;
use crate::definition::At;
use crate::language::elsewhere::{self, Here};
use crate::language::{Mapping, Words};
use crate::schedule::Cron;
use crate::template;

/// Reads values, and says what is wrong with them. What was reported already is passed over in silence.
pub(crate) struct Reader<'a> {
    pub(crate) diagnostics: &'a mut Diagnostics,
    /// Which connections stand for the names that are read.
    pub(crate) bind: BTreeMap<String, At<ConnectionName>>,
}

/// What is written here for a key of another product, where the map takes it.
fn elsewhere(key: &str, mapping: &Mapping) -> Option<Here> {
    elsewhere::keys(key).find(|here| here.word().is_none_or(|ours| mapping.known().any(|known| known == ours)))
}

/// The key that was probably meant.
fn meant<'m>(key: &str, mapping: &'m Mapping) -> Option<Meant<'m>> {
    match elsewhere(key, mapping) {
        Some(here) => here.word().map(Meant::guess),
        None => did_you_mean(key, mapping.known()),
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(diagnostics: &'a mut Diagnostics) -> Self {
        Self { diagnostics, bind: BTreeMap::new() }
    }

    /// Reports a mistake; more may be added to what it is given.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic, span: Span) {
        let diagnostic = self.diagnostics.at(diagnostic, span, "");
        self.diagnostics.push(diagnostic);
    }

    /// Reports every key that does not belong here.
    pub(crate) fn keys(&mut self, map: &Map, mapping: &Mapping) {
        for entry in &map.entries {
            let key = entry.key.text.as_str();
            if mapping.knows(key) {
                continue;
            }
            self.unknown_key(key, entry.key.span, mapping);
        }
    }

    /// Warns of a key of the project that is good, and that nothing goes by yet.
    pub(crate) fn not_used(&mut self, entry: &Entry) {
        let message = format!("`{}` is part of the language, but this version does not use it yet", entry.key.text);
        self.report(Diagnostic::warning(codes::NOT_YET, message), entry.key.span);
    }

    /// Reports a key that does not belong here.
    pub(crate) fn unknown_key(&mut self, key: &str, span: Span, mapping: &Mapping) {
        let what = mapping.what;
        let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, format!("unknown key `{}` of {what}", shown(key)));
        let list = mapping.known().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
        let diagnostic = diagnostic.help(format!("{what} takes {list}"));
        let diagnostic = match elsewhere(key, mapping) {
            Some(here) => here.told(diagnostic, span),
            None => diagnostic.did_you_mean(span, did_you_mean(key, mapping.known())),
        };
        self.report(diagnostic, span);
    }

    /// Reports that a key is missing, unless one stands there that was probably meant.
    pub(crate) fn missing_key(&mut self, map: &Map, key: &str, mapping: &Mapping, message: &str, help: &str) {
        self.missing_key_at(map, Span::default(), key, mapping, message, help);
    }

    /// The same of a map that may be empty, and then has no other place than this.
    pub(crate) fn missing_key_at(
        &mut self,
        map: &Map,
        at: Span,
        key: &str,
        mapping: &Mapping,
        message: &str,
        help: &str,
    ) {
        let is_meant = |entry: &Entry| {
            let written = entry.key.text.as_str();
            !mapping.knows(written) && meant(written, mapping).is_some_and(|meant| meant.word == key)
        };
        if !map.entries.iter().any(is_meant) {
            let first = map.entries.first().map_or(at, |entry| entry.key.span);
            self.report(Diagnostic::error(codes::MISSING_KEY, message).help(help), first);
        }
    }

    /// Reports a value of the wrong kind, unless it was reported before.
    pub(crate) fn wrong_type(&mut self, node: &Node, key: Span, name: &str, wanted: &str) {
        self.mistyped(node, key, (name, wanted), |diagnostic| diagnostic);
    }

    /// The same, with more to say of it.
    pub(crate) fn mistyped(
        &mut self,
        node: &Node,
        key: Span,
        (name, wanted): (&str, &str),
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        if node.kind == Kind::Broken {
            return;
        }
        // A value that was left out has no place of its own: its dash or its key has one.
        let before = self.diagnostics.file().text.get(..node.span.start).unwrap_or_default().trim_end_matches(' ');
        let span = match node.span.is_empty() {
            true if before.ends_with('-') => Span::new(before.len() - 1, before.len()),
            true => key,
            false => node.span,
        };
        let found = node.describe();
        // A key is quoted; `a step` is a word of ours.
        let name = if name.contains(' ') { name.to_owned() } else { format!("`{name}`") };
        let diagnostic = Diagnostic::error(codes::WRONG_TYPE, format!("{name} must be {wanted}, and this is {found}"));
        self.report(more(diagnostic), span);
    }

    /// A map.
    pub(crate) fn map<'n>(&mut self, entry: &'n Entry) -> Option<&'n Map> {
        match &entry.value.kind {
            Kind::Map(map) => Some(map),
            Kind::Text(Text { style: TextStyle::Plain, .. }) if self.report_pair(&entry.value) => None,
            _ => {
                let wanted = (entry.key.text.as_str(), "a map of keys and values");
                self.mistyped(&entry.value, entry.key.span, wanted, |diagnostic| match &entry.value.kind {
                    Kind::List(_) => {
                        diagnostic.help("leave the dashes out: keys and their values stand below each other")
                    }
                    _ => diagnostic,
                });
                None
            }
        }
    }

    /// Whether the text is meant as a key and its value; reports that.
    fn report_pair(&mut self, node: &Node) -> bool {
        // Several such lines are one text to YAML; the first tells what is wrong.
        let written = self.diagnostics.file().slice(node.span).lines().next().unwrap_or_default().to_owned();
        let Some(Pair { key, sign, value }) = damaged::pair(&written) else { return false };
        let span = Span::new(node.span.start, node.span.start + written.trim_end().len());
        let replacement = format!("{key}: {value}");
        let diagnostic = damaged::without_colon(sign, &replacement).fix(span, replacement);
        self.report(diagnostic, span);
        true
    }

    /// A list.
    pub(crate) fn list<'n>(&mut self, entry: &'n Entry, of: &str) -> Option<&'n [Node]> {
        match &entry.value.kind {
            Kind::List(items) => Some(items),
            _ => {
                let wanted = (entry.key.text.as_str(), of);
                self.mistyped(&entry.value, entry.key.span, wanted, |diagnostic| match &entry.value.kind {
                    Kind::Map(map) => match map.entries.first() {
                        Some(first) => diagnostic
                            .help(format!("begin each with a dash, the first with `- {}:`", shown(&first.key.text))),
                        None => diagnostic,
                    },
                    _ => diagnostic,
                });
                None
            }
        }
    }

    /// Text that must be known before any record is there, so without expressions.
    pub(crate) fn fixed_text(&mut self, node: &Node, key: Span, name: &str, wanted: &str) -> Option<At<String>> {
        let Some(text) = node.as_text() else {
            self.wrong_type(node, key, name, wanted);
            return None;
        };
        if template::has_expression(text) {
            let diagnostic =
                Diagnostic::error(codes::NO_EXPRESSION, format!("`{name}` must be plain, without `${{ }}`"))
                    .help("it is used before any record or input is there");
            self.report(diagnostic, node.span);
            return None;
        }
        Some(At { value: text.to_owned(), span: node.span })
    }

    /// As [`Reader::fixed_text`], of an entry.
    pub(crate) fn text(&mut self, entry: &Entry) -> Option<At<String>> {
        self.fixed_text(&entry.value, entry.key.span, &entry.key.text, "text")
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, entry: &Entry) -> Option<bool> {
        match entry.value.kind {
            Kind::Bool(flag) => Some(flag),
            _ => {
                let wanted = (entry.key.text.as_str(), "true or false");
                let meant = entry.value.as_text().and_then(|text| match text.to_lowercase().as_str() {
                    "yes" | "y" | "on" | "true" => Some("true"),
                    "no" | "n" | "off" | "false" => Some("false"),
                    _ => None,
                });
                self.mistyped(&entry.value, entry.key.span, wanted, |diagnostic| match meant {
                    Some(meant) => diagnostic.help(format!("write `{meant}`")).fix(entry.value.span, meant),
                    None => diagnostic,
                });
                None
            }
        }
    }

    /// A whole number from 1 to `most`.
    pub(crate) fn count(&mut self, entry: &Entry, most: i64) -> Option<usize> {
        match entry.value.kind {
            Kind::Int(number) if (1..=most).contains(&number) => usize::try_from(number).ok(),
            Kind::Int(_) => {
                let message = format!("`{}` must be a number from 1 to {most}", entry.key.text);
                self.report(Diagnostic::error(codes::WRONG_VALUE, message), entry.value.span);
                None
            }
            _ => {
                self.wrong_type(&entry.value, entry.key.span, &entry.key.text, "a whole number");
                None
            }
        }
    }

    /// A duration such as `15s`.
    pub(crate) fn duration(&mut self, entry: &Entry) -> Option<At<Duration>> {
        let name = &entry.key.text;
        if let Kind::Int(number) = entry.value.kind {
            let diagnostic = Diagnostic::error(codes::WRONG_TYPE, format!("`{name}` needs a unit")).help(format!(
                "write `{number}s` for seconds, `{number}m` for minutes, `{number}h` for hours, `{number}d` for days"
            ));
            self.report(diagnostic, entry.value.span);
            return None;
        }
        let text = self.fixed_text(&entry.value, entry.key.span, name, "a duration such as 15s")?;
        match super::duration(&text.value) {
            Some(value) => Some(At { value, span: text.span }),
            None => {
                let written = shown(&text.value);
                let diagnostic = Diagnostic::error(codes::WRONG_VALUE, format!("`{written}` is no duration"));
                let diagnostic = match Cron::parse(&text.value) {
                    Ok(_) => diagnostic.help(format!(
                        "these are times: a trigger has them as `schedule: \"{written}\"`; `{name}` takes an interval, such as `5m`"
                    )),
                    Err(_) => {
                        let MeantDuration { help, instead } = meant_duration(&text.value);
                        let diagnostic = diagnostic.help(help);
                        match instead {
                            Some(instead) => diagnostic.fix(text.span, instead),
                            None => diagnostic,
                        }
                    }
                };
                self.report(diagnostic, text.span);
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy + PartialEq>(&mut self, entry: &Entry, words: &Words<T>) -> Option<T> {
        if let Kind::List(_) = entry.value.kind {
            let list = words.words.iter().map(|word| format!("`{}`", word.word)).collect::<Vec<_>>().join(", ");
            let wanted = (entry.key.text.as_str(), "one word");
            self.mistyped(&entry.value, entry.key.span, wanted, |diagnostic| {
                diagnostic.help(format!("choose one of {list}"))
            });
            return None;
        }
        let text = self.text(entry)?;
        if let Some(value) = words.value(&text.value) {
            return Some(value);
        }
        let known = || words.words.iter().map(|word| word.word);
        let list = known().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let message = format!("`{}` cannot be `{}`", entry.key.text, shown(&text.value));
        let diagnostic = Diagnostic::error(codes::WRONG_VALUE, message).help(format!("it is one of {list}"));
        let here = elsewhere::choice(&text.value).filter(|here| {
            here.word().map_or(known().any(|word| word == "list"), |ours| known().any(|word| word == ours))
        });
        let diagnostic = match here {
            Some(here) => here.told(diagnostic, text.span),
            None => diagnostic.did_you_mean(text.span, did_you_mean(&text.value, known())),
        };
        self.report(diagnostic, text.span);
        None
    }
}
