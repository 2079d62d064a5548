//! `millrace lsp`, as an editor meets it.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value as Json, json};

use crate::editor::Editor;
use crate::project::{PEOPLE, Project, offline};

const FLOW: &str = "flows/people.yaml";
const CONTACTS: &str = "\
schema: crm.contacts
connector: hubspot
modified: lastmodifieddate
created: createdate
fields:
  email: {type: text, label: E-mail 📧, unique: true}
  firstname: {type: text, label: First name}
  lastname: {type: text, label: Last name}
  lifecyclestage:
    type: choice
    label: Stage
    options:
      - {value: lead, label: Lead}
      - {value: customer, label: Customer}
  createdate: {type: moment, label: Created, read_only: true}
  lastmodifieddate: {type: moment, label: Changed, read_only: true}
";
const CALLED: &str = "\
flow: remind
description: Writes a letter.
trigger: {manual: {inputs: {order: {type: text, required: true}}}}
steps:
  - stop:
";

/// A project whose fields are known.
fn project() -> Project {
    let project = offline();
    project.write("schemas/crm.contacts.yaml", CONTACTS);
    project.write("flows/remind.yaml", CALLED);
    project
}

#[test]
fn what_is_wrong_is_underlined_while_it_is_typed_and_goes_when_it_is_mended() {
    let project = project();
    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    assert_eq!(editor.codes(FLOW), Vec::<String>::new());

    // Behind a character of two units, on the line of the mistake itself.
    editor.replace(FLOW, "email: ${ record.email.to_lower() }", "email: ${ \"😀\" + record.emial }");
    let found = editor.diagnostics(FLOW);
    assert_eq!(found.len(), 1, "{found:#?}");
    let line = editor.text(FLOW).lines().position(|line| line.contains("emial")).expect("the line");
    assert_eq!(found[0]["range"]["start"], json!({"line": line, "character": 30}));
    assert_eq!(found[0]["range"]["end"], json!({"line": line, "character": 35}));
    assert_eq!(
        (&found[0]["code"], &found[0]["severity"], &found[0]["source"]),
        (&"F0203".into(), &1.into(), &"millrace".into())
    );
    let message = found[0]["message"].as_str().expect("a message");
    assert!(message.contains("unknown field `emial`") && message.contains("help: did you mean `email`?"), "{message}");
    assert_eq!(found[0]["data"]["explain"], "millrace explain F0203");

    // Half a line is a mistake of its own, and everything is well again when it is whole.
    editor.replace(FLOW, "emial", "email");
    editor.replace(FLOW, "when: record.email != ()\n", "when: record.email != ()\ntimez");
    assert_ne!(editor.codes(FLOW), Vec::<String>::new());
    editor.replace(FLOW, "timez", "timezone: Europe/Berlin\n");
    assert_eq!(editor.codes(FLOW), Vec::<String>::new());
    assert_eq!(editor.quit().status, 0);
}

#[test]
fn other_places_are_linked_and_other_files_are_told_of() {
    let project = project();
    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    editor.open_as("flows/second.yaml", &CALLED.replace("flow: remind", "flow: people"));
    let found = editor.wait_for("flows/second.yaml", |found| !found.is_empty());
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], editor.uri(FLOW), "{found:#?}");
    // What is open counts, not what lies on disk; and a flow that calls another is checked when that one changes.
    editor.replace("flows/second.yaml", "flow: people", "flow: second");
    assert_eq!(editor.codes("flows/second.yaml"), Vec::<String>::new());
    editor.replace("flows/second.yaml", "  - stop:\n", "  - run: remind\n    with: {order: x}\n");
    assert_eq!(editor.codes("flows/second.yaml"), Vec::<String>::new());
    editor.open("flows/remind.yaml");
    editor.replace("flows/remind.yaml", "order:", "bill:");
    editor.wait_for("flows/second.yaml", |found| !found.is_empty());
    // A buffer that is closed is as it lies on disk again.
    editor.close("flows/remind.yaml");
    editor.wait_for("flows/second.yaml", <[Json]>::is_empty);
    // And so is a file that changes there, when the editor tells.
    project.write("connections.yaml", "crm: {connector: hubspot}\n");
    let changed = json!({"changes": [{"uri": editor.uri("connections.yaml"), "type": 2}]});
    editor.tell("workspace/didChangeWatchedFiles", changed);
    editor.wait_for("connections.yaml", |found| !found.is_empty());
    assert_eq!(editor.heard[0]["method"], "client/registerCapability", "it asked to be told");
    // With the last buffer, everything that was told is taken back.
    editor.close(FLOW);
    editor.close("flows/second.yaml");
    editor.wait_for("connections.yaml", <[Json]>::is_empty);
    assert_eq!(editor.quit().status, 0);
}

