//! `let`: names for values, each seeing those before it.

use flow::{Step, Template};
use sdk::{Fields, Value};

use super::{Halt, Interpreter};

impl Interpreter<'_> {
    pub(super) async fn name_values(&mut self, step: &Step, names: &[(String, Template)]) -> Result<Value, Halt> {
        let names = names.to_vec();
        let values = self
            .compute(step, move |scope| {
                let mut values = Fields::new();
                for (name, template) in names {
                    let value = template.evaluate(scope)?;
                    scope.set(&name, &value);
                    values.insert(name, value);
                }
                Ok(values)
            })
            .await?;
        Ok(Value::Map(values))
    }
}
