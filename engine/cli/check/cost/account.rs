//! One connection's budgets, and what flows take of them.

use flow::project::Shares;
use runtime::budgets::Caps;
use sdk::{ConnectionName, FlowId, Limit};

use super::amount::Range;
use super::estimate::FlowCost;

const DAY: f64 = 86_400.0;

/// A connection of which budgets are known.
#[derive(Clone, Debug)]
pub struct Account {
    /// The connection.
    pub name: ConnectionName,
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

impl Account {
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
