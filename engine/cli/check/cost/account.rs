//! One account's budgets, and what flows take of them, through however many connections.

use std::collections::BTreeMap;

use flow::project::{ConnectionDefinition, SettingText, Shares};
use runtime::budgets::Caps;
use sdk::{ConnectionName, FlowId, Limit, Setting, SettingKind};

use super::amount::Range;
use super::estimate::FlowCost;

const DAY: f64 = 86_400.0;

/// An account of which budgets are known.
#[derive(Clone, Debug)]
pub struct Account {
    /// The connection, or the first of those that are one account.
    pub name: ConnectionName,
    /// The others of them.
    pub others: Vec<ConnectionName>,
    /// By what the files tell it from other accounts.
    pub identity: Identity,
    /// Its connector.
    pub connector: String,
    /// Its tier, where its service has several; none where it is kept elsewhere, or not said.
    pub tier: Option<String>,
    /// Whether its service has several tiers.
    pub has_tiers: bool,
    /// Its budgets, whole.
    pub limits: Vec<Limit>,
    /// How much of them the project may use.
    pub caps: Caps,
    /// What flows ask of it.
    pub flows: Vec<Drawn>,
}

/// What tells an account from others of its connector, as far as files do: the same secrets from the same places, sent
/// to the same address, belong to one account. Other ones may do so, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    connector: String,
    address: Option<Written>,
    secrets: BTreeMap<String, Written>,
}

/// What stands for a setting, wherever it stands.
#[derive(Clone, PartialEq, Eq)]
enum Written {
    Plain(String),
    Variable(String),
    File(String),
}

impl std::fmt::Debug for Written {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // It may be a secret.
            Self::Plain(_) => out.write_str("plain text"),
            Self::Variable(name) => write!(out, "env.{name}"),
            Self::File(path) => write!(out, "file({path:?})"),
        }
    }
}

/// What one flow asks of one connection.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The flow.
    pub flow: FlowId,
    /// In a day, without a record.
    pub by_itself: Range,
    /// In one run.
    pub per_run: Range,
    /// In a day, as far as it is known how many runs there are.
    pub per_day: Range,
}

/// A part of a budget, in percent, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// At least.
    pub least: f64,
    /// At most.
    pub most: f64,
}

impl Identity {
    /// What the files say of a connection, whose connector declares these settings.
    pub fn of(definition: &ConnectionDefinition, declared: &[Setting]) -> Self {
        let written = |text: &SettingText| match text {
            SettingText::Plain { text, .. } => Written::Plain(text.clone()),
            SettingText::Environment { variable, .. } => Written::Variable(variable.clone()),
            SettingText::File { path, .. } => Written::File(path.clone()),
        };
        let is_secret =
            |name: &str| declared.iter().any(|setting| setting.name == name && setting.kind == SettingKind::Secret);
        let settings = || definition.settings.iter().map(|(key, text)| (key.name.as_str(), written(text)));
        Self {
            connector: definition.connector.value.clone(),
            address: settings().find(|(name, _)| *name == "base_url").map(|(_, text)| text),
            secrets: settings()
                .filter(|(name, _)| is_secret(name))
                .map(|(name, text)| (name.to_owned(), text))
                .collect(),
        }
    }

    /// Whether it is certainly the same account: without a secret, nothing says whose it is.
    pub fn is(&self, other: &Self) -> bool {
        self == other && !self.secrets.is_empty()
    }

    /// Whether it may be the same one, which only its service knows.
    pub fn may_be(&self, other: &Self) -> bool {
        let have_secrets = !self.secrets.is_empty() && !other.secrets.is_empty();
        self.connector == other.connector && self.address == other.address && self != other && have_secrets
    }
}

impl Account {
    /// All connections that are this account.
    pub fn names(&self) -> impl Iterator<Item = &ConnectionName> {
        std::iter::once(&self.name).chain(&self.others)
    }

    /// Takes in what flows ask through another connection to the same account.
    pub fn join(&mut self, name: &ConnectionName, drawn: Vec<Drawn>) {
        self.others.push(name.clone());
        for more in drawn {
            match self.flows.iter_mut().find(|known| known.flow == more.flow) {
                Some(known) => {
                    known.by_itself = known.by_itself.and(&more.by_itself);
                    known.per_run = known.per_run.and(&more.per_run);
                    known.per_day = known.per_day.and(&more.per_day);
                }
                None => self.flows.push(more),
            }
        }
    }

    /// Every flow that asks anything of this connection.
    pub fn drawn(name: &ConnectionName, costs: &[FlowCost]) -> Vec<Drawn> {
        let of_one = |cost: &FlowCost| Drawn {
            flow: cost.flow.clone(),
            by_itself: cost.by_itself.at(name),
            per_run: cost.per_run.at(name),
            per_day: cost.per_day().at(name),
        };
        let asks = |drawn: &Drawn| drawn.by_itself.most.requests + drawn.per_run.most.requests > 0.0;
        costs.iter().map(of_one).filter(asks).collect()
    }

    /// What all flows ask in a day.
    pub fn per_day(&self) -> Range {
        self.flows.iter().fold(Range::default(), |sum, drawn| sum.and(&drawn.per_day))
    }

    /// The part of a budget that this takes, asked evenly over a day.
    #[expect(clippy::cast_precision_loss, reason = "no budget is so large")]
    pub fn part(limit: &Limit, per_day: &Range) -> Part {
        let whole = limit.max as f64 * DAY / limit.per.as_secs_f64().max(0.001);
        let part = |units: f64| units / whole * 100.0;
        Part { least: part(per_day.least.of(&limit.name)), most: part(per_day.most.of(&limit.name)) }
    }

    /// The budget of which this takes the largest part, if it takes any.
    pub fn tightest(&self, per_day: &Range) -> Option<(&Limit, Part)> {
        let parts = self.limits.iter().map(|limit| (limit, Self::part(limit, per_day)));
        parts.filter(|(_, part)| part.most > 0.0).max_by(|left, right| left.1.most.total_cmp(&right.1.most))
    }

    /// The budgets of which more is taken than these shares allow.
    pub fn beyond<'a>(&'a self, shares: &'a Shares) -> impl Iterator<Item = (&'a Limit, Part, u8)> {
        let per_day = self.per_day();
        self.limits.iter().filter_map(move |limit| {
            let allowed = shares.of(&limit.name)?.value;
            let part = Self::part(limit, &per_day);
            (part.most > f64::from(allowed)).then_some((limit, part, allowed))
        })
    }
}
