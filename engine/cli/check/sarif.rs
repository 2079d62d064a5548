//! SARIF 2.1.0, the form in which code hosts, editors and dashboards take what a check found.
//!
//! Each code is a rule, with its page as help. Lines and columns count from 1, in characters.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use text::{Code, Diagnostic, Label, Severity, SourceFile, Span};

use super::report::Report;
use crate::{explain, problems};

/// The whole log: one run of one tool.
pub fn log(report: &Report<'_>) -> Json {
    let codes: BTreeSet<&str> = report.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let rules: Vec<&Code> = codes.iter().filter_map(|code| explain::find_code(code)).collect();
    let unreadable: Vec<Json> = report
        .unreadable
        .iter()
        .map(|failure| json!({"level": "error", "message": {"text": problems::sentence(failure)}}))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Millrace",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": unreadable.is_empty(),
                "toolExecutionNotifications": unreadable,
            }],
            "results": report.diagnostics.iter().map(|one| result(one, &rules, report)).collect::<Vec<_>>(),
        }],
    })
}

fn rule(code: &Code) -> Json {
    json!({
        "id": code.code,
        "name": code.name,
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": code.explanation()},
        "help": {"text": explain::plain(code), "markdown": code.page},
    })
}

fn result(diagnostic: &Diagnostic, rules: &[&Code], report: &Report<'_>) -> Json {
    let message = match &diagnostic.help {
        Some(help) => format!("{}\nhelp: {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        "message": {"text": message},
    });
    if let Some(index) = rules.iter().position(|rule| rule.code == diagnostic.code) {
        result["ruleIndex"] = index.into();
    }
    let mut locations = diagnostic.labels.iter().enumerate().map(|(number, label)| location(number, label, report));
    result["locations"] = locations.by_ref().take(1).collect();
    let related: Vec<Json> = locations.collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    let file = diagnostic.labels.first().and_then(|label| report.source(&label.file));
    if let (Some(fix), Some(file)) = (&diagnostic.fix, file) {
        let replacement =
            json!({"deletedRegion": region(file, fix.span), "insertedContent": {"text": fix.replacement}});
        let change = json!({"artifactLocation": artifact(&file.path, report), "replacements": [replacement]});
        result["fixes"] = json!([{"description": {"text": "as it is probably meant"}, "artifactChanges": [change]}]);
    }
    result
}

fn location(number: usize, label: &Label, report: &Report<'_>) -> Json {
    let mut physical = json!({"artifactLocation": artifact(&label.file, report)});
    if let Some(file) = report.source(&label.file) {
        physical["region"] = region(file, label.span);
    }
    let mut location = json!({"id": number, "physicalLocation": physical});
    if !label.text.is_empty() {
        location["message"] = json!({"text": label.text});
    }
    location
}

fn region(file: &SourceFile, span: Span) -> Json {
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column})
}

/// Within the repository where it lies there, so that a log means the same on every machine.
fn artifact(path: &str, report: &Report<'_>) -> Json {
    let path = report.in_repository(path);
    match path.strip_prefix('/') {
        Some(_) => json!({"uri": format!("file://{}", encoded(&path))}),
        None => json!({"uri": encoded(&path), "uriBaseId": "%SRCROOT%"}),
    }
}

/// A path as part of an address.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::report::CheckFormat;
    use super::*;

    #[test]
    fn a_log_has_what_the_standard_asks_for() {
        let file = SourceFile::new("flows/größer.yaml", "flow: ü x\nsteps: y\n");
        let other = SourceFile::new("flows/other.yaml", "flow: x\n");
        let (start, end) = (file.text.find('x').unwrap(), file.text.find('x').unwrap() + 1);
        let diagnostics = [
            Diagnostic::error("F0108", "two flows")
                .at(&file.path, Span::new(start, end), "the second")
                .at(&other.path, Span::new(6, 7), "the first")
                .did_you_mean(Span::new(start, end), Some(text::Meant::guess("y"))),
            Diagnostic::warning("F0505", "text").at(&file.path, Span::new(start, file.text.len()), ""),
            Diagnostic::error("F0002", "too large").at(&"flows/large.yaml".into(), Span::default(), ""),
        ];
        let report = Report {
            diagnostics: &diagnostics,
            sources: &[file.clone(), other],
            unreadable: &[crate::Failure::LeadsOut { path: "flows/out.yaml".into() }],
            places: &BTreeMap::new(),
            n_files: 2,
            format: CheckFormat::Sarif,
        };
        let log = log(&report);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["F0002", "F0108", "F0505"], "each once");
        for rule in rules {
            for text in ["/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
                assert!(
                    rule.pointer(text).and_then(Json::as_str).is_some_and(|text| !text.is_empty()),
                    "{text}: {rule}"
                );
            }
        }
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert_eq!(result["locations"].as_array().map(Vec::len), Some(1));
        }
        let first = &run["results"][0];
        let place = &first["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"], json!({"uri": "flows/gr%C3%B6%C3%9Fer.yaml", "uriBaseId": "%SRCROOT%"}));
        // Characters, not bytes, from 1.
        let region = json!({"startLine": 1, "startColumn": 9, "endLine": 1, "endColumn": 10});
        assert_eq!(place["region"], region);
        assert_eq!(first["relatedLocations"][0]["message"]["text"], "the first");
        assert_eq!(
            first["fixes"][0]["artifactChanges"][0]["replacements"][0],
            json!({"deletedRegion": region, "insertedContent": {"text": "y"}})
        );
        let second = &run["results"][1];
        assert_eq!(
            (&second["level"], &second["locations"][0]["physicalLocation"]["region"]["endLine"]),
            (&"warning".into(), &3.into())
        );
        assert!(run["results"][2]["locations"][0]["physicalLocation"]["region"].is_null(), "its text is not known");
        let notice = &run["invocations"][0];
        assert_eq!(notice["executionSuccessful"], false);
        assert!(
            notice["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap().contains("flows/out.yaml")
        );
    }
}
