//! A service's budgets, as its manifest declares them.

use std::collections::BTreeMap;
use std::time::Duration;

use sdk::{LimitScope, Observed, Response};
use serde_json::Value as Json;

use super::template::{Root, Scope, Template, plain_text};

/// A named budget.
#[derive(Debug)]
pub struct Limit {
    /// Its name in the manifest.
    pub name: String,
    /// Whose it is.
    pub scope: LimitScope,
    /// So many units.
    pub max: u64,
    /// In this time.
    pub per: Duration,
    /// Other maxima, by the connection's setting `tier`.
    pub tiers: BTreeMap<String, u64>,
    /// What polls leave to writes, in percent.
    pub reserve: u64,
    /// What the service says is left.
    pub(super) remaining: Option<Template>,
    /// In how many seconds it says that all is there again.
    pub(super) reset_in: Option<Template>,
}

impl Limit {
    /// How much there is for a connection of this tier.
    pub fn max_of(&self, tier: Option<&str>) -> u64 {
        tier.and_then(|tier| self.tiers.get(tier)).copied().unwrap_or(self.max)
    }

    /// As it is for a connection of this tier.
    pub(super) fn at(&self, tier: Option<&str>) -> sdk::Limit {
        let Self { name, scope, per, reserve, .. } = self;
        sdk::Limit { name: name.clone(), scope: *scope, max: self.max_of(tier), per: *per, reserve: *reserve }
    }

    /// Whether answers say anything of it.
    pub(super) fn is_observed(&self) -> bool {
        self.remaining.is_some()
    }

    /// What an answer says of it.
    pub fn observe(&self, response: &Response) -> Observed {
        let headers: Json =
            response.headers.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect();
        let reads_body = [&self.remaining, &self.reset_in]
            .into_iter()
            .flatten()
            .any(|template| template.references().any(|reference| reference.root == Root::Body));
        let body: Json = match reads_body {
            true => serde_json::from_slice(&response.body).unwrap_or_default(),
            false => Json::Null,
        };
        let scope = Scope::default().with(Root::Header, &headers).with(Root::Body, &body);
        let number = |template: &Option<Template>| plain_text(&template.as_ref()?.render(&scope))?.trim().parse().ok();
        Observed { remaining: number(&self.remaining), reset_in: number(&self.reset_in).map(Duration::from_secs) }
    }
}
