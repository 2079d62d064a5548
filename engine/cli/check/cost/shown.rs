//! Costs, as people and programs read them.

use sdk::{ConnectionName, FlowId, Limit};
use serde_json::{Value as Json, json};

use super::Costs;
use super::account::{Account, Drawn, Part};
use super::amount::{Amount, Range};
use super::estimate::FlowCost;
use crate::durations;
use crate::tables::{self, count, counted};

/// So many records the cost of records is told for.
const RECORDS: f64 = 1_000.0;

/// For people: a table for each connection, and what the numbers stand on.
pub fn text(costs: &Costs, is_wanted: &dyn Fn(&FlowId) -> bool, records_per_day: Option<u64>) -> String {
    let mut out = String::new();
    for account in &costs.accounts {
        out.push_str(&of_account(costs, account, is_wanted));
        out.push('\n');
    }
    if costs.accounts.is_empty() {
        out.push_str("No flow asks anything of a service of which budgets are known.\n");
    }
    let wanted = || costs.flows.iter().filter(|cost| is_wanted(&cost.flow));
    for (cost, note) in wanted().flat_map(|cost| cost.notes.iter().map(move |note| (cost, note))) {
        out.push_str(&tables::wrapped("", &format!("`{}`: {note}.", cost.flow)));
    }
    for connections in costs.perhaps_one() {
        let names = names(connections.into_iter());
        let note = "Their credentials come from different places. If they belong to one account, its budgets are one as well, and these shares add up.";
        out.push_str(&tables::wrapped("", &format!("{names} are counted apart. {note}")));
    }
    if !costs.unlimited.is_empty() {
        let names = names(costs.unlimited.iter());
        out.push_str(&tables::wrapped("", &format!("Nothing is known of budgets of {names}, and nothing counted.")));
    }
    out.push_str(&tables::wrapped("", &basis(costs, records_per_day)));
    out
}

/// What the numbers stand on.
fn basis(costs: &Costs, records_per_day: Option<u64>) -> String {
    let measured: Vec<String> = costs
        .flows
        .iter()
        .filter(|cost| cost.is_measured)
        .map(|cost| format!("`{}` ({} runs a day)", cost.flow, number(cost.runs_per_day.unwrap_or_default())))
        .collect();
    match (records_per_day, measured.is_empty()) {
        (Some(n), _) => format!(
            "Estimated for {} that match each flow in a day. Starts, and what is tried again, come on top.",
            counted(n, "record")
        ),
        (None, true) => {
            "Estimated; how many records will match is not known, so days and shares count the looks for them \
            alone: `--records-per-day N` says it. Starts, and what is tried again, come on top."
                .to_owned()
        }
        (None, false) => format!(
            "Measured over the last days: {}. The rest is estimated. Starts, and what is tried again, come on top.",
            measured.join(", ")
        ),
    }
}

fn of_account(costs: &Costs, account: &Account, is_wanted: &dyn Fn(&FlowId) -> bool) -> String {
    let columns = [
        tables::cuttable("flow"),
        tables::spare_number("a day, looking"),
        tables::number("per 1,000 records"),
        tables::number("a day, all"),
        tables::number("of the budget"),
        tables::spare_number("such flows"),
    ];
    let (shown, others): (Vec<&Drawn>, Vec<&Drawn>) = account.flows.iter().partition(|drawn| is_wanted(&drawn.flow));
    let mut rows: Vec<Vec<String>> = shown.iter().map(|drawn| row(costs, account, drawn)).collect();
    if !others.is_empty() {
        let sum = |of: fn(&Drawn) -> &Range| others.iter().fold(Range::default(), |sum, one| sum.and(of(one)));
        let (looking, all) = (sum(|one| &one.by_itself), sum(|one| &one.per_day));
        let name = format!("({})", counted(others.len() as u64, "other flow"));
        rows.push(vec![name, requests(&looking), String::new(), requests(&all), share(account, &all), String::new()]);
    }
    let all = account.per_day();
    let looking = account.flows.iter().fold(Range::default(), |sum, drawn| sum.and(&drawn.by_itself));
    let total =
        vec!["all".to_owned(), requests(&looking), String::new(), requests(&all), share(account, &all), String::new()];
    let total = (account.flows.len() > 1).then_some(total);
    let mut out = format!("{}\n{}", heading(account), tables::table(&columns, rows, total));
    for limit in &account.limits {
        let part = Account::part(limit, &all);
        if part.most > 0.0 {
            let cap = account.caps.percent_of(&limit.name);
            let cap = if cap < 100 { format!(", of which this project may use {cap} %") } else { String::new() };
            let used = format!("{} of {}{cap}", part_text(part), size(limit));
            out.push_str(&tables::wrapped(&format!("  {}: ", limit.name), &used));
        }
    }
    out
}

fn heading(account: &Account) -> String {
    let tier = match (&account.tier, account.has_tiers) {
        (Some(tier), _) => format!(", tier {tier}"),
        (None, true) => ", tier not known here, taken for the smallest".to_owned(),
        (None, false) => String::new(),
    };
    let several = if account.others.is_empty() { "" } else { ", one account" };
    let names: Vec<&str> = account.names().map(ConnectionName::as_str).collect();
    format!("{} ({}{several}{tier})", tables::strong(&names.join(", ")), account.connector)
}

