//! `route`: the first rule that holds. Which it was is journaled, so that a run keeps its way.

use flow::{Rule, RuleQuestion, Step};
use sdk::Value;

use super::{Halt, Interpreter};

/// What is recorded where no rule holds.
const DEFAULT: &str = "default";

impl Interpreter<'_> {
    pub(super) async fn route(&mut self, step: &Step, rules: &[Rule], default: &[Step]) -> Result<Value, Halt> {
        let key = self.key(step);
        let taken = self.world.kept(&key).map(|name| name.to_text());
        // A rule that its author has taken away since is no way any more.
        let taken = taken.filter(|taken| taken == DEFAULT || rules.iter().any(|rule| rule.name == *taken));
        let name = match taken {
            Some(name) => name,
            None => {
                let name = self.first_that_holds(step, rules).await?;
                self.note(step, &format!("goes the way of `{name}`"));
                self.world.keep(&key, Value::from(name.as_str())).await?;
                name
            }
        };
        let names_before = self.scope().len();
        let steps = rules.iter().find(|rule| rule.name == name).map_or(default, |rule| rule.steps.as_slice());
        let result = self.steps(steps).await;
        self.scope().truncate(names_before);
        result
    }

    async fn first_that_holds(&mut self, step: &Step, rules: &[Rule]) -> Result<String, Halt> {
        for rule in rules {
            let holds = match rule.question.clone() {
                RuleQuestion::When(when) => self.compute(step, move |scope| when.ask(scope)).await?,
                RuleQuestion::Filter(filter) => {
                    self.compute(step, move |scope| filter.evaluate(scope)).await?.matches(&self.run.record)
                }
            };
            if holds {
                return Ok(rule.name.clone());
            }
        }
        Ok(DEFAULT.to_owned())
    }
}