#[test]
fn syncs_and_tests_are_helped_with_too() {
    let project = project();
    let mut editor = Editor::start(&project);
    editor.open_as("flows/both.yaml", "sync: both\n");
    assert_ne!(editor.codes("flows/both.yaml"), Vec::<String>::new(), "it is not whole yet");
    editor.replace("flows/both.yaml", "sync: both\n", "sync: both\n\n");
    assert_ne!(editor.labels("flows/both.yaml", "sync: both\n"), Vec::<String>::new());
    editor.open_as("flows/people.test.yaml", "test: peopl\n");
    let found = editor.diagnostics("flows/people.test.yaml");
    assert!(found.iter().any(|one| one["message"].as_str().is_some_and(|text| text.contains("peopl"))), "{found:#?}");
}

#[test]
fn other_peoples_yaml_is_left_alone() {
    let project = project();
    let mut editor = Editor::start(&project);
    editor.open_as("docker-compose.yaml", "services: [\n");
    assert_eq!(editor.codes("docker-compose.yaml"), Vec::<String>::new());
    assert_eq!(editor.labels("docker-compose.yaml", "services"), Vec::<String>::new());
    editor.open_as("drafts/new.yaml", "flow: new\nstep");
    assert_ne!(editor.codes("drafts/new.yaml"), Vec::<String>::new(), "a flow is one wherever it lies");
}

#[test]
fn what_may_stand_at_the_cursor_is_offered_in_a_buffer_that_is_no_yaml() {
    let project = project();
    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    let has = |labels: &[String], wanted: &[&str]| {
        for wanted in wanted {
            assert!(labels.iter().any(|label| label == wanted), "`{wanted}` is not among {labels:?}");
        }
    };
    editor.replace(FLOW, "    match: hubspot_id\n", "    match: hubspot_id\n    re\n");
    let items = editor.completions(FLOW, "\n    re");
    let retry = items.iter().find(|item| item["label"] == "retry").expect("the key is offered");
    assert!(retry["documentation"]["value"].as_str().is_some_and(|doc| doc.contains("attempt")), "{retry}");
    editor.apply(FLOW, &json!([retry["textEdit"]]));
    editor.replace(FLOW, "    retry:", "    retry: {att");
    has(&editor.labels(FLOW, "retry: {att"), &["attempts", "initial"]);
    editor.replace(FLOW, "    retry: {att", "    on_error: ");
    has(&editor.labels(FLOW, "on_error: "), &["fail", "continue"]);
    editor.replace(FLOW, "    on_error: ", "");

    editor.replace(FLOW, "steps:\n", "steps:\n  - upsert: crm.\n    set:\n      \n  - \n");
    has(&editor.labels(FLOW, "- upsert: crm."), &["crm.contacts", "crm.deals"]);
    has(&editor.labels(FLOW, "\n  - \n"[..4].trim_end_matches('\n')), &[]);
    editor.replace(FLOW, "- upsert: crm.\n", "- upsert: crm.contacts\n");
    let fields = editor.labels(FLOW, "set:\n      ");
    has(&fields, &["email", "lifecyclestage"]);
    assert!(!fields.iter().any(|field| field == "createdate"), "what is read only cannot be set: {fields:?}");
    editor.replace(FLOW, "set:\n      \n", "set:\n      lifecyclestage: \n");
    has(&editor.labels(FLOW, "lifecyclestage: "), &["lead", "customer"]);
    editor.replace(FLOW, "lifecyclestage: \n", "lifecyclestage: ${ record.\n");
    has(&editor.labels(FLOW, "lifecyclestage: ${ record."), &["firstname", "meta", "id"]);
    editor.replace(FLOW, "${ record.\n", "${ join\n");
    let functions = editor.completions(FLOW, "${ join");
    let join = functions.iter().find(|item| item["label"] == "join_words").expect("the function is offered");
    assert!(join["detail"].as_str().is_some_and(|detail| detail.starts_with("join_words(")), "{join}");
    assert!(join["documentation"]["value"].as_str().is_some_and(|doc| doc.contains("gives")), "{join}");
    editor.replace(FLOW, "  - upsert: crm.contacts", "  - run: \n  - upsert: crm.contacts");
    has(&editor.labels(FLOW, "- run: "), &["remind"]);

    editor.open("connections.yaml");
    editor.replace("connections.yaml", "warehouse:", "pg:\n  connector: \nwarehouse:");
    has(&editor.labels("connections.yaml", "pg:\n  connector: "), &["hubspot", "postgres"]);
    editor.replace("connections.yaml", "connector: \n", "connector: postgres\n  \n");
    has(&editor.labels("connections.yaml", "connector: postgres\n  "), &["url"]);
    assert_eq!(editor.quit().status, 0);
}

