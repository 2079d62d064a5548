//! How soon an author sees what is wrong with what was just typed: the shipped server, spoken to as an editor does.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::process::Stopwatch;
use crate::report::{Report, median};
use crate::site::MILLRACE;
use crate::wire::Wire;

/// Lines of the flow that is typed in.
const LINES: usize = 300;
/// Other flows of the project, half as long.
const OTHERS: usize = 20;
/// Pulled objects, and the fields of each.
const OBJECTS: usize = 5;
const FIELDS: usize = 300;
/// Letters that are typed.
const LETTERS: usize = 200;

/// The time from a change to the mistakes of the changed text, and to an answer to what may stand there.
pub fn measure(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    write_project(dir.path())?;
    let path = dir.path().join("flows/typed.yaml");
    let uri = format!("file://{}", path.display());
    let mut editor = Wire::start(Command::new(MILLRACE).arg("lsp").stderr(Stdio::null()));
    let root = format!("file://{}", dir.path().display());
    let hello = json!({"processId": null, "rootUri": root, "capabilities": {}});
    editor.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
    editor.hear();
    editor.tell("initialized", json!({}));
    let text = std::fs::read_to_string(&path)?;
    let document = json!({"uri": uri, "languageId": "yaml", "version": 0, "text": text});
    let watch = Stopwatch::start();
    editor.tell("textDocument/didOpen", json!({"textDocument": document}));
    wait(&mut editor, 0);
    let opened = watch.elapsed();

    // Typed in the middle of an expression in the middle of the file, so that there is a mistake on the way.
    let line = text.lines().enumerate().position(|(at, line)| at > LINES / 2 && line.contains("record.firstname"));
    let line = line.unwrap_or_default();
    let column = text.lines().nth(line).and_then(|line| line.find("record.firstname")).unwrap_or_default() + 16;
    let (mut told, mut offered) = (Vec::new(), Vec::new());
    for version in 1..=LETTERS {
        let (start, end, letter) = if version % 2 == 1 { (column, column, "x") } else { (column, column + 1, "") };
        let range = json!({"start": {"line": line, "character": start}, "end": {"line": line, "character": end}});
        let change = json!([{"range": range, "text": letter}]);
        let watch = Stopwatch::start();
        let document = json!({"uri": uri, "version": version});
        editor.tell("textDocument/didChange", json!({"textDocument": document, "contentChanges": change}));
        let found = wait(&mut editor, version);
        told.push(watch.elapsed().as_secs_f64() * 1000.0);
        anyhow::ensure!(found == version % 2, "{found} mistakes after change {version}");
        let watch = Stopwatch::start();
        let at = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": column}});
        editor.send(&json!({"jsonrpc": "2.0", "id": version, "method": "textDocument/completion", "params": at}));
        while editor.hear()["id"] != json!(version) {}
        offered.push(watch.elapsed().as_secs_f64() * 1000.0);
    }
    let worst = told.iter().copied().fold(0.0, f64::max);
    let middle = median(told.into_iter());
    let figure = format!("{middle:.1} ms; at worst {worst:.1} ms");
    report.figure(&format!("Editor: from a change of {LINES} lines to its mistakes"), figure, "under 50 ms");
    let offered = format!("{:.1} ms", median(offered.into_iter()));
    report.figure("Editor: what may stand at the cursor", offered, "under 50 ms");
    report.figure("Editor: the first look at a project", format!("{:.0} ms", opened.as_secs_f64() * 1000.0), "");
    Ok(())
}

/// How many mistakes this version of the text has, once that is told.
fn wait(editor: &mut Wire, version: usize) -> usize {
    loop {
        let message = editor.hear();
        if message["method"] == "textDocument/publishDiagnostics" && message["params"]["version"] == json!(version) {
            return message["params"]["diagnostics"].as_array().map_or(0, Vec::len);
        }
    }
}

fn write_project(dir: &Path) -> anyhow::Result<()> {
    let write = |name: &str, text: &str| -> anyhow::Result<()> {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(path, text)?)
    };
    write(
        "connections.yaml",
        "crm:\n  connector: hubspot\n  token: ${ env.TOKEN }\nwarehouse:\n  connector: sqlite\n  path: warehouse.db\n",
    )?;
    for object in ["contacts", "companies", "deals", "tickets", "line_items"].iter().take(OBJECTS) {
        let mut schema = format!("schema: crm.{object}\nconnector: hubspot\nmodified: changed\nfields:\n");
        for field in ["email", "firstname", "lastname"] {
            let _ = writeln!(schema, "  {field}: {{type: text, label: {field}}}");
        }
        schema.push_str("  changed: {type: moment, label: Changed, read_only: true}\n");
        for number in 0..FIELDS {
            let _ = writeln!(schema, "  field_{number}: {{type: text, label: Field {number}}}");
        }
        write(&format!("schemas/crm.{object}.yaml"), &schema)?;
    }
    write("flows/typed.yaml", &flow("typed", LINES))?;
    for number in 0..OTHERS {
        write(&format!("flows/other-{number}.yaml"), &flow(&format!("other-{number}"), LINES / 2))?;
    }
    Ok(())
}

/// A flow of so many lines.
fn flow(name: &str, lines: usize) -> String {
    let mut flow = format!(
        "flow: {name}\nconnections: {{crm: hubspot, warehouse: sqlite}}\ntrigger:\n  poll: crm.contacts\n  every: 15s\nsteps:\n"
    );
    let mut number = 0;
    while flow.lines().count() < lines {
        number += 1;
        let _ = write!(
            flow,
            "  - upsert: warehouse.people\n    name: step-{number}\n    match: id\n    id: ${{ record.id }}\n    set:\n      email: ${{ record.email.to_lower() }}\n      name: ${{ join_words(record.firstname, record.lastname) }}\n      field: ${{ record.field_{} ?? \"\" }}\n",
            number % FIELDS
        );
    }
    flow
}
