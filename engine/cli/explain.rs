//! `millrace explain`: what a code means, what raises it, and how that is mended.

mod page;
#[cfg(test)]
mod tests;

use clap::Args;
use serde_json::{Value as Json, json};
use text::Code;

use crate::tables::{self, Format};
use crate::{Failure, codes, screen};

pub use page::{Part, parts};

/// Arguments of `explain`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  millrace explain\n  millrace explain F0203\n  millrace explain unknown-field")]
pub struct Arguments {
    /// A code or its name; all of them are listed where none is given
    code: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The groups of codes, by how they begin.
const GROUPS: [(&str, &str); 15] = [
    ("F00", "Reading YAML"),
    ("F01", "The shape of flows"),
    ("F02", "What connections have"),
    ("F03", "Expressions"),
    ("F04", "Names"),
    ("F05", "Expressions within YAML"),
    ("F06", "Connections"),
    ("F07", "Templates"),
    ("F08", "Syncs"),
    ("F09", "Tests of flows"),
    ("M01", "The shape of connectors' manifests"),
    ("M02", "Names within manifests"),
    ("M03", "References within manifests"),
    ("P01", "What was pulled of accounts"),
    ("P02", "Budgets"),
];

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.code {
        Some(named) => {
            let code = find(named)?;
            match arguments.format {
                Format::Json => screen::say_json(&to_json(code)),
                Format::Table => screen::say(&page::rendered(code.page)),
            }
        }
        None => match arguments.format {
            Format::Json => screen::say_json(&all().map(to_json).collect()),
            Format::Table => screen::say(&listed()),
        },
    }
    Ok(())
}

/// Every code that there is, in order.
pub fn all() -> impl Iterator<Item = &'static Code> {
    flow::codes::all().chain(connectors::rest::codes::TABLE).chain(codes::TABLE)
}

/// What is known of a code.
pub fn find_code(code: &str) -> Option<&'static Code> {
    all().find(|known| known.code == code)
}

/// A code's page without marks and colours.
pub fn plain(code: &Code) -> String {
    anstream::adapter::strip_str(&page::rendered(code.page)).to_string()
}

/// The code that somebody names, in whichever letters.
fn find(named: &str) -> Result<&'static Code, Failure> {
    let is_meant = |code: &&Code| {
        let (letter, number) = code.code.split_at(1);
        let is_short = named.split_at_checked(1).is_some_and(|(first, rest)| {
            first.eq_ignore_ascii_case(letter) && !rest.is_empty() && rest == number.trim_start_matches('0')
        });
        let is_title = code.title().eq_ignore_ascii_case(named.trim());
        is_short || is_title || code.code.eq_ignore_ascii_case(named) || code.name.eq_ignore_ascii_case(named)
    };
    if let Some(code) = all().find(is_meant) {
        return Ok(code);
    }
    // Codes are alike in all but a digit, so only a name tells which one was meant.
    let words = all().map(|code| code.name);
    let help = match text::did_you_mean(named, words) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`millrace explain` lists all of them".to_owned(),
    };
    Err(Failure::Unknown { what: "code", name: named.to_owned(), help })
}

fn listed() -> String {
    let mut out = String::new();
    for (beginning, group) in GROUPS {
        out.push_str(&format!("{}\n", tables::strong(group)));
        let codes: Vec<_> = all().filter(|code| code.code.starts_with(beginning)).collect();
        let widest = codes.iter().map(|code| code.name.chars().count()).max().unwrap_or_default();
        for code in codes {
            out.push_str(&tables::wrapped(&format!("  {}  {:<widest$}  ", code.code, code.name), code.title()));
        }
        out.push('\n');
    }
    out.push_str("`millrace explain` with a code or its name tells what it means and how it is mended.\n");
    out
}

fn to_json(code: &Code) -> Json {
    json!({
        "code": code.code,
        "name": code.name,
        "title": code.title(),
        "explanation": code.explanation(),
        "page": code.page,
    })
}
