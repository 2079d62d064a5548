//! `let`: names for values, each seeing those before it.

use flow::{Step, Template};

use super::{Halt, Interpreter};

impl Interpreter<'_> {
    pub(super) async fn name_values(&mut self, step: &Step, names: &[(String, Template)]) -> Result<(), Halt> {
        let names = names.to_vec();
        self.compute(step, move |scope| {
            for (name, template) in &names {
                let value = template.evaluate(scope)?;
                scope.set(name, &value);
            }
            Ok(())
        })
        .await
    }
}
