//! What flows cost, told before they run, and how a project bounds it.

use crate::project::{Project, offline};

const CONNECTIONS: &str = "\
crm: {connector: hubspot, token: \"${ env.HUBSPOT_TOKEN }\", tier: free}
warehouse: {connector: sqlite, path: warehouse.db}
";

const POLLED: &str = "\
flow: polled
connections: {crm: hubspot}
trigger: {poll: crm.contacts, on: new, every: 15s, start: now}
steps:
  - upsert: crm.contacts
    match: email
    mapping:
      email: email
      city: {from: city, policy: fill_if_empty}
  - run: notes
    with: {id: \"${ record.id }\"}
";

const CALLED: &str = "\
flow: notes
connections: {crm: hubspot}
trigger: {manual: {inputs: {id: {type: text, required: true}}}}
steps:
  - do: crm.add_to_list
    with: {list: \"7\", record: \"${ inputs.id }\"}
";

const ADAPTIVE: &str = "\
flow: adaptive
connections: {crm: hubspot, warehouse: sqlite}
trigger: {poll: crm.deals, on: new, every: {min: 30s, max: 5m}, start: now}
steps:
  - upsert: warehouse.deals
    match: id
    id: ${ record.id }
    set: {name: x}
";

fn project() -> Project {
    let project = offline();
    project.write("connections.yaml", CONNECTIONS);
    project.write("flows/people.yaml", POLLED);
    project.write("flows/called.yaml", CALLED);
    project.write("flows/adaptive.yaml", ADAPTIVE);
    project
}

#[test]
fn connections_of_one_account_are_counted_together() {
    let project = project();
    let eu = "crm-eu: {connector: hubspot, token: \"${ env.HUBSPOT_TOKEN }\", title: Another name for it}\n";
    project.write("connections.yaml", format!("{CONNECTIONS}{eu}"));
    project.write("flows/adaptive.yaml", ADAPTIVE.replace("crm", "crm-eu"));
    let json = project.run(&["check", "--cost", "--format", "json", "--records-per-day", "1000"]).json();
    let accounts = json["connections"].as_array().expect("accounts");
    assert_eq!((accounts.len(), &accounts[0]["same_account"]), (1, &serde_json::json!(["crm-eu"])));
    assert_eq!(accounts[0]["per_day"]["most"]["requests"], 9_765.0 + 2_885.0, "as through one connection");
    let said = project.run(&["check", "--cost"]).ok();
    assert!(said.contains("crm, crm-eu (hubspot, one account, tier free)"), "{said}");
    assert!(!said.contains("counted apart"), "{said}");
    // What one of its names may take, all of them take together.
    project.write("millrace.yaml", "cost:\n  crm-eu: {daily: 3%}\n");
    let said = project.run(&["check", "--cost"]).refused(1, &["P0202", "of the budget `daily` of `crm`, `crm-eu`"]);
    assert!(said.err.contains("3.5 %"), "{said:?}");
    project.write("millrace.yaml", "");

    project.write("connections.yaml", format!("{CONNECTIONS}{}", eu.replace("HUBSPOT_TOKEN", "OTHER_TOKEN")));
    let said = project.run(&["check", "--cost"]).ok();
    assert!(said.contains("`crm`, `crm-eu` are counted apart."), "{said}");
    let json = project.run(&["check", "--cost", "--format", "json"]).json();
    assert_eq!(json["perhaps_one_account"], serde_json::json!([["crm", "crm-eu"]]));
    let elsewhere = eu
        .replace("HUBSPOT_TOKEN", "OTHER_TOKEN")
        .replace("title: Another name for it", "base_url: https://other.example.com");
    project.write("connections.yaml", format!("{CONNECTIONS}{elsewhere}"));
    let said = project.run(&["check", "--cost"]).ok();
    assert!(!said.contains("counted apart") && !said.contains("one account"), "{said}");
}

#[test]
fn looks_records_and_shares_are_told_for_every_flow() {
    let project = project();
    let said = project.run(&["check", "--cost"]).ok();
    for part in ["5,760", "288 – 2,880", "3,000 – 4,000", "of 250,000 a day", "budgets of `warehouse`", "tier free"]
    {
        assert!(said.contains(part), "`{part}` is not said: {said}");
    }
    let json = project.run(&["check", "--cost", "--format", "json", "--records-per-day", "1000"]).json();
    let flow = |name: &str| {
        let found = json["flows"].as_array().expect("flows").iter().find(|flow| flow["flow"] == name);
        found.unwrap_or_else(|| panic!("{name}: {json}")).clone()
    };
    let polled = &flow("polled")["connections"][0];
    // Its sweep of a whole day reads five pages more.
    assert_eq!(polled["looking_per_day"]["most"]["requests"], 5_765.0);
    assert_eq!(polled["per_day"]["least"]["requests"], 8_765.0);
    assert_eq!(polled["per_day"]["most"]["requests"], 9_765.0);
    assert_eq!(polled["such_flows"], 25);
    assert_eq!((&flow("notes")["is_called"], &flow("notes")["runs_per_day"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(json["connections"][0]["per_day"]["most"]["requests"], 9_765.0 + 2_885.0);
}

#[test]
fn what_may_end_a_run_makes_the_rest_perhaps() {
    let project = project();
    let asked = || {
        let json = project.run(&["check", "--cost", "--format", "json", "adaptive"]).json();
        let per_record = &json["flows"][0]["connections"][0]["per_record"];
        [&per_record["least"]["requests"], &per_record["most"]["requests"]].map(|n| n.as_f64().expect("a number"))
    };
    let listed = "  - do: crm.add_to_list\n    with: {list: \"7\", record: \"1\"}\n";
    project.write("flows/adaptive.yaml", format!("{ADAPTIVE}{listed}"));
    assert_eq!(asked(), [1.0, 1.0]);
    let ambiguous = ADAPTIVE.replace("match: id\n    id: ${ record.id }", "match: name\n    ambiguous: skip");
    project.write("flows/adaptive.yaml", format!("{ambiguous}{listed}"));
    assert_eq!(asked(), [0.0, 1.0], "several of that name end the run as skipped");
    project.write(
        "flows/adaptive.yaml",
        format!("{ADAPTIVE}{listed}").replace("steps:", "when: record.amount > 1\nsteps:"),
    );
    assert_eq!(asked(), [0.0, 1.0], "where `when` is false no step is taken");
}

#[test]
fn a_flow_is_named_by_id_or_file_and_the_others_are_counted_with_it() {
    let project = project();
    for name in ["polled", "flows/people.yaml"] {
        let said = project.run(&["check", "--cost", name]).ok();
        assert!(said.contains("polled") && said.contains("(2 other flows)") && !said.contains("adaptive"), "{said}");
    }
    project.run(&["check", "--cost", "poled"]).refused(3, &["no flow `poled`", "did you mean `polled`"]);
}

#[test]
fn more_than_the_project_allows_fails_at_the_line_that_says_so() {
    let project = project();
    project.write("millrace.yaml", "cost: {crm: 10%}\nbudgets: {crm: {daily: 50%}}\n");
    let said = project.run(&["check", "--cost"]).ok();
    assert!(said.contains("of which this project may use 50 %"), "{said}");
    project.write("millrace.yaml", "cost:\n  crm: {daily: 3%}\n");
    project.run(&["check"]).ok();
    project.run(&["check", "--cost"]).refused(
        1,
        &["P0202", "millrace.yaml:2:16", "3.5 % of the budget `daily` of `crm`", "`polled` takes 2.3 % of it"],
    );
    let json = project.run(&["check", "--cost", "--format", "json"]);
    assert_eq!(json.status, 1);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("the answer is JSON");
    assert_eq!(json["diagnostics"][0]["code"], "P0202");
}

#[test]
fn shares_of_what_is_not_there_are_mistakes() {
    let project = project();
    for (text, parts) in [
        ("budgets: {crn: 50%}", ["P0201", "millrace.yaml:1:11"]),
        ("budgets: {crm: {hourly: 50%}}", ["P0201", "it has `burst`"]),
        ("cost: {warehouse: 50%}", ["P0201", "`warehouse` has no budgets"]),
        ("budgets: {crm: 50}", ["F0106", "millrace.yaml:1:16"]),
    ] {
        project.write("millrace.yaml", text);
        project.run(&["check"]).refused(1, &parts);
        let nothing = [parts[0], parts[1], "nothing was opened: 1 mistake in `millrace.yaml`"];
        project.run(&["up"]).refused(1, &nothing);
    }
}
