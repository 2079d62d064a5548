//! The closing account of a flow: every record that was read, and what became of it.
//!
//! It is taken from the store, not from counters in memory, so it says what a person would find there.

use std::collections::BTreeMap;

use sdk::FlowId;
use serde_json::{Value as Json, json};
use store::{RunState, Store};

use crate::Failure;
use crate::tables::{self, count, cuttable, number, text};

/// One flow's account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The flow's name.
    pub flow: String,
    /// Fresh records read.
    pub records: u64,
    /// Of those, refused by the trigger, or stamped before the flow's start.
    pub left_out: u64,
    /// Of those, stamped before the flow's start.
    pub before_start: u64,
    /// Runs that an operator asked for, beside those that its records caused.
    pub asked: u64,
    /// Runs that its times started, where it walks no records.
    pub scheduled: u64,
    /// Runs by state.
    pub runs: BTreeMap<RunState, u64>,
}

impl Account {
    /// The account of one flow as the store has it.
    pub async fn read(store: &Store, flow: &FlowId) -> Result<Self, Failure> {
        let sources = store.cursors(flow).await?;
        let states = store.flow_states().await?;
        let walks = store.schedule(flow).await?.map(|schedule| schedule.tally).unwrap_or_default();
        let before_start = sources.iter().map(|source| source.tally.before_start).sum();
        Ok(Self {
            flow: flow.to_string(),
            asked: states.iter().find(|row| row.flow == *flow).map_or(0, |row| row.asked),
            records: walks.records + sources.iter().map(|source| source.tally.records).sum::<u64>(),
            left_out: walks.filtered + before_start + sources.iter().map(|source| source.tally.filtered).sum::<u64>(),
            before_start,
            scheduled: walks.started,
            runs: store.counts_by_state(flow).await?.into_iter().collect(),
        })
    }

    /// Runs in any of these states.
    pub fn in_states(&self, states: &[RunState]) -> u64 {
        states.iter().filter_map(|state| self.runs.get(state)).sum()
    }

    /// Runs that are not at their end.
    pub fn open(&self) -> u64 {
        self.runs.iter().filter(|(state, _)| !state.is_end()).map(|(_, n)| n).sum()
    }

    /// Runs that are.
    pub fn ended(&self) -> u64 {
        self.runs.values().sum::<u64>() - self.open()
    }

    /// Runs that gave up, or whose write nobody can vouch for.
    pub fn failed(&self) -> u64 {
        self.in_states(&[RunState::Failed, RunState::Unknown])
    }

    /// Records without an outcome: read, and neither left out nor in a run that has ended.
    pub fn missing(&self) -> u64 {
        (self.records + self.asked + self.scheduled).abs_diff(self.left_out + self.ended())
    }

    /// What has come since an earlier account of the same flow.
    fn since(&self, before: &Self) -> Self {
        let runs = self.runs.iter().map(|(state, n)| (*state, n.saturating_sub(before.in_states(&[*state]))));
        Self {
            flow: self.flow.clone(),
            records: self.records.saturating_sub(before.records),
            left_out: self.left_out.saturating_sub(before.left_out),
            before_start: self.before_start.saturating_sub(before.before_start),
            asked: self.asked.saturating_sub(before.asked),
            scheduled: self.scheduled.saturating_sub(before.scheduled),
            runs: runs.filter(|(_, n)| *n > 0).collect(),
        }
    }

    /// What it has counted, under names that stay. Every state in which a run ends is there, so that a script need not
    /// ask.
    fn json(&self) -> Json {
        let ends = RunState::ALL.iter().filter(|state| state.is_end());
        json!({
            "records": self.records,
            "left_out": self.left_out,
            "before_start": self.before_start,
            "asked": self.asked,
            "scheduled": self.scheduled,
            "ended": ends.map(|state| (state.word().to_owned(), Json::from(self.in_states(&[*state])))).collect::<Json>(),
        })
    }

    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.left_out += other.left_out;
        self.before_start += other.before_start;
        self.asked += other.asked;
        self.scheduled += other.scheduled;
        for (state, n) in &other.runs {
            *self.runs.entry(*state).or_default() += n;
        }
    }
}

/// All of them together.
pub fn total(accounts: &[Account]) -> Account {
    let mut total = Account { flow: "total".to_owned(), ..Account::default() };
    for account in accounts {
        total.add(account);
    }
    total
}