#[test]
fn what_stands_at_the_cursor_is_told_and_led_to() {
    let project = project();
    project.write(
        "flows/weekly.yaml",
        CALLED.replace("flow: remind", "flow: weekly\nversion: 1\ninputs: {day: {type: text, default: mon}}"),
    );
    project.write("flows/reminder.yaml", "# On Tuesdays.\nflow: reminder\nfrom: weekly@1\ninputs: {day: tue}\n");
    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    let flow = PEOPLE.replace("steps:\n", "steps:\n  - run: remind\n    with: {order: x}\n    as: letter\n  - run: reminder\n    with: {order: x}\n  - skip: ${ letter }\n    when: record.firstname == ()\n");
    editor.replace(FLOW, PEOPLE, &flow);
    let mut hover = |after: &str| {
        let hover = editor.ask_at("textDocument/hover", FLOW, after);
        hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
    };
    assert!(hover("match").contains("found"), "a key");
    assert!(hover("record.em").contains("E-mail 📧"), "a field");
    assert!(hover("to_low").contains("lower case"), "a function");
    assert!(hover("poll: cr").contains("`hubspot`"), "a connection");
    assert!(hover("poll: crm.cont").contains("6 fields"), "an object");
    assert_eq!(hover("flow: peo"), "", "what is the author's own");

    let mut definition = |after: &str| {
        let found = editor.ask_at("textDocument/definition", FLOW, after);
        let file = found["uri"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        (file, found["range"]["start"]["line"].clone())
    };
    assert_eq!(definition("poll: cr"), ("connections.yaml".to_owned(), json!(0)));
    assert_eq!(definition("upsert: ware"), ("connections.yaml".to_owned(), json!(4)));
    assert_eq!(definition("run: rem"), ("remind.yaml".to_owned(), json!(0)));
    assert_eq!(
        definition("run: remind\n    with: {order: x}\n    as: letter\n  - run: remi"),
        ("reminder.yaml".to_owned(), json!(1))
    );
    assert_eq!(definition("record.em"), ("crm.contacts.yaml".to_owned(), json!(5)));
    let made = flow.lines().position(|line| line.contains("as: letter")).expect("the line");
    assert_eq!(definition("${ let"), ("people.yaml".to_owned(), json!(made)));
    // A mistake is told of, with what its code means.
    editor.replace(FLOW, "record.firstname", "record.fristname");
    assert_eq!(editor.codes(FLOW), ["F0203"]);
    let hover = editor.ask_at("textDocument/hover", FLOW, "record.frist");
    assert!(hover["contents"]["value"].as_str().is_some_and(|text| text.contains("millrace explain F0203")), "{hover}");
    assert_eq!(editor.quit().status, 0);
}

#[test]
fn corrections_are_applied_by_the_editor_and_what_was_wrong_is_gone() {
    let project = project();
    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    editor.replace(
        FLOW,
        PEOPLE,
        &PEOPLE.replace("to_lower", "to_lowr").replace("record.firstname", "record.fristname").replace('\n', "\r\n"),
    );
    let found = editor.diagnostics(FLOW);
    assert_eq!(found.len(), 2, "{found:#?}");
    let wrong = found.iter().find(|one| one["code"] == "F0302").expect("the function");
    let actions = editor.actions(FLOW, "to_lowr", &json!({"diagnostics": [wrong]}));
    let fix = actions.iter().find(|action| action["title"] == "Change to `to_lower`").expect("a correction");
    assert_eq!((&fix["kind"], &fix["isPreferred"], &fix["diagnostics"][0]), (&"quickfix".into(), &true.into(), wrong));
    let uri = editor.uri(FLOW);
    editor.apply(FLOW, &fix["edit"]["changes"][&uri]);
    assert_eq!(editor.codes(FLOW), ["F0203"]);

    // What the code means can be asked for as well.
    let explain = actions.iter().find(|action| action["command"]["command"] == "millrace.explain").expect("a command");
    let page = editor.ask("workspace/executeCommand", explain["command"].clone()).expect("it is answered");
    assert!(page.as_str().is_some_and(|page| page.starts_with("# F0302")), "{page}");

    // And all that is left when the file is saved.
    let only = json!({"diagnostics": [], "only": ["source.fixAll"]});
    let all = editor.actions(FLOW, "flow:", &only);
    assert_eq!((all.len(), &all[0]["kind"]), (1, &"source.fixAll".into()), "{all:#?}");
    editor.apply(FLOW, &all[0]["edit"]["changes"][&uri]);
    assert_eq!(editor.codes(FLOW), Vec::<String>::new());
    assert_eq!(editor.text(FLOW), PEOPLE.replace('\n', "\r\n"));
    assert_eq!(editor.actions(FLOW, "flow:", &only), Vec::<Json>::new());
    assert_eq!(editor.quit().status, 0);
}

#[test]
fn a_guess_is_offered_and_put_in_by_nobody_but_the_author() {
    let project = project();
    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    editor.replace(FLOW, PEOPLE, &PEOPLE.replace("- upsert:", "- remove:"));
    let wrong = editor.diagnostics(FLOW).into_iter().find(|one| one["code"] == "F0109").expect("the verb");
    let actions = editor.actions(FLOW, "remove", &json!({"diagnostics": [wrong]}));
    let guess = actions.iter().find(|action| action["title"] == "Change to `delete`").expect("an offer");
    assert_eq!(guess["isPreferred"], false);
    let only = json!({"diagnostics": [], "only": ["source.fixAll"]});
    assert_eq!(editor.actions(FLOW, "flow:", &only), Vec::<Json>::new());
    assert_eq!(editor.quit().status, 0);
}

#[test]
fn a_buffer_is_laid_out_as_fmt_does_it() {
    let project = project();
    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    let parameters =
        json!({"textDocument": {"uri": editor.uri(FLOW)}, "options": {"tabSize": 2, "insertSpaces": true}});
    editor.replace(
        FLOW,
        "  - upsert: warehouse.people\n    match: hubspot_id",
        "  - match:   hubspot_id # their id\n    upsert: warehouse.people",
    );
    let edits = editor.ask("textDocument/formatting", parameters.clone()).expect("it is answered");
    editor.apply(FLOW, &edits);
    let laid_out = "  - upsert: warehouse.people\n    match: hubspot_id # their id\n";
    assert!(editor.text(FLOW).contains(laid_out), "{}", editor.text(FLOW));
    assert_eq!(editor.ask("textDocument/formatting", parameters.clone()), Ok(json!([])));
    // What does not parse is left alone.
    editor.replace(FLOW, "trigger: {", "trigger: {{");
    assert_eq!(editor.ask("textDocument/formatting", parameters), Ok(Json::Null));
    assert_eq!(editor.quit().status, 0);
}

#[test]
fn the_conversation_ends_as_the_protocol_says() {
    let project = project();
    let mut early = Editor::silent(&project);
    let refused = early.ask("textDocument/hover", json!({})).expect_err("nobody has said who it is");
    assert_eq!(refused["code"], -32002);
    early.tell("exit", Json::Null);
    assert_eq!(early.ended().status, 1, "it was never told that it is enough");

    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    assert_eq!(editor.ask("textDocument/rename", json!({})).expect_err("we have none")["code"], -32601);
    assert_eq!(editor.ask("textDocument/hover", json!([1])).expect_err("no such parameters")["code"], -32602);
    assert_eq!(editor.ask("shutdown", Json::Null), Ok(Json::Null));
    assert_eq!(editor.ask("textDocument/hover", json!({})).expect_err("it is over")["code"], -32600);
    editor.tell("exit", Json::Null);
    let said = editor.ended();
    assert_eq!((said.status, said.err.as_str()), (0, ""));

    // An editor that dies says nothing; its server goes, too.
    let mut dying = Editor::start(&project);
    dying.open(FLOW);
    dying.hang_up().refused(1, &["the editor is gone"]);
}

#[test]
fn no_edit_breaks_it_and_every_question_is_answered() {
    const SEED: u64 = 20_261_121;
    let project = project();
    let step = [
        "  - upsert: warehouse.people",
        "    name: step-N",
        "    match: hubspot_id",
        "    set:",
        "      hubspot_id: ${ record.id }",
        "      email: ${ record.email.to_lower() }",
        "      name: \"${ join_words(record.firstname, record.lastname) }\"\n",
    ]
    .join("\n");
    let steps: String = (0..42).map(|number| step.replace('N', &number.to_string())).collect();
    let (head, _) = PEOPLE.split_once("  - upsert").expect("it has a step");
    let whole = format!("{head}{steps}");
    assert!(whole.lines().count() > 295, "{}", whole.lines().count());
    project.write(FLOW, &whole);
    let mut editor = Editor::start(&project);
    editor.open(FLOW);
    assert_eq!(editor.codes(FLOW), Vec::<String>::new());
    let mut random = SmallRng::seed_from_u64(SEED);
    let pieces = [
        "\n", " ", ":", "- ", "${ ", "}", "{", "[", "\"", "'", "#", "|", "é😀", "steps:", "crm.", "record.", "\t",
        "&a", "*b", "!!", "\u{feff}", "  upsert", "---\n",
    ];
    let methods = ["completion", "hover", "definition"];
    for turn in 0..150 {
        let text = editor.text(FLOW).to_owned();
        let boundary = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = boundary(random.random_range(0..=text.len()));
        let end = boundary((start + random.random_range(0..12)).min(text.len())).max(start);
        editor.splice(FLOW, start, end, pieces[random.random_range(0..pieces.len())]);
        let (line, character) = (random.random_range(0..310), random.random_range(0..60));
        let parameters =
            json!({"textDocument": {"uri": editor.uri(FLOW)}, "position": {"line": line, "character": character}});
        let method = format!("textDocument/{}", methods[turn % methods.len()]);
        let answer = editor.ask(&method, parameters);
        assert!(answer.is_ok(), "seed {SEED}, turn {turn}: {answer:?}");
    }
    assert_ne!(editor.codes(FLOW), Vec::<String>::new());
    // What it holds is what we hold: with the first text, all is well again.
    let now = editor.text(FLOW).len();
    editor.splice(FLOW, 0, now, &whole);
    assert_eq!(editor.codes(FLOW), Vec::<String>::new(), "seed {SEED}");
    assert!(editor.heard.iter().all(|message| message["method"] == "client/registerCapability"), "{:?}", editor.heard);
    let said = editor.quit();
    assert_eq!((said.status, said.err.as_str()), (0, ""), "seed {SEED}");
}
