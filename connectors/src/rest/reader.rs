//! The small questions that reading a manifest asks again and again, each with its own good message.

use std::time::Duration;

use sdk::Cost;
use text::grammar::{Mapping, Words};
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Node, Span, did_you_mean, shown};

use super::codes;
use super::template::{self, Root, Template};

/// Reads values, and says what is wrong with them. What was reported already is passed over in silence.
pub(super) struct Reader {
    pub(super) diagnostics: Diagnostics,
    /// The settings that the manifest declares, and whether each is a secret.
    pub(super) settings: Vec<(String, bool)>,
    /// The limits that it declares.
    pub(super) limits: Vec<String>,
    /// Whether it was told that a manifest without limits names one.
    pub(super) lacks_limits: bool,
    /// The values that it learns; `None` where none can be known yet.
    pub(super) vars: Option<Vec<String>>,
    /// What a request costs that says nothing else.
    pub(super) default_costs: Vec<Cost>,
}

impl Reader {
    /// Knows nothing of the manifest yet.
    pub(super) fn new(diagnostics: Diagnostics) -> Self {
        Self {
            diagnostics,
            settings: Vec::new(),
            limits: Vec::new(),
            lacks_limits: false,
            vars: None,
            default_costs: Vec::new(),
        }
    }

    pub(super) fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, help: Option<String>) {
        let diagnostic = Diagnostic::error(code, message).maybe_help(help);
        self.diagnostics.push(self.diagnostics.at(diagnostic, span, ""));
    }

    /// A map with these keys and no others.
    pub(super) fn map<'n>(&mut self, node: &'n Node, mapping: &Mapping) -> Option<&'n Map> {
        let what = mapping.what;
        let map = self.any_map(node, what)?;
        for entry in &map.entries {
            let key = entry.key.text.as_str();
            if mapping.knows(key) {
                continue;
            }
            let all: Vec<&str> = mapping.known().collect();
            let meant = did_you_mean(key, all.iter().copied());
            let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, format!("`{}` means nothing in {what}", shown(key)))
                .help(format!("it takes {}", all.join(", ")))
                .did_you_mean(entry.key.span, meant);
            self.diagnostics.push(self.diagnostics.at(diagnostic, entry.key.span, ""));
        }
        Some(map)
    }

    /// A map with keys of the author's own.
    pub(super) fn any_map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n Map> {
        match &node.kind {
            Kind::Map(map) => Some(map),
            _ => self.wrong_type(node, what, "a map"),
        }
    }

    /// The entry that must be there.
    pub(super) fn required<'n>(&mut self, map: &'n Map, key: &str, what: &str, span: Span) -> Option<&'n Entry> {
        let found = map.get(key);
        if found.is_none() {
            self.error(codes::MISSING_KEY, span, format!("{what} needs `{key}`"), None);
        }
        found
    }

    /// Says that a value is of the wrong kind.
    pub(super) fn wrong_type<T>(&mut self, node: &Node, what: &str, wanted: &str) -> Option<T> {
        if node.kind != Kind::Broken {
            self.error(codes::WRONG_TYPE, node.span, format!("{what} is {wanted}, not {}", node.describe()), None);
        }
        None
    }

    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match node.as_text() {
            Some(text) => Some(text.to_owned()),
            None => self.wrong_type(node, what, "text"),
        }
    }

    /// Text under a key that may be left out.
    pub(super) fn text_at(&mut self, map: &Map, key: &str) -> Option<String> {
        let entry = map.get(key)?;
        self.text(&entry.value, &format!("`{key}`"))
    }

    /// The items of a list, or the one value that stands in place of a list of one. Nothing is an empty list.
    pub(super) fn one_or_many<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            Kind::Null | Kind::Broken => &[],
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Map(_) => std::slice::from_ref(node),
        }
    }

    /// Texts under a key that may be left out.
    pub(super) fn texts(&mut self, map: &Map, key: &str) -> Vec<String> {
        let Some(entry) = map.get(key) else { return Vec::new() };
        let nodes = self.one_or_many(&entry.value);
        nodes.iter().filter_map(|node| self.text(node, &format!("each of `{key}`"))).collect()
    }

    pub(super) fn flag(&mut self, map: &Map, key: &str) -> bool {
        match map.get(key).map(|entry| &entry.value) {
            None => false,
            Some(Node { kind: Kind::Bool(flag), .. }) => *flag,
            Some(node) => self.wrong_type(node, &format!("`{key}`"), "true or false").unwrap_or(false),
        }
    }

    /// A whole number from 1 on.
    pub(super) fn count(&mut self, node: &Node, what: &str) -> Option<u64> {
        match node.kind {
            Kind::Int(number) if number >= 1 => u64::try_from(number).ok(),
            _ => self.wrong_type(node, what, "a whole number from 1 on"),
        }
    }

    pub(super) fn count_at(&mut self, map: &Map, key: &str, otherwise: usize) -> usize {
        let found = map.get(key).and_then(|entry| self.count(&entry.value, &format!("`{key}`")));
        found.and_then(|count| usize::try_from(count).ok()).unwrap_or(otherwise)
    }

    /// A duration such as `10s`.
    pub(super) fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.text(node, what)?;
        let found = duration(&text);
        if found.is_none() {
            let help = "write a number and its unit: `500ms`, `10s`, `5m`, `1h` or `1d`".to_owned();
            self.error(codes::WRONG_VALUE, node.span, format!("`{}` is no duration", shown(&text)), Some(help));
        }
        found
    }

    /// One of a few words; `later` are words of the grammar that this version does not run.
    pub(super) fn word<T: Copy + PartialEq>(
        &mut self,
        node: &Node,
        what: &str,
        words: &Words<T>,
        later: &[&str],
    ) -> Option<T> {
        let text = self.text(node, what)?;
        if let Some(value) = words.value(&text) {
            return Some(value);
        }
        if later.contains(&text.as_str()) {
            self.not_yet(node.span, &format!("{what}: {text}"));
            return None;
        }
        let known = || words.words.iter().map(|word| word.word);
        let list = known().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let meant = did_you_mean(&text, known());
        let diagnostic = Diagnostic::error(codes::WRONG_VALUE, format!("{what} cannot be `{}`", shown(&text)))
            .help(format!("it is one of {list}"))
            .did_you_mean(node.span, meant);
        self.diagnostics.push(self.diagnostics.at(diagnostic, node.span, ""));
        None
    }

    pub(super) fn not_yet(&mut self, span: Span, what: &str) {
        self.error(codes::NOT_YET, span, format!("this version does not run {what}"), None);
    }

    /// A text with references, which may begin with these roots.
    pub(super) fn template(&mut self, node: &Node, what: &str, roots: &[Root]) -> Option<Template> {
        let text = match &node.kind {
            Kind::Int(number) => number.to_string(),
            Kind::Bool(flag) => flag.to_string(),
            _ => self.text(node, what)?,
        };
        let file = self.diagnostics.file().clone();
        let template = match template::parse(&text, node.span) {
            Ok(template) => template,
            Err(mistake) => {
                let span = node.span_in_text(&file, mistake.start, mistake.end);
                self.error(mistake.code, span, mistake.message, mistake.help);
                return None;
            }
        };
        let mut is_right = true;
        for reference in template.references() {
            is_right &= self.is_known(reference, node.span, roots);
        }
        is_right.then_some(template)
    }

    pub(super) fn template_at(&mut self, map: &Map, key: &str, roots: &[Root]) -> Option<Template> {
        let entry = map.get(key)?;
        self.template(&entry.value, &format!("`{key}`"), roots)
    }

    /// Several templates, or one.
    pub(super) fn templates_at(&mut self, map: &Map, key: &str, roots: &[Root]) -> Vec<Template> {
        let Some(entry) = map.get(key) else { return Vec::new() };
        let nodes = self.one_or_many(&entry.value);
        nodes.iter().filter_map(|node| self.template(node, &format!("`{key}`"), roots)).collect()
    }

    fn is_known(&mut self, reference: &template::Reference, span: Span, roots: &[Root]) -> bool {
        let name = reference.root.name();
        // Wherever a setting may stand, a learned value may.
        if let (Root::Vars, Some(vars), true) = (reference.root, &self.vars, roots.contains(&Root::Config)) {
            let key = match reference.path.first() {
                Some(template::Step::Key(key)) => key.as_str(),
                Some(template::Step::Index(_) | template::Step::Each) | None => "",
            };
            let is_known = vars.iter().any(|known| known == key);
            if !is_known {
                let meant = did_you_mean(key, vars.iter().map(String::as_str));
                let help = meant.map(|meant| format!("did you mean `vars.{meant}`?"));
                self.error(codes::UNKNOWN_VAR, span, format!("`vars` learns no `{key}`"), help);
            }
            return is_known;
        }
        if !roots.contains(&reference.root) {
            let list = roots.iter().map(|root| format!("`{}`", root.name())).collect::<Vec<_>>().join(", ");
            let help = if list.is_empty() { "it is plain text".to_owned() } else { format!("there are {list}") };
            self.error(codes::UNKNOWN_ROOT, span, format!("`{name}` is not known at this place"), Some(help));
            return false;
        }
        let setting = match (reference.root, reference.path.first()) {
            (Root::Config | Root::Secret, Some(template::Step::Key(key))) => key.clone(),
            (Root::Config | Root::Secret, _) => String::new(),
            _ => return true,
        };
        let is_secret = reference.root == Root::Secret;
        let is_right = self.settings.iter().any(|(known, secret)| *known == setting && *secret == is_secret);
        if !is_right {
            let of_kind = self.settings.iter().filter(|(_, secret)| *secret == is_secret).map(|(known, _)| &**known);
            let help = did_you_mean(&setting, of_kind).map(|meant| format!("did you mean `{name}.{meant}`?"));
            let message = match is_secret {
                true => format!("`config` declares no secret `{setting}`"),
                false => format!("`config` declares no setting `{setting}` that may be shown"),
            };
            self.error(codes::UNKNOWN_SETTING, span, message, help);
        }
        is_right
    }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}