/// Fails where any record that was read has no outcome.
pub fn balance(accounts: &[Account], help: String) -> Result<(), Failure> {
    // Flow by flow: one flow's surplus must not hide another's gap.
    let missing: u64 = accounts.iter().map(Account::missing).sum();
    if missing == 0 {
        return Ok(());
    }
    Err(Failure::DoesNotAddUp { missing, records: total(accounts).records, help })
}

/// What one pass did, where earlier ones left something: a table of it, and what it makes together with them.
pub fn pass(before: &[Account], after: &[Account]) -> String {
    let all = total(after);
    if total(before).records + total(before).ended() == 0 {
        return table(after);
    }
    let done: Vec<Account> = after.iter().map(|account| account.since(&earlier(before, account))).collect();
    let missing: Vec<u64> = after.iter().map(Account::missing).collect();
    let ended = [
        ("left out", all.left_out),
        ("succeeded", all.in_states(&[RunState::Succeeded])),
        ("skipped", all.in_states(&[RunState::Skipped])),
        ("failed", all.in_states(&[RunState::Failed])),
        ("unknown", all.in_states(&[RunState::Unknown])),
    ];
    let ended: Vec<String> =
        ended.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{} {what}", count(*n))).collect();
    let outcome = if ended.is_empty() { String::new() } else { format!(": {}", ended.join(", ")) };
    let with_earlier = format!("With earlier passes: {}{outcome}.", tables::counted(all.records, "record"));
    format!("{}{}", table_of(&done, &missing), tables::wrapped("", &with_earlier))
}

/// The same for programs, flow by flow; what is open, and what is missing, is so now.
pub fn pass_json(before: &[Account], after: &[Account]) -> Json {
    let flow = |account: &Account| {
        json!({
            "flow": account.flow,
            "pass": account.since(&earlier(before, account)).json(),
            "with_earlier": account.json(),
            "open": account.open(),
            "missing": account.missing(),
        })
    };
    json!({ "flows": after.iter().map(flow).collect::<Vec<_>>() })
}

/// The same flow's account as it stood before.
fn earlier(before: &[Account], account: &Account) -> Account {
    before.iter().find(|one| one.flow == account.flow).cloned().unwrap_or_default()
}

/// The closing table. Columns that are zero throughout are left out, unless they carry the sum.
pub fn table(accounts: &[Account]) -> String {
    table_of(accounts, &accounts.iter().map(Account::missing).collect::<Vec<_>>())
}

