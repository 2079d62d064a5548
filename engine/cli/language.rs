//! `millrace language`: what flows are written in.

use clap::{Args, Subcommand};
use flow::expr::helpers::{self, Helper};
use serde_json::{Value as Json, json};

use crate::tables::{self, Format};
use crate::{Failure, screen};

/// What to show.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the functions that expressions can call, each with an example
    #[command(after_help = "Examples:\n  millrace language functions\n  millrace language functions ends_with")]
    Functions(FunctionsArguments),
}

/// Arguments of `language functions`.
#[derive(Args, Debug)]
pub struct FunctionsArguments {
    /// One function
    name: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does it.
pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Functions(arguments) => functions(arguments),
    }
}

fn functions(arguments: &FunctionsArguments) -> Result<(), Failure> {
    let is_meant = |helper: &&Helper| arguments.name.as_deref().is_none_or(|name| helper.name == name);
    let found: Vec<&Helper> = helpers::all().filter(is_meant).collect();
    if let (true, Some(name)) = (found.is_empty(), &arguments.name) {
        let known = helpers::all().map(|helper| helper.name.to_owned()).collect();
        return Err(Failure::unknown("function", name, known));
    }
    match arguments.format {
        Format::Json => screen::say_json(&found.into_iter().map(to_json).collect()),
        Format::Table => screen::say(&found.into_iter().map(in_words).collect::<Vec<_>>().join("\n")),
    }
    Ok(())
}

fn in_words(helper: &Helper) -> String {
    let doc = tables::wrapped("  ", helper.doc);
    let example = tables::wrapped("  ", &format!("{} gives {}", helper.example, helper.result));
    format!("{}\n{}\n{}\n", tables::strong(helper.signature), doc.trim_end(), example.trim_end())
}

fn to_json(helper: &Helper) -> Json {
    json!({
        "name": helper.name,
        "signature": helper.signature,
        "doc": helper.doc,
        "example": helper.example,
        "result": helper.result,
    })
}
