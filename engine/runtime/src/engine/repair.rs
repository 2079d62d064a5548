//! Runs that an operator repairs while the engine works.

use sdk::RunId;
use store::{Repair, Repaired, RepairedRun};

use super::Engine;

impl Engine {
    /// Repairs these runs in the store, asks those at work to stop that are cancelled, and lets the flows look for
    /// work. Answers what became of each, as JSON.
    pub(super) async fn repair(&mut self, runs: Vec<RunId>, repair: Repair) -> Result<String, String> {
        let now = self.parts.clock.now();
        let repaired = self.parts.store.repair(runs, repair, now).await.map_err(|error| error.to_string())?;
        sdk::faults::point("repair.kept");
        for run in &repaired.asked {
            // One that is not here ended its attempt after its wish was kept, which stopped it; or that end could not be
            // kept, and it stops as it is put back.
            if let Some(stop) = self.at_work.get(&run.run) {
                stop.ask();
            }
        }
        for run in &repaired.done {
            // Whoever mends a flow and repairs its runs wants them to go by what was mended.
            self.forget_version_of(&run.flow, run.run);
            self.moved(run);
        }
        // A run that was called may have callers in any flow.
        self.all_may_have_work();
        as_json(&repaired)
    }

    /// Counts the run where it is now.
    fn moved(&mut self, run: &RepairedRun) {
        if run.before == run.after {
            return;
        }
        if let Some(task) = self.flows.get_mut(&run.flow) {
            task.blocked_runs.remove(&run.run);
        }
        self.goes_on(&run.flow, run.run);
        if run.after.is_end() {
            // Its last attempt may have parked it and not have told so yet. That is over.
            self.at_work.remove(&run.run);
        }
        self.with_status(&run.flow, |status| {
            if run.before.is_end() {
                let n = status.ended.entry(run.before).or_default();
                *n = n.saturating_sub(1);
            }
            if run.after.is_end() {
                *status.ended.entry(run.after).or_default() += 1;
            }
        });
    }
}

fn as_json(repaired: &Repaired) -> Result<String, String> {
    serde_json::to_string(repaired).map_err(|error| error.to_string())
}
