//! Every verb of a step through the real binary, once into SQLite and once into PostgreSQL: what is there afterwards,
//! and what the run says of itself.

use sandbox::hubspot::Fault;
use sdk::Method;
use serde_json::{Value as Json, json};

use crate::shop::Shop;

const EVERYBODY: &str = "SELECT email, name, city, score FROM people ORDER BY id";

#[tokio::test(flavor = "multi_thread")]
async fn a_create_makes_one_row_and_a_second_one_clashes() {
    let shop = Shop::open(0).await;
    let create = "  - create: warehouse.people
    set: {email: dan@x.co, name: Dan, city: Bonn, score: 7}
    as: made
  - stop: {return: '${ made }'}
";
    for ended in shop.run(create) {
        assert_eq!(ended.returned(), &json!({"id": "4", "created": true, "changed": true}));
        let write = &ended.run["writes"][0];
        assert_eq!(
            (&write["state"], &write["verb"], &write["target"]),
            (&"done".into(), &"create".into(), &"4".into())
        );
    }
    let once = shop.rows(EVERYBODY);
    assert_eq!(once[3], "dan@x.co|Dan|Bonn|7");
    for ended in shop.run(create) {
        ended.failed("conflict", &["`email`"]);
    }
    assert_eq!(shop.rows(EVERYBODY), once);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_it_names_and_finds_no_stranger() {
    let shop = Shop::open(0).await;
    let update = |id: &str| {
        format!(
            "  - update: warehouse.people\n    id: {id}\n    set: {{score: 8, name: null}}\n    as: it\n  - stop: {{return: '${{ it.changed }}'}}\n"
        )
    };
    shop.run(&update("2")).iter().for_each(|ended| assert_eq!(ended.returned(), true));
    assert_eq!(shop.rows(EVERYBODY)[1], "bob@x.co|-|Rome|8", "what it does not name stays");
    shop.run(&update("2")).iter().for_each(|ended| assert_eq!(ended.returned(), false, "it is so already"));
    shop.run(&update("99")).iter().for_each(|ended| ended.failed("not_found", &["99"]));
    shop.run(&update("'${ () }'")).iter().for_each(|ended| ended.failed("not_found", &["is empty"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_by_a_unique_field_creates_changes_and_leaves_alone() {
    let shop = Shop::open(0).await;
    let upsert = |name: &str, score: u8| {
        format!(
            "  - upsert: warehouse.people\n    match: email\n    set: {{email: eve@x.co, name: Eve, score: {score}}}\n    as: {name}\n"
        )
    };
    let back = "  - stop: {return: '${ [a.created, b.created, b.changed, c.changed, a.id == c.id] }'}\n";
    let steps = format!("{}{}{}{back}", upsert("a", 1), upsert("b", 2), upsert("c", 2));
    for ended in shop.run(&steps) {
        assert_eq!(ended.returned(), &json!([true, false, true, false, true]));
        let states: Vec<_> = ended.run["writes"].as_array().expect("writes").iter().map(|one| &one["state"]).collect();
        assert_eq!(states, ["done", "done", "unchanged"]);
    }
    assert_eq!(shop.rows(EVERYBODY)[3..], ["eve@x.co|Eve|-|2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_by_a_field_of_many_asks_what_to_do_about_several() {
    let shop = Shop::open(0).await;
    let upsert = |city: &str, ambiguous: &str| {
        format!(
            "  - upsert: warehouse.people\n    match: city\n    ambiguous: {ambiguous}\n    set: {{city: {city}, score: 9}}\n    as: it\n  - stop: {{return: '${{ it.created }}'}}\n"
        )
    };
    shop.run(&upsert("Oslo", "fail")).iter().for_each(|ended| assert_eq!(ended.returned(), false));
    shop.run(&upsert("Kiel", "fail")).iter().for_each(|ended| assert_eq!(ended.returned(), true));
    assert_eq!(shop.rows("SELECT city, score FROM people ORDER BY id"), ["Oslo|9", "Rome|2", "Rome|3", "Kiel|9"]);
    shop.run(&upsert("Rome", "fail")).iter().for_each(|ended| ended.failed("conflict", &["2", "3"]));
    for ended in shop.run(&upsert("Rome", "skip")) {
        ended.skipped("several rows of `people` have this `city`: 2, 3");
        assert_eq!(ended.run["writes"][0]["state"], "skipped");
    }
    assert_eq!(shop.rows("SELECT score FROM people WHERE city = 'Rome' ORDER BY id"), ["2", "3"]);
    shop.run(&upsert("Rome", "oldest")).iter().for_each(|ended| assert_eq!(ended.returned(), false));
    assert_eq!(shop.rows("SELECT score FROM people WHERE city = 'Rome' ORDER BY id"), ["9", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_by_id_creates_without_one_and_fails_for_a_strange_one() {
    let shop = Shop::open(0).await;
    let upsert = |id: &str| {
        format!(
            "  - upsert: warehouse.people\n    match: id\n    id: {id}\n    set: {{name: Fay}}\n    as: it\n  - stop: {{return: '${{ [it.id, it.created] }}'}}\n"
        )
    };
    shop.run(&upsert("'${ () }'")).iter().for_each(|ended| assert_eq!(ended.returned(), &json!(["4", true])));
    shop.run(&upsert("4")).iter().for_each(|ended| assert_eq!(ended.returned(), &json!(["4", false])));
    shop.run(&upsert("99")).iter().for_each(|ended| ended.failed("not_found", &["99"]));
    assert_eq!(shop.rows("SELECT id, name FROM people ORDER BY id")[3..], ["4|Fay"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_says_whether_there_was_anything() {
    let shop = Shop::open(0).await;
    let steps = "  - delete: warehouse.people
    id: 3
    as: one
  - delete: warehouse.people
    id: 99
    as: other
  - stop: {return: '${ [one.existed, other.existed] }'}
";
    shop.run(steps).iter().for_each(|ended| assert_eq!(ended.returned(), &json!([true, false])));
    assert_eq!(shop.rows("SELECT id FROM people ORDER BY id"), ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_find_gives_one_many_or_nothing() {
    let shop = Shop::open(0).await;
    let find = |city: &str, more: &str, back: &str| {
        format!(
            "  - find: warehouse.people\n    filter: {{city: {city}}}\n{more}    as: found\n  - stop: {{return: \"${{ {back} }}\"}}\n"
        )
    };
    let expect = |steps: String, expected: Json| {
        shop.run(&steps).iter().for_each(|ended| assert_eq!(ended.returned(), &expected));
    };
    expect(find("Oslo", "", "found?.email"), json!("ada@x.co"));
    expect(
        find("Rome", "    many: true\n    fields: [email]\n", "found.pluck('email')").replace('\'', "`"),
        json!(["bob@x.co", "cyd@x.co"]),
    );
    expect(find("Rome", "    many: true\n    fields: [email]\n    limit: 2\n", "found.len()"), json!(2));
    expect(find("Rome", "    ambiguous: first\n", "found?.email"), json!("bob@x.co"));
    expect(find("Kiel", "", "found == ()"), json!(true));
    expect(find("Kiel", "    many: true\n    fields: [email]\n", "found.len()"), json!(0));
    let by_id = "  - find: warehouse.people\n    id: 2\n    as: found\n  - stop: {return: '${ found?.score }'}\n";
    expect(by_id.to_owned(), json!(2));

    shop.run(&find("Kiel", "    none: fail\n", "found?.id")).iter().for_each(|ended| ended.failed("not_found", &[]));
    shop.run(&find("Kiel", "    none: skip\n", "found?.id")).iter().for_each(|ended| ended.skipped("people"));
    shop.run(&find("Rome", "", "found?.id")).iter().for_each(|ended| ended.failed("conflict", &["2", "3"]));
    shop.run(&find("Rome", "    ambiguous: skip\n", "found?.id")).iter().for_each(|ended| ended.skipped("3"));
    for ended in shop.run(&find("Rome", "    many: true\n    fields: [email]\n    limit: 1\n", "found.len()")) {
        ended.failed("invalid", &["raise `limit`"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_branches_choose_what_is_written() {
    let shop = Shop::open(0).await;
    let steps = "  - find: warehouse.people
    filter: {city: {in: [Oslo, Rome]}}
    many: true
    fields: [name]
    as: everybody
  - let: {total: '${ everybody.len() }', greeting: 'Hello ${ everybody[0].name }'}
  - if: total > 2
    then:
      - if: greeting.starts_with(\"Hello B\")
        then:
          - fail: the wrong one is first
        else:
          - update: warehouse.people
            id: '${ everybody[0].id }'
            set: {name: '${ greeting }'}
            name: greet
    else:
      - fail: some are missing
  - route:
      - when: total > 100
        steps: [{fail: too many}]
      - name: some
        filter: {total: {gt: 1}}
        steps:
          - update: warehouse.people
            id: 2
            set: {score: 77}
    default:
      - fail: no rule was for it
";
    let steps = steps.replace("        filter: {total: {gt: 1}}\n", "        when: total > 1\n");
    for ended in shop.run(&steps) {
        ended.returned();
        let log = ended.run["log"].to_string();
        assert!(log.contains("some"), "the rule that was chosen is noted: {log}");
    }
    assert_eq!(shop.rows("SELECT name, score FROM people ORDER BY id"), ["Hello Ada|1", "Bob|77", "-|3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_by_filter_looks_at_the_record_and_else_takes_the_default() {
    let shop = Shop::open(0).await;
    let flow = "trigger: {every: 1h, each: warehouse.people}
steps:
  - route:
      - name: romans
        filter: {city: Rome, score: {gte: 3}}
        steps:
          - update: warehouse.people
            id: ${ record.id }
            set: {name: Roman}
    default:
      - skip: elsewhere
";
    shop.write("walk", flow);
    for flow in ["walk-lite", "walk-pg"] {
        shop.project.run(&["run", flow, "--once"]).ok();
        let ended = &shop.status(flow)["ended"];
        assert_eq!((&ended["succeeded"], &ended["skipped"]), (&json!(1), &json!(2)), "{flow}");
    }
    assert_eq!(shop.rows("SELECT name FROM people ORDER BY id"), ["Ada", "Bob", "Roman"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_does_its_steps_for_every_item_and_refuses_too_many() {
    let shop = Shop::open(0).await;
    let each = |limit: usize| {
        format!(
            "  - each: '${{ [\"gil\", \"hal\", \"ivo\"] }}'
    item: who
    key: ${{ who }}
    limit: {limit}
    steps:
      - if: who != \"hal\"
        then:
          - create: warehouse.people
            set: {{email: '${{ who }}@x.co', name: '${{ who }}'}}
            as: made
        as: outcome
    as: all
  - stop: {{return: '${{ all.len() }}'}}
"
        )
    };
    shop.run(&each(2)).iter().for_each(|ended| ended.failed("invalid", &["3 items", "`limit` is 2"]));
    assert_eq!(shop.rows(EVERYBODY).len(), 3, "nothing was done for any of them");
    for ended in shop.run(&each(3)) {
        assert_eq!(ended.returned(), 3);
        let items: Vec<_> = ended.run["writes"].as_array().expect("writes").iter().map(|one| &one["item"]).collect();
        assert_eq!(items.len(), 2, "{items:?}");
    }
    assert_eq!(shop.rows("SELECT name FROM people WHERE id > 3 ORDER BY name"), ["gil", "ivo"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_stands_between_two_writes() {
    let shop = Shop::open(0).await;
    let steps = "  - update: warehouse.people
    id: 1
    set: {score: 10}
  - wait: 300ms
  - update: warehouse.people
    id: 2
    set: {score: '${ 20 }'}
    name: second
  - wait: '${ moment(\"2020-01-01T00:00:00Z\") }'
    name: long_ago
";
    for ended in shop.run(steps) {
        ended.returned();
        let sent = |at: usize| {
            ended.run["writes"][at]["first_sent_at"].as_str().and_then(sdk::Timestamp::parse).expect("a time")
        };
        assert!(sent(1).since(sent(0)).as_millis() >= 300, "{:#?}", ended.run);
        assert_eq!(ended.run["writes"][0]["attempts"], 1, "what was written before is not written again");
    }
    assert_eq!(shop.rows("SELECT score FROM people ORDER BY id"), ["10", "20", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_as_its_flow_says() {
    let shop = Shop::open(0).await;
    let ending = |step: &str| shop.run(&format!("  - let: {{who: Ada}}\n{step}  - fail: never reached\n"));
    ending("  - skip: not ${ who }\n").iter().for_each(|ended| ended.skipped("not Ada"));
    ending("  - stop:\n").iter().for_each(|ended| assert_eq!(ended.returned(), &Json::Null));
    for ended in ending("  - stop: {return: {who: '${ who }', list: [1, '${ 1 + 1 }']}}\n") {
        assert_eq!(ended.returned(), &json!({"who": "Ada", "list": [1, 2]}));
        assert!(ended.said.out.contains("returned {"), "{:?}", ended.said);
    }
    ending("  - fail: we lost ${ who }\n").iter().for_each(|ended| ended.failed("flow", &["we lost Ada"]));
    let failures = shop.project.run(&["failures", "list", "--format", "json"]).json();
    assert_eq!(failures.as_array().map(Vec::len), Some(2), "one for each database: {failures}");
    assert_eq!(shop.status("try-pg")["ended"], json!({"succeeded": 2, "failed": 1, "skipped": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_follows_its_policies() {
    let shop = Shop::open(0).await;
    // Bob is mapped onto Ada, who has a name and no other score than one; then Cyd, who has no name.
    let mapped = |from: u8, onto: u8| {
        format!(
            "  - find: warehouse.people
    id: {from}
    none: fail
    as: source_{from}
  - update: warehouse.people
    id: {onto}
    source: ${{ source_{from} }}
    mapping:
      name: {{from: name, policy: never_blank}}
      city: {{from: city, policy: fill_if_empty}}
      score: score
    name: map_{from}
"
        )
    };
    shop.run(&mapped(2, 1)).iter().for_each(|ended| _ = ended.returned());
    assert_eq!(shop.rows(EVERYBODY)[0], "ada@x.co|Bob|Oslo|2", "her city was not empty");
    shop.run(&mapped(3, 1)).iter().for_each(|ended| _ = ended.returned());
    assert_eq!(shop.rows(EVERYBODY)[0], "ada@x.co|Bob|Oslo|3", "a name is not blanked");
    let clear = "  - update: warehouse.people\n    id: 1\n    set: {city: null}\n";
    shop.run(&format!("{clear}{}", mapped(3, 1))).iter().for_each(|ended| _ = ended.returned());
    assert_eq!(shop.rows(EVERYBODY)[0], "ada@x.co|Bob|Rome|3", "an empty city is filled");
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_of_a_connector_are_done_at_the_service() {
    let shop = Shop::open(0).await;
    let now = sdk::Clock::now(&sdk::SystemClock);
    let (ada, acme) = shop.sandbox.change(|hubspot| {
        let mut made = |object: &str, value| hubspot.insert(object, now, &[value], now).expect("a record");
        (made("contacts", ("email", "ada@x.co")), made("companies", ("name", "Acme")))
    });
    let list = shop.sandbox.ask(
        Method::Post,
        "/crm/v3/lists",
        r#"{"name": "Guests", "objectTypeId": "0-1", "processingType": "MANUAL"}"#,
    );
    let list = list["list"]["listId"].as_str().expect("an id").to_owned();
    let steps = format!(
        "  - do: crm.associate
    with: {{from: contacts, from_id: \"{ada}\", to: companies, to_id: \"{acme}\"}}
  - do: crm.add_to_list
    with: {{list: \"{list}\", record: \"{ada}\"}}
    as: listed
  - do: crm.log_note
    with: {{object: contacts, record: \"{ada}\", body: 'Copied by ${{ flow.id }}', at: '${{ now }}'}}
    as: note
  - update: warehouse.people
    id: 1
    set: {{score: '${{ to_number(note.id) }}'}}
  - stop: {{return: '${{ listed.added }}'}}
"
    );
    let [lite, pg] = shop.run(&steps);
    assert_eq!((lite.returned(), pg.returned()), (&json!(true), &json!(false)), "the second finds her in the list");
    let members = shop.sandbox.ask(Method::Get, &format!("/crm/v3/lists/{list}/memberships"), "");
    assert_eq!(members["results"][0]["recordId"], ada.as_str());
    let of_acme = shop.sandbox.ask(Method::Get, &format!("/crm/v4/objects/companies/{acme}/associations/contacts"), "");
    assert_eq!(of_acme["results"].as_array().map(Vec::len), Some(1), "twice is once: {of_acme}");
    let notes = shop.sandbox.change(|hubspot| hubspot.records("notes").expect("an object").collect::<Vec<_>>());
    let bodies: Vec<_> = notes.iter().map(|note| note.values["hs_note_body"].as_str()).collect();
    assert_eq!(bodies, ["Copied by try-lite", "Copied by try-pg"]);

    let gone = "  - do: crm.add_to_list\n    with: {list: \"99\", record: \"1\"}\n";
    shop.run(gone).iter().for_each(|ended| ended.failed("not_found", &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_calls_another_and_goes_on_with_what_it_returns() {
    let shop = Shop::open(0).await;
    let callee = "trigger: {manual: {inputs: {who: {type: text, required: true}, score: {type: number, default: 5}}}}
steps:
  - fail: ${ inputs.who } is not wanted
    when: inputs.who == \"mallory\"
  - create: warehouse.people
    set: {email: '${ inputs.who }@x.co', name: '${ inputs.who }', score: '${ inputs.score }'}
    as: made
  - stop: {return: {id: '${ made.id }', score: '${ inputs.score }'}}
";
    shop.write("welcome", callee);
    let steps = "  - each: [jan, kim]
    item: who
    key: ${ who }
    steps:
      - run: welcome-HERE
        with: {who: '${ who }'}
        as: made
    as: all
  - run: welcome-HERE
    with: {who: mallory, score: 1}
    on_error: continue
    as: mallory
  - update: warehouse.people
    id: '${ all[1].id }'
    set: {city: '${ errors.mallory?.class ?? \"nothing\" }'}
";
    for ended in shop.run(steps) {
        ended.returned();
        assert_eq!(ended.run["ignored_failures"], 1);
        let called: Vec<_> = ended.run["called"].as_array().expect("runs").clone();
        assert_eq!(called.len(), 3, "{:#?}", ended.run);
        for run in called {
            assert_eq!(shop.show(run.as_str().expect("an id"))["caller"], ended.run["id"], "the parent is linked");
        }
    }
    let made = shop.rows("SELECT email, score, city FROM people WHERE id > 3 ORDER BY email");
    assert_eq!(made, ["jan@x.co|5|-", "kim@x.co|5|flow"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_bounded_in_time_and_gone_on_after() {
    let shop = Shop::open(1).await;
    let flow = |more: &str| {
        format!(
            "trigger: {{manual: }}
steps:
  - find: crm.contacts
    filter: {{email: nobody@x.co}}
{more}    as: found
  - update: warehouse.people
    id: 1
    set: {{name: '${{ errors.found?.class ?? \"well\" }}', city: '${{ errors.found?.message ?? \"\" }}'}}
"
        )
    };
    shop.write("patient", &flow("    retry: {attempts: 3, initial: 1ms}\n    on_error: continue\n"));
    shop.write("hasty", &flow("    retry: {attempts: 1}\n    timeout: 100ms\n    on_error: continue\n"));
    let strict =
        "trigger: {manual: }\nsteps:\n  - find: crm.contacts\n    id: 1\n    retry: {attempts: 2, initial: 1ms}\n";
    shop.write("strict", strict);
    let mut engine = shop.project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mut tail = shop.project.start(&["runs", "tail", "--format", "jsonl"]);
    // The next calls of the account fail so, and then no more.
    let mut run = |flow: &str, fault: Fault, n_calls: u64| {
        shop.sandbox.change(|hubspot| {
            let next = hubspot.calls() + 1;
            hubspot.faults_mut().forced = (next..next + n_calls).map(|call| (call, fault)).collect();
        });
        shop.project.run(&["run", flow]).ok();
        let line = tail.wait_for("\"state\":");
        let ended: Json = serde_json::from_str(&line).expect("one object a line");
        assert_eq!(ended["flow"], flow, "{ended}");
        ended
    };
    let mut both =
        |name: &str, fault, n_calls| ["lite", "pg"].map(|here| run(&format!("{name}-{here}"), fault, n_calls));
    let first = || shop.rows("SELECT name FROM people WHERE id = 1");

    let ended = both("patient", Fault::ServerErrorBefore, 2);
    ended
        .iter()
        .for_each(|run| assert_eq!((&run["state"], &run["ignored_failures"]), (&json!("succeeded"), &json!(0))));
    assert_eq!(first(), ["well"], "the third try went through");
    let ended = both("patient", Fault::ServerErrorBefore, 3);
    ended
        .iter()
        .for_each(|run| assert_eq!((&run["state"], &run["ignored_failures"]), (&json!("succeeded"), &json!(1))));
    assert_eq!(first(), ["transient"], "three tries were all it had");
    let ended = both("patient", Fault::ServerErrorBefore, 0);
    ended.iter().for_each(|run| assert_eq!(run["ignored_failures"], 0));
    assert_eq!(first(), ["well"]);
    let ended = both("hasty", Fault::TimeoutBefore, 1);
    ended.iter().for_each(|run| assert_eq!(run["ignored_failures"], 1));
    assert_eq!(first(), ["transient"]);
    let said = shop.rows("SELECT city FROM people WHERE id = 1");
    assert!(said[0].contains("no answer within 100ms"), "{said:?}");
    for run in both("strict", Fault::ServerErrorBefore, 2) {
        assert_eq!((&run["state"], &run["failure"]["attempt"]), (&json!("failed"), &json!(2)), "{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_failed_does_what_its_flow_says_about_it() {
    let shop = Shop::open(0).await;
    let flow = "trigger: {manual: }
steps:
  - update: warehouse.people
    id: 99
    set: {name: nobody}
    name: change_nobody
on_failure:
  - create: warehouse.people
    set: {email: '${ failure.step }', name: '${ failure.class }', city: '${ failure.message }', score: '${ failure.attempt }'}
";
    shop.write("guarded", flow);
    for ended in shop.start("guarded") {
        ended.failed("not_found", &["99"]);
        assert_eq!(ended.run["writes"].as_array().map(Vec::len), Some(2), "{:#?}", ended.run);
    }
    let told = shop.rows("SELECT email, name, score FROM people WHERE id > 3");
    assert_eq!(told, ["change_nobody|not_found|1"]);
    let failures = shop.project.run(&["failures", "list", "--flow", "guarded-pg", "--format", "json"]).json();
    assert_eq!((&failures[0]["runs"], &failures[0]["step"]), (&json!(1), &json!("change_nobody")));
}