/// `` `crm`, `crm-eu` ``
pub fn names<'n>(names: impl Iterator<Item = &'n ConnectionName>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn row(costs: &Costs, account: &Account, drawn: &Drawn) -> Vec<String> {
    let cost = costs.flows.iter().find(|cost| cost.flow == drawn.flow);
    let is_known = cost.is_some_and(|cost| cost.runs_per_day.is_some());
    vec![
        drawn.flow.to_string(),
        requests(&drawn.by_itself),
        requests(&drawn.per_run.times(RECORDS, RECORDS)),
        if is_known || drawn.per_run == Range::default() { requests(&drawn.per_day) } else { "not known".to_owned() },
        share(account, &drawn.per_day),
        such_flows(account, &drawn.per_day).map(count).unwrap_or_default(),
    ]
}

/// How many flows that ask as much would use the whole budget up.
fn such_flows(account: &Account, per_day: &Range) -> Option<u64> {
    let (_, part) = account.tightest(per_day)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number of flows, none of them negative"
    )]
    let n = (100.0 / part.most).floor() as u64;
    Some(n)
}

fn share(account: &Account, per_day: &Range) -> String {
    match account.tightest(per_day) {
        Some((limit, part)) => format!("{} of {}", part_text(part), limit.name),
        None => String::new(),
    }
}

/// `250,000 a day`, `5 in 1 s`.
fn size(limit: &Limit) -> String {
    match limit.per.as_secs() {
        86_400 => format!("{} a day", count(limit.max)),
        _ => format!("{} in {}", count(limit.max), durations::short(limit.per)),
    }
}

fn requests(range: &Range) -> String {
    span(range.least.requests, range.most.requests, number)
}

fn part_text(part: Part) -> String {
    let (least, most) = (percent(part.least), percent(part.most));
    let number = least.trim_end_matches(" %");
    if least == most { most } else { format!("{number} – {most}") }
}

/// `288 – 5,760`, or one number where both are the same.
fn span(least: f64, most: f64, shown: fn(f64) -> String) -> String {
    let (least, most) = (shown(least), shown(most));
    if least == most { most } else { format!("{least} – {most}") }
}

/// A number as people round it: `5,760`, `0.3`.
fn number(value: f64) -> String {
    if value > 0.0 && value < 10.0 && value.fract() > 0.01 {
        return format!("{value:.1}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and never negative")]
    count(value.round() as u64)
}

/// A share as people round it: `2.3 %`, `40 %`, `less than 0.1 %`.
pub fn percent(value: f64) -> String {
    match value {
        value if value <= 0.0 => "0 %".to_owned(),
        value if value < 0.1 => "less than 0.1 %".to_owned(),
        value if value < 10.0 => format!("{value:.1} %"),
        value => format!("{value:.0} %"),
    }
}

/// For programs.
pub fn json(costs: &Costs, is_wanted: &dyn Fn(&FlowId) -> bool, diagnostics: Json) -> Json {
    let flows = costs.flows.iter().filter(|cost| is_wanted(&cost.flow)).map(|cost| flow_json(costs, cost));
    let accounts = costs.accounts.iter().map(|account| {
        let all = account.per_day();
        let limits = account.limits.iter().map(|limit| {
            json!({
                "name": limit.name,
                "max": limit.max,
                "per_seconds": limit.per.as_secs_f64(),
                "allowed_percent": account.caps.percent_of(&limit.name),
                "taken_percent": part_json(Account::part(limit, &all)),
            })
        });
        json!({
            "connection": account.name,
            "same_account": account.others,
            "connector": account.connector,
            "tier": account.tier,
            "limits": limits.collect::<Json>(),
            "per_day": range_json(&all),
        })
    });
    json!({
        "flows": flows.collect::<Json>(),
        "connections": accounts.collect::<Json>(),
        "without_budgets": costs.unlimited,
        "perhaps_one_account": costs.perhaps_one(),
        "diagnostics": diagnostics,
    })
}

fn flow_json(costs: &Costs, cost: &FlowCost) -> Json {
    let drawn = costs.accounts.iter().filter_map(|account| {
        let drawn = account.flows.iter().find(|drawn| drawn.flow == cost.flow)?;
        let tightest = account.tightest(&drawn.per_day);
        Some(json!({
            "connection": account.name,
            "looking_per_day": range_json(&drawn.by_itself),
            "per_record": range_json(&drawn.per_run),
            "per_day": range_json(&drawn.per_day),
            "tightest": tightest.map(|(limit, part)| json!({"limit": limit.name, "percent": part_json(part)})),
            "such_flows": such_flows(account, &drawn.per_day),
        }))
    });
    json!({
        "flow": cost.flow,
        "runs_per_day": cost.runs_per_day,
        "basis": if cost.is_measured { "measured" } else { "estimated" },
        "is_called": cost.is_called,
        "notes": cost.notes,
        "connections": drawn.collect::<Json>(),
    })
}

fn range_json(range: &Range) -> Json {
    json!({"least": amount_json(&range.least), "most": amount_json(&range.most)})
}

fn amount_json(amount: &Amount) -> Json {
    json!({"requests": amount.requests, "units": amount.units})
}

fn part_json(part: Part) -> Json {
    json!({"least": part.least, "most": part.most})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_as_people_do() {
        assert_eq!([0.0, 0.3, 4.0, 5_760.4].map(number), ["0", "0.3", "4", "5,760"]);
        assert_eq!([0.0, 0.04, 2.304, 46.08].map(percent), ["0 %", "less than 0.1 %", "2.3 %", "46 %"]);
        assert_eq!(span(288.0, 5_760.0, number), "288 – 5,760");
        assert_eq!(span(7.0, 7.0, number), "7");
    }
}