/// The same, with what each of them lacks.
fn table_of(accounts: &[Account], missing: &[u64]) -> String {
    type Take = fn(&Account) -> u64;
    let optional: [(&'static str, Take); 6] = [
        ("scheduled", |account| account.scheduled),
        ("asked for", |account| account.asked),
        ("superseded", |account| account.in_states(&[RunState::Superseded])),
        ("cancelled", |account| account.in_states(&[RunState::Cancelled])),
        ("unknown", |account| account.in_states(&[RunState::Unknown])),
        ("open", Account::open),
    ];
    let mut takes: Vec<(&'static str, Take)> = vec![
        ("records", |account| account.records),
        ("left out", |account| account.left_out),
        ("succeeded", |account| account.in_states(&[RunState::Succeeded])),
        ("skipped", |account| account.in_states(&[RunState::Skipped])),
        ("failed", |account| account.in_states(&[RunState::Failed])),
    ];
    takes.extend(optional.into_iter().filter(|(_, take)| accounts.iter().any(|account| take(account) > 0)));
    let row = |account: &Account, missing: u64| {
        let verdict = if missing == 0 { "✓".to_owned() } else { format!("✗ {} off", count(missing)) };
        let numbers = takes.iter().map(|(_, take)| count(take(account)));
        [account.flow.clone()].into_iter().chain(numbers).chain([verdict]).collect::<Vec<_>>()
    };
    let columns: Vec<_> = [cuttable("flow")]
        .into_iter()
        .chain(takes.iter().map(|(title, _)| number(title)))
        .chain([text("adds up")])
        .collect();
    let rows = accounts.iter().zip(missing).map(|(account, missing)| row(account, *missing)).collect();
    tables::table(&columns, rows, (accounts.len() > 1).then(|| row(&total(accounts), missing.iter().sum())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Status;

    fn account(records: u64, left_out: u64, runs: &[(RunState, u64)]) -> Account {
        Account {
            flow: "a".to_owned(),
            records,
            left_out,
            before_start: 0,
            asked: 0,
            scheduled: 0,
            runs: runs.iter().copied().collect(),
        }
    }

    #[test]
    fn every_record_needs_an_outcome() {
        let even = account(10, 3, &[(RunState::Succeeded, 5), (RunState::Failed, 1), (RunState::Skipped, 1)]);
        assert_eq!(even.missing(), 0);
        assert!(balance(std::slice::from_ref(&even), String::new()).is_ok());
        let open = account(10, 3, &[(RunState::Succeeded, 6), (RunState::Pending, 1)]);
        assert_eq!(open.missing(), 1, "a run that waits is no outcome");
        let lost = account(10, 3, &[(RunState::Succeeded, 6)]);
        let doubled = account(10, 3, &[(RunState::Succeeded, 8)]);
        let failure = balance(&[lost, doubled], String::new()).expect_err("one lost, one doubled");
        assert_eq!(failure.status(), Status::DoesNotAddUp);
    }

    #[test]
    fn a_pass_is_told_apart_from_those_before_it() {
        let first = account(100, 0, &[(RunState::Succeeded, 94), (RunState::Failed, 6)]);
        let plain = |text: &str| anstream::adapter::strip_str(text).to_string();
        let told = plain(&pass(&[account(0, 0, &[])], std::slice::from_ref(&first)));
        assert!(told.contains("100") && !told.contains("earlier"), "{told}");
        let told = plain(&pass(std::slice::from_ref(&first), std::slice::from_ref(&first)));
        let row: Vec<&str> = told.lines().nth(3).unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["a", "0", "0", "0", "0", "0", "✓"], "{told}");
        assert!(told.ends_with("With earlier passes: 100 records: 94 succeeded, 6 failed.\n"), "{told}");
        let next = account(103, 0, &[(RunState::Succeeded, 97), (RunState::Failed, 6)]);
        assert!(plain(&pass(&[first], &[next])).lines().nth(3).is_some_and(|row| row.contains('3')));
    }

    /// Nine writes of which nobody knows whether they were applied were told as nine that failed.
    #[test]
    fn what_nobody_knows_is_not_told_as_failed() {
        let first = account(9, 0, &[(RunState::Unknown, 9)]);
        let told = pass(std::slice::from_ref(&first), std::slice::from_ref(&first));
        assert!(told.ends_with("With earlier passes: 9 records: 9 unknown.\n"), "{told}");
    }

    #[test]
    fn programs_read_this_pass_and_all_of_them() {
        let first = Account { before_start: 2, ..account(10, 3, &[(RunState::Succeeded, 6), (RunState::Failed, 1)]) };
        let next = Account { before_start: 2, ..account(14, 4, &[(RunState::Succeeded, 8), (RunState::Failed, 1)]) };
        let told = pass_json(&[first], &[next]);
        let flow = &told["flows"][0];
        assert_eq!((&flow["flow"], &flow["open"], &flow["missing"]), (&"a".into(), &0.into(), &1.into()));
        let pass = json!({
            "records": 4, "left_out": 1, "before_start": 0, "asked": 0, "scheduled": 0,
            "ended": {"succeeded": 2, "failed": 0, "skipped": 0, "superseded": 0, "unknown": 0, "cancelled": 0},
        });
        assert_eq!(flow["pass"], pass);
        let all = &flow["with_earlier"];
        assert_eq!((&all["records"], &all["before_start"]), (&14.into(), &2.into()));
        assert_eq!((&all["ended"]["succeeded"], &all["ended"]["failed"]), (&8.into(), &1.into()));
    }

    #[test]
    fn the_table_shows_what_is_off() {
        let shown = table(&[account(10, 3, &[(RunState::Succeeded, 6)]), account(2, 0, &[(RunState::Unknown, 2)])]);
        let shown = anstream::adapter::strip_str(&shown).to_string();
        assert!(shown.contains("✗ 1 off") && shown.contains("unknown") && !shown.contains("cancelled"), "{shown}");
        assert!(shown.contains("total"), "{shown}");
    }
}
